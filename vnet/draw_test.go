// Chance is keyed: what happens elsewhere does not change it.

package vnet_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

var chancy = vnet.Config{Seed: 5, Link: vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Second, Loss: 0.3}}

// noise is traffic on other connections: between other hosts, between the
// same, and the other way.
func noise(t *testing.T, n *vnet.Network, on bool) {
	if !on {
		return
	}
	for _, hosts := range [][2]string{{"c", "d"}, {"a", "b"}, {"b", "a"}} {
		x, _ := n.Pair(hosts[0], hosts[1])
		p := dialUDP(t, n, hosts[0], hosts[1]+":99")
		for range 7 {
			io.WriteString(x, "noise")
			io.WriteString(p, "noise")
		}
	}
}

// unchanged runs measure without noise and with, and demands the same times,
// but for the instants that connections own.
func unchanged(t *testing.T, measure func(t *testing.T, n *vnet.Network, noisy bool) []time.Duration) {
	t.Helper()
	var took [2][]time.Duration
	for i := range took {
		bubble(t, chancy, func(t *testing.T, n *vnet.Network) {
			took[i] = measure(t, n, i == 1)
		})
	}
	if len(took[0]) == 0 || slices.Max(took[0])-slices.Min(took[0]) < 100*time.Millisecond {
		t.Fatalf("the delays are %v: there is no chance in them", took[0])
	}
	if !slices.EqualFunc(took[0], took[1], func(a, b time.Duration) bool { return (a - b).Abs() < 2*grain }) {
		t.Errorf("alone the delays are %v,\nwith traffic elsewhere %v", took[0], took[1])
	}
}

func TestTrafficElsewhereDoesNotChangeAConnectionsChances(t *testing.T) {
	unchanged(t, func(t *testing.T, n *vnet.Network, noisy bool) (took []time.Duration) {
		a, b := n.Pair("a", "b")
		for range 20 {
			noise(t, n, noisy)
			start := time.Now()
			io.WriteString(a, "x")
			io.ReadFull(b, make([]byte, 1))
			took = append(took, time.Since(start))
			time.Sleep(time.Minute) // virtual
		}
		return took
	})
}

func TestTrafficElsewhereDoesNotChangeADialsChances(t *testing.T) {
	unchanged(t, func(t *testing.T, n *vnet.Network, noisy bool) (took []time.Duration) {
		go echo(listen(t, n, "api", "80"))
		for range 20 {
			noise(t, n, noisy)
			start := time.Now()
			if _, err := n.Host("app").Dial(t.Context(), "tcp", "api:80"); err != nil {
				t.Error(err)
			}
			took = append(took, time.Since(start))
		}
		return took
	})
}

func TestTrafficElsewhereDoesNotChangeADatagramsChances(t *testing.T) {
	unchanged(t, func(t *testing.T, n *vnet.Network, noisy bool) (took []time.Duration) {
		p, s := listenUDP(t, n, "a", ":53"), listenUDP(t, n, "b", ":54")
		listenUDP(t, n, "c", ":55")
		for range 40 {
			noise(t, n, noisy)
			if noisy {
				s.WriteTo([]byte("elsewhere"), udpAddr(n, "c", 55))
			}
			start := time.Now()
			s.WriteTo([]byte("x"), udpAddr(n, "a", 53))
			p.SetReadDeadline(start.Add(time.Minute))
			if _, _, err := p.ReadFrom(make([]byte, 1)); err != nil {
				took = append(took, time.Hour) // lost
				continue
			}
			took = append(took, time.Since(start))
			time.Sleep(time.Minute) // virtual
		}
		return took
	})
}
