// The same run again: HTTP programs, stepped, leave the same journal every time.

package vnettest_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

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

var slowAndLossy = vnet.LinkConfig{Latency: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.1}

func TestFiveSteppedHTTPClientsDoTheSameEveryTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		config vnettest.Config
	}{
		{"in the order of names", vnettest.Config{Held: true}},
		{"newest first", vnettest.Config{Held: true, Net: vnet.Config{Order: vnet.Newest}}},
		{"in the order a seed chooses", vnettest.Config{Held: true, Net: vnet.Config{Order: vnet.Shuffled(7)}}},
		{"over slow and lossy links", vnettest.Config{Held: true, Net: vnet.Config{Link: slowAndLossy}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			vnettest.Repeat(t, c.config, vnettest.Throughout, func(t *vnettest.T) {
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
