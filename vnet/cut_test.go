// What cuts and partitions keep back, and what happens when they heal.

package vnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// parted is a network of app and api, on which api echoes and app has a
// connection to it.
func parted(t *testing.T, n *vnet.Network) net.Conn {
	t.Helper()
	go echo(listen(t, n, "api", "80"))
	c, err := n.Host("app").Dial(t.Context(), "tcp", "api:80")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return c
}

// cuts are all the ways in which app and api can be separated.
var cuts = map[string]func(*vnet.Network) (heal func()){
	"both ways":        func(n *vnet.Network) func() { return n.Part("app") },
	"there only":       func(n *vnet.Network) func() { return n.OneWay("app", "api") },
	"back only":        func(n *vnet.Network) func() { return n.Link("api", "app").Cut() },
	"the server pause": func(n *vnet.Network) func() { return n.Host("api").Pause() },
	"the server's crash": func(n *vnet.Network) func() {
		n.Host("api").Crash()
		return n.Host("api").Up
	},
}

func TestBytesWaitForAPartitionToHeal(t *testing.T) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		for name, cut := range cuts {
			if strings.Contains(name, "crash") {
				continue // what it had is gone
			}
			t.Run(fmt.Sprint(name, latency), func(t *testing.T) {
				same(t, vnet.Config{Link: vnet.LinkConfig{Latency: latency}}, func(t *testing.T, n *vnet.Network) {
					c := parted(t, n)
					heal := cut(n)
					start := time.Now()
					time.AfterFunc(time.Minute, heal)
					if _, err := io.WriteString(c, "hello"); err != nil {
						t.Fatal(err)
					}
					got := make([]byte, 5)
					_, err := io.ReadFull(c, got)
					took := time.Since(start)
					if err != nil || took < time.Minute || took > time.Minute+2*latency+2*grain {
						t.Errorf("the echo %q (%v) came after %v, want just after the minute", got, err, took)
					}
				})
			})
		}
	}
}

func TestAHealedLinkWithoutDelayDeliversAtOnce(t *testing.T) {
	n := vnet.New(vnet.Config{})
	a, b := n.Pair("a", "b")
	heal := n.Part("a")
	io.WriteString(a, "hello")
	if got := vnet.EndOf(b).Unread(); len(got) != 0 {
		t.Errorf("behind the cut %q arrived", got)
	}
	heal()
	if got := vnet.EndOf(b).Unread(); string(got) != "hello" {
		t.Errorf("when it was healed %q had arrived, want all, before the program goes on", got)
	}
}

func TestADialNeedsBothDirections(t *testing.T) {
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			same(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
				parted(t, n)
				app := n.Host("app")
				heal := cut(n)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err := app.Dial(ctx, "tcp", "api:80")
				took := time.Since(start)
				var op *net.OpError
				if !errors.As(err, &op) || !op.Timeout() || op.Err.Error() != "i/o timeout" || took != time.Second {
					t.Errorf("with a context's deadline: %v after %v, want i/o timeout after a second", err, took)
				}
				ctx, stop := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, stop)
				_, err = app.Dial(ctx, "tcp", "api:80")
				if !errors.As(err, &op) || op.Timeout() || !errors.Is(err, context.Canceled) {
					t.Errorf("with a context cancelled: %v", err)
				}
				start = time.Now()
				_, err = app.Dial(t.Context(), "tcp", "api:80")
				if took := time.Since(start); !timedOut(err, "dial") || took != time.Minute {
					t.Errorf("the dial: %v after %v, want ETIMEDOUT after a minute", err, took)
				}
				if strings.Contains(name, "crash") {
					return
				}
				time.AfterFunc(30*time.Second, heal)
				start = time.Now()
				_, err = app.Dial(t.Context(), "tcp", "api:80")
				if err != nil || time.Since(start) != 30*time.Second {
					t.Errorf("the dial that is healed: %v after %v, want a connection then", err, time.Since(start))
				}
			})
		})
	}
}

