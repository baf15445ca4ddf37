// That what is measured does its work, outside of bubbles and inside.

package bench_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

func TestEveryNetworkCarriesWhatIsMeasured(t *testing.T) {
	for name, of := range map[string]func(s subject) body{
		"one stream":   func(s subject) body { return streams(s, 1) },
		"many streams": func(s subject) body { return streams(s, many) },
		"round trips":  roundTrips,
		"setups":       setups,
	} {
		for _, s := range subjects {
			t.Run(name+"/"+s.name, func(t *testing.T) { of(s)(t)(20) })
			if s.real {
				continue
			}
			t.Run(name+"/"+s.name+"/bubble", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { of(s)(t)(20) })
			})
		}
	}
}

func TestEveryNetworkCarriesDatagrams(t *testing.T) {
	of := map[string]func(openFunc) body{"packets": packets, "addrport": addrPortPackets}
	for name, of := range of {
		t.Run(name+"/loopback", func(t *testing.T) { of(openLoopback)(t)(20) })
		t.Run(name+"/vnet", func(t *testing.T) { of(openVnet)(t)(20) })
		t.Run(name+"/vnet/bubble", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { of(openVnet)(t)(20) })
		})
	}
}

func TestATripOverALinkTakesItsLatencyTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := latency(func() vnet.Config { return vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond}} })(t)
		start := time.Now()
		run(2 * 2 * latent) // two trips for each pair
		if took := time.Since(start); took < 4*time.Millisecond || took > 5*time.Millisecond {
			t.Errorf("two trips at 1 ms each way took %v; want 4 ms and little more", took)
		}
	})
}

func TestEveryStepIsJournalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal.Journal)
		run := steps(3, func() *journal.Journal { return j })(t)
		before := delivered(j)
		run(20)
		if n := delivered(j) - before; n != 20 {
			t.Errorf("20 steps left %d deliveries in the journal; want 20", n)
		}
	})
}

func delivered(j *journal.Journal) (n int) {
	for e := range j.Events(0) {
		if e.Kind == "net.deliver" && e.Size == small {
			n++
		}
	}
	return n
}

func TestPairsAreConnected(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			a, b := s.pairs(t, 5)
			defer closeAll(a, b)
			if err := exchange(a, b); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestABenchmarkInABubbleTakesRealTime(t *testing.T) {
	const nap = time.Hour
	r := testing.Benchmark(func(b *testing.B) {
		body(func(tb testing.TB) func(n int) {
			return func(n int) {
				for range n {
					time.Sleep(nap) // virtual
				}
			}
		}).bubbled(b)
	})
	if r.N == 0 || r.T >= nap {
		t.Errorf("%d hours in a bubble took %v by the benchmark's timer; want real time, which is less", r.N, r.T)
	}
}

var _ net.Listener = (*pipeListener)(nil)
