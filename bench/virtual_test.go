// What only a virtual network has: latency in a bubble, steps, an empty Run.

package bench_test

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

const latent = 50 // pairs that talk over links with latency

func BenchmarkLatency(b *testing.B) {
	link := vnet.LinkConfig{Latency: time.Millisecond}
	jittery := vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}
	for _, row := range []struct {
		name string
		body body
	}{
		{"timers alone", timers},
		{"vnet", latency(func() vnet.Config { return vnet.Config{Link: link} })},
		{"vnet+jitter", latency(func() vnet.Config { return vnet.Config{Link: jittery} })},
		{"vnet+journal", latency(func() vnet.Config {
			return vnet.Config{Link: link, Journal: new(journal.Journal)}
		})},
	} {
		b.Run(row.name+"/bubble", func(b *testing.B) {
			row.body.bubbled(b)
			perSecond(b, "events")
		})
	}
}

// timers starts a timer and waits for it, n times in all, on as many goroutines
// as the pairs have: what an event costs the runtime before a network does
// anything. No two timers fire at the same instant, as on the network.
func timers(testing.TB) func(n int) {
	return func(n int) {
		var all sync.WaitGroup
		for i := range latent {
			all.Go(func() { ring(n/latent, time.Duration(i)) })
		}
		all.Wait()
	}
}

func ring(n int, phase time.Duration) {
	var mu sync.Mutex
	rang, bell := false, sync.NewCond(&mu)
	t := time.AfterFunc(phase, func() {
		mu.Lock()
		defer mu.Unlock()
		rang = true
		bell.Broadcast()
	})
	for range n {
		mu.Lock()
		for !rang {
			bell.Wait()
		}
		rang = false
		mu.Unlock()
		t.Reset(time.Millisecond)
	}
	t.Stop()
}

// latency lets all pairs send a small message to an echo and back, again and
// again, until n segments have been delivered.
func latency(config func() vnet.Config) body {
	return func(tb testing.TB) func(n int) {
		s := subject{listen: func(tb testing.TB) (net.Listener, dialFunc) {
			return listenOn(tb, vnet.New(config()))
		}}
		clients, servers := s.pairs(tb, latent)
		tb.Cleanup(func() { closeAll(clients, servers) })
		for _, c := range servers {
			go echo(c)
		}
		return func(n int) {
			trips := (n + 1) / 2
			done := make(chan error, latent)
			for i, c := range clients {
				share := trips / latent
				if i < trips%latent {
					share++
				}
				go func() { done <- pingPong(c, share) }()
			}
			for range latent {
				check(tb, <-done)
			}
		}
	}
}

func BenchmarkStep(b *testing.B) {
	b.Run("rest alone/bubble", func(b *testing.B) { body(rests).bubbled(b) })
	b.Run("vnet/bubble", func(b *testing.B) {
		steps(1, func() *journal.Journal { return nil }).bubbled(b)
	})
	b.Run("vnet+journal/bubble", func(b *testing.B) {
		steps(1, func() *journal.Journal { return new(journal.Journal) }).bubbled(b)
	})
	b.Run("vnet+journal, 1000 waiting/bubble", func(b *testing.B) {
		steps(1000, func() *journal.Journal { return new(journal.Journal) }).bubbled(b)
	})
	b.Run("vnet+journal+file/bubble", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "journal"))
		check(b, err)
		defer f.Close()
		steps(1, func() *journal.Journal {
			j := new(journal.Journal)
			j.Stream(f)
			return j
		}).bubbled(b)
	})
}

// steps delivers n small segments one by one between so many clients and their
// echoes. Each pair has one segment under way at any time.
func steps(pairs int, open func() *journal.Journal) body {
	return func(tb testing.TB) func(n int) {
		n := vnet.New(vnet.Config{Journal: open(), Settle: synctest.Wait})
		s := subject{listen: func(tb testing.TB) (net.Listener, dialFunc) { return listenOn(tb, n) }}
		clients, servers := s.pairs(tb, pairs)
		n.Hold()
		for i := range pairs {
			go echo(servers[i])
			go pingPong(clients[i], 1<<62)
		}
		return func(k int) {
			for range k {
				if seg := n.Step(); len(seg.Data) != small {
					tb.Fatalf("a step delivered %v; want %d bytes", seg, small)
				}
			}
		}
	}
}

// rests wakes a goroutine and waits until it rests, n times: what a step
// costs before a network does anything.
func rests(tb testing.TB) func(n int) {
	wake := make(chan struct{})
	tb.Cleanup(func() { close(wake) })
	go func() {
		for range wake {
		}
	}()
	return func(n int) {
		for range n {
			wake <- struct{}{}
			synctest.Wait()
		}
	}
}

// BenchmarkEmptyRun runs subtests that do nothing: bare, in a bubble, and in a
// bubble with a network.
func BenchmarkEmptyRun(b *testing.B) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"t.Run", func(t *testing.T) {}},
		{"synctest.Test", func(t *testing.T) { synctest.Test(t, func(t *testing.T) {}) }},
		{"vnettest.Run", func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {})
		}},
	} {
		b.Run(row.name, func(b *testing.B) {
			asTest(b, func(t *testing.T) {
				for b.Loop() {
					t.Run("empty", row.test)
				}
			})
		})
	}
}