func TestTheAnswerToADialIsCutOnItsWay(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		go echo(listen(t, n, "api", "80"))
		n.Host("app")
		time.AfterFunc(1500*time.Millisecond, func() {
			time.AfterFunc(30*time.Second, n.OneWay("api", "app"))
		})
		start := time.Now()
		c, err := n.Host("app").Dial(t.Context(), "tcp", "api:80")
		if took := time.Since(start); err != nil || took < 31500*time.Millisecond {
			t.Fatalf("the dial took %v (%v), want it to wait until the link healed", took, err)
		}
		io.WriteString(c, "x")
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestAnEstablishedConnectionTimesOutBehindACut(t *testing.T) {
	same(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		heal := n.OneWay("a", "b")
		// An idle connection does not notice.
		time.Sleep(time.Hour) // virtual
		start := time.Now()
		io.WriteString(a, "x")
		_, err := a.Read(make([]byte, 1))
		if !timedOut(err, "read") || time.Since(start) != time.Minute {
			t.Errorf("a reads %v after %v, want ETIMEDOUT after a minute", err, time.Since(start))
		}
		b.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("b reads %v, want silence", err)
		}
		b.SetReadDeadline(time.Time{})
		heal()
		io.WriteString(b, "is anybody there?")
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("b reads %v after it wrote, want a reset", err)
		}
	})
}

func TestOneWayLeavesTheWayBack(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.OneWay("a", "b")
		io.WriteString(a, "lost")
		io.WriteString(b, "arrives")
		got := make([]byte, 7)
		if _, err := io.ReadFull(a, got); err != nil || string(got) != "arrives" {
			t.Errorf("a reads %q (%v)", got, err)
		}
		if got := vnet.EndOf(b); len(got.Unread()) != 0 || string(got.InFlight()) != "lost" {
			t.Errorf("b has %q, and %q in flight", got.Unread(), got.InFlight())
		}
	})
}

func TestWhatIsOnTheWireWhenItIsCutIsSentAgain(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		seen := watch(b)
		io.WriteString(a, "early")
		time.Sleep(1500 * time.Millisecond) // virtual
		io.WriteString(a, "cut")
		time.Sleep(500 * time.Millisecond) // virtual
		heal := n.Part("a")
		time.Sleep(10 * time.Second) // virtual
		heal()
		time.Sleep(10 * time.Second) // virtual
		b.Close()
		got := <-seen
		if len(got) != 2 || !about(got[0].at, time.Second) || !about(got[1].at, 13*time.Second) {
			t.Errorf("arrived: %v, want the second a second after the healing", got)
		}
	})
}

func TestAHeldSegmentBehindACutDoesNotWaitForTheTest(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		go echo(listen(t, n, "b", "80"))
		a, _ := n.Pair("a", "b")
		n.Hold()
		io.WriteString(a, "held")
		go n.Host("a").Dial(t.Context(), "tcp", "b:80")
		waiting := slices.Collect(n.Waiting())
		if len(waiting) != 2 {
			t.Fatalf("%v waits, want the data and the dial", waiting)
		}
		for _, heal := range []func(){n.Part("a"), n.OneWay("a", "b")} {
			if got := lines(n.Waiting()); got != "" {
				t.Errorf("behind the cut there waits\n%s", got)
			}
			if seg, ok := n.TryStep(); ok {
				t.Errorf("%v was delivered over a cut link", seg)
			}
			for _, seg := range waiting {
				if err := n.Deliver(seg.ID); err == nil || !strings.Contains(err.Error(), "cut") {
					t.Errorf("delivering %v: %v, want an error that names the cut", seg, err)
				}
			}
			heal()
		}
		if got := slices.Collect(n.Waiting()); len(got) != 2 {
			t.Errorf("after the healing %v waits, want what did before", got)
		}
		heal := n.OneWay("b", "a")
		if err := n.Deliver(waiting[0].ID); !waiting[0].Syn || err == nil {
			t.Errorf("delivering %v while the way back is cut: %v", waiting[0], err)
		}
		heal()
		if count := n.Flush(); count != 2 {
			t.Errorf("%d were delivered, want 2", count)
		}
	})
}

func TestHostsThatComeLaterArePartedToo(t *testing.T) {
	same(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
		go echo(listen(t, n, "api", "80"))
		heal := n.Part("api")
		if _, err := ask(n, "new", "api:80", "x"); !timedOut(err, "dial") {
			t.Errorf("a new host's dial: %v, want ETIMEDOUT", err)
		}
		heal()
		if got, err := ask(n, "new", "api:80", "x"); got != "x" {
			t.Errorf("after the healing: %q, %v", got, err)
		}
		if got, err := ask(n, "newer", "api:80", "x"); got != "x" {
			t.Errorf("from a host after the healing: %q, %v", got, err)
		}
	})
}
