// The same run again: HTTP programs, stepped, leave the same journal every time.

package vnettest_test

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// rounds is how often a run is repeated: 25 times, or as often as
// $REHEARSE_ROUNDS says.
func rounds(t *testing.T) int {
	said := os.Getenv("REHEARSE_ROUNDS")
	if said == "" {
		return 25
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 2 {
		t.Fatalf("REHEARSE_ROUNDS=%q is not a number of at least 2", said)
	}
	return n
}

// sameEveryTime runs f over and over, each round as a test of its own, and
// fails unless all rounds leave the same journal, in shape and altogether.
func sameEveryTime(t *testing.T, config func() vnettest.Config, f func(*vnettest.T)) {
	var first []journal.Event
	whole, shape := map[string]int{}, map[string]int{}
	for i := range rounds(t) {
		var events []journal.Event
		ok := t.Run(strconv.Itoa(i), func(t *testing.T) {
			vnettest.Run(t, config(), func(t *vnettest.T) {
				f(t)
				events = slices.Collect(t.Journal.Events(0))
			})
		})
		if !ok || len(events) == 0 {
			t.Fatalf("round %d failed, after %d events", i, len(events))
		}
		if first == nil {
			first = events
		}
		whole[writtenOut(t, slices.Values(events))]++
		shape[writtenOut(t, journal.Shapes(slices.Values(events)))]++
		if len(whole) > 1 && !t.Failed() {
			t.Errorf("round %d differs:\n%s", i, journal.Diff(slices.Values(first), slices.Values(events)))
		}
	}
	t.Logf("%d rounds of %d events: %d distinct journals, %d distinct shapes",
		rounds(t), len(first), len(whole), len(shape))
}

// writtenOut is the written form of a journal, by which two are compared.
func writtenOut(t *testing.T, events iter.Seq[journal.Event]) string {
	t.Helper()
	var b strings.Builder
	if err := journal.Write(&b, journal.Header{}, events); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// shop answers "/i/k" with k kilobytes, later the larger k is.
func shop(w http.ResponseWriter, r *http.Request) {
	var who, k int
	fmt.Sscanf(r.URL.Path, "/%d/%d", &who, &k)
	time.Sleep(time.Duration(k) * time.Second) // virtual
	fmt.Fprint(w, strings.Repeat(strconv.Itoa(who), k<<10))
}

// customers are five HTTP clients on hosts of their own, each making a few
// requests over its kept connection. wait returns when all are answered.
func customers(t *vnettest.T) (wait func()) {
	var all sync.WaitGroup
	for i := range 5 {
		client := clientOn(t, fmt.Sprintf("app%d", i))
		all.Go(func() {
			for k := range 4 {
				got, err := getURL(t.Context(), client, fmt.Sprintf("http://shop/%d/%d", i, k))
				if len(got) != k<<10 || err != nil {
					t.Errorf("client %d, request %d: %d bytes, %v", i, k, len(got), err)
				}
			}
			resp, err := client.Post("http://shop/0/1", "text/plain", io.LimitReader(zeros{}, 3000))
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			resp.Body.Close()
		})
	}
	return all.Wait
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestFiveSteppedHTTPClientsDoTheSameEveryTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func() vnettest.Config
	}{
		{"in the order of names", func() vnettest.Config { return vnettest.Config{Held: true} }},
		{"newest first", func() vnettest.Config {
			return vnettest.Config{Held: true, Net: vnet.Config{Order: vnet.Newest}}
		}},
		{"in the order a seed chooses", func() vnettest.Config {
			return vnettest.Config{Held: true, Net: vnet.Config{Order: vnet.Shuffled(7)}}
		}},
		{"over slow and lossy links", func() vnettest.Config {
			link := vnet.LinkConfig{Latency: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.1}
			return vnettest.Config{Held: true, Net: vnet.Config{Link: link}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sameEveryTime(t, c.config, func(t *vnettest.T) {
				serveHTTP(t, "shop", &http.Server{Handler: http.HandlerFunc(shop)})
				wait := customers(t)
				t.Drain(time.Minute)
				wait()
				if n := countKind(t.Journal, "net.connect"); n != 5 {
					t.Errorf("%d connections, want one a client", n)
				}
			})
		})
	}
}
