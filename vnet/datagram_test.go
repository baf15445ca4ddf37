// Datagrams: lost, doubled, overtaken, damaged, too large, too many.

package vnet_test

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// shower sends count datagrams of three digits, pause apart, over a link and
// returns what arrived and what the journal says.
func shower(t *testing.T, c vnet.Config, count int, pause time.Duration) (got []string, events []journal.Event) {
	t.Helper()
	once := func(t *testing.T, n *vnet.Network) {
		p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
		for i := range count {
			fmt.Fprintf(s, "%03d", i)
			time.Sleep(pause) // virtual
		}
		got = received(p, time.Hour)
	}
	same(t, c, once)
	return got, recorded(t, c, once)
}

// numbers returns what is sent by shower.
func numbers(count int) (all []string) {
	for i := range count {
		all = append(all, fmt.Sprintf("%03d", i))
	}
	return all
}

// drops counts the drops in a journal for a reason.
func drops(events []journal.Event, why string) (count int) {
	for _, e := range of(events, "net.drop") {
		if e.Note("why") == why {
			count++
		}
	}
	return count
}

func TestDatagramsArriveInOrder(t *testing.T) {
	for _, link := range []vnet.LinkConfig{
		{}, {Latency: 3 * time.Millisecond}, {Jitter: time.Second}, {Bandwidth: 1000},
		{Latency: time.Millisecond, Jitter: time.Minute, Bandwidth: 100},
	} {
		for _, pause := range []time.Duration{0, time.Nanosecond, 10 * time.Millisecond} {
			got, _ := shower(t, vnet.Config{Link: link}, 100, pause)
			if !slices.Equal(got, numbers(100)) {
				t.Errorf("%v, %v apart: arrived %v", link, pause, got)
			}
		}
	}
}

func TestDatagramsAreLost(t *testing.T) {
	c := vnet.Config{Seed: 1, Link: vnet.LinkConfig{Loss: 0.3}}
	got, events := shower(t, c, 200, 0)
	if len(got) < 110 || len(got) > 170 || drops(events, "loss") != 200-len(got) || !slices.IsSorted(got) {
		t.Errorf("%d of 200 arrived and %d were dropped, want about 140", len(got), drops(events, "loss"))
	}
	c.Seed = 2
	if other, _ := shower(t, c, 200, 0); slices.Equal(other, got) {
		t.Error("another seed lost the same")
	}
	if got, _ := shower(t, vnet.Config{Link: vnet.LinkConfig{Loss: 1}}, 20, 0); got != nil {
		t.Errorf("over a link that loses everything %v arrived", got)
	}
}

func TestDatagramsAreDoubled(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Millisecond} {
		link := vnet.LinkConfig{Duplicate: 0.3, Latency: latency}
		got, events := shower(t, vnet.Config{Seed: 1, Link: link}, 200, 0)
		doubled := len(of(events, "fault.duplicate"))
		if unique := slices.Compact(slices.Clone(got)); !slices.Equal(unique, numbers(200)) {
			t.Errorf("%v: arrived %v", link, got)
		}
		if len(got) != 200+doubled || doubled < 30 || doubled > 90 {
			t.Errorf("%v: %d arrived, and %d were doubled; want about 60", link, len(got), doubled)
		}
	}
}

func TestDatagramsAreOvertaken(t *testing.T) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		link := vnet.LinkConfig{Reorder: 0.2, Latency: latency}
		got, events := shower(t, vnet.Config{Seed: 1, Link: link}, 200, 100*time.Microsecond)
		if late := len(of(events, "fault.reorder")); late < 20 || late > 60 {
			t.Errorf("%v: %d were held back, want about 40", link, late)
		}
		if slices.IsSorted(got) {
			t.Errorf("%v: all arrived in order", link)
		}
		slices.Sort(got)
		if !slices.Equal(got, numbers(200)) {
			t.Errorf("%v: arrived %v, want each once", link, got)
		}
	}
}

func TestDatagramsAreDamagedByOneBit(t *testing.T) {
	got, events := shower(t, vnet.Config{Seed: 1, Link: vnet.LinkConfig{Corrupt: 0.3}}, 200, 0)
	damaged := 0
	for i, want := range numbers(200) {
		differ := 0
		for k := range want {
			differ += bits.OnesCount8(got[i][k] ^ want[k])
		}
		if damaged += differ; differ > 1 {
			t.Errorf("%q arrived as %q, %d bits different", want, got[i], differ)
		}
	}
	if told := len(of(events, "fault.corrupt")); damaged != told || damaged < 30 || damaged > 90 {
		t.Errorf("%d were damaged and %d told so, want about 60", damaged, told)
	}
}

func TestADatagramOverTheMTUIsRefused(t *testing.T) {
	for _, mtu := range []int{0, 100} {
		bubble(t, vnet.Config{MTU: mtu, Queue: 1 << 20}, func(t *testing.T, n *vnet.Network) {
			p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
			if mtu == 0 {
				mtu = 65507
			}
			var op *net.OpError
			k, err := s.Write(make([]byte, mtu+1))
			if k != 0 || !errors.Is(err, syscall.EMSGSIZE) || !errors.As(err, &op) {
				t.Errorf("a byte too many: %d, %v; want EMSGSIZE", k, err)
			}
			if k, err := s.Write(make([]byte, mtu)); k != mtu || err != nil {
				t.Errorf("as many as go: %d, %v", k, err)
			}
			if got := received(p, time.Second); len(got) != 1 || len(got[0]) != mtu {
				t.Errorf("%d datagrams arrived, want the one that went", len(got))
			}
		})
	}
}

func TestAFullSocketDropsDatagrams(t *testing.T) {
	got, events := shower(t, vnet.Config{Queue: 100}, 50, 0)
	if !slices.Equal(got, numbers(33)) || drops(events, "full") != 17 {
		t.Errorf("%d arrived, %d were dropped; want the first 33, and the other 17", len(got), drops(events, "full"))
	}
	bubble(t, vnet.Config{Queue: 100}, func(t *testing.T, n *vnet.Network) {
		p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
		for range 1000 {
			s.Write(nil)
		}
		if got := received(p, time.Second); len(got) != 100 {
			t.Errorf("%d empty datagrams were kept, want 100", len(got))
		}
		io.WriteString(s, strings.Repeat("x", 100))
		if got := received(p, time.Second); len(got) != 1 {
			t.Errorf("after it was emptied, %d arrived", len(got))
		}
	})
}

func TestAFullLinkDropsDatagrams(t *testing.T) {
	link := vnet.LinkConfig{Bandwidth: 1000, Queue: 30}
	got, events := shower(t, vnet.Config{Link: link}, 50, 0)
	if !slices.Equal(got, numbers(10)) || drops(events, "queue") != 40 {
		t.Errorf("%d arrived, %d were dropped; want the first 10 and the other 40", len(got), drops(events, "queue"))
	}
	got, events = shower(t, vnet.Config{Link: link}, 50, 3*time.Millisecond)
	if len(got) != 50 || len(of(events, "net.drop")) != 0 {
		t.Errorf("as fast as the link is, %d of 50 arrived", len(got))
	}
	same(t, vnet.Config{Link: link}, func(t *testing.T, n *vnet.Network) {
		p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
		// Idleness is not saved up.
		time.Sleep(time.Hour) // virtual
		io.WriteString(s, strings.Repeat("x", 31))
		if got := received(p, time.Second); got != nil {
			t.Errorf("%q went through a queue of 30 bytes", got)
		}
	})
}

func TestBandwidthSpacesDatagrams(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Bandwidth: 1000}}, func(t *testing.T, n *vnet.Network) {
		p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
		start := time.Now()
		for range 3 {
			s.Write(make([]byte, 500))
		}
		for i := range 3 {
			p.ReadFrom(make([]byte, 500))
			want := time.Duration(i+1) * 500 * time.Millisecond
			if took := time.Since(start); !about(took, want) {
				t.Errorf("datagram %d arrived after %v, want %v", i, took, want)
			}
		}
	})
}

func TestACutLosesDatagrams(t *testing.T) {
	c := vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}
	events := recorded(t, c, func(t *testing.T, n *vnet.Network) {
		p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
		io.WriteString(s, "before")
		time.Sleep(1500 * time.Millisecond) // virtual
		io.WriteString(s, "on the wire")
		time.Sleep(500 * time.Millisecond) // virtual
		heal := n.Part("dns")
		io.WriteString(s, "during")
		time.Sleep(10 * time.Second) // virtual
		heal()
		io.WriteString(s, "after")
		if got := received(p, time.Minute); !slices.Equal(got, []string{"before", "after"}) {
			t.Errorf("received %q", got)
		}
	})
	if got := drops(events, "cut"); got != 2 {
		t.Errorf("the journal tells %d cut off, want 2", got)
	}
}

func TestARefusalComesBackOverTheLink(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		s := dialUDP(t, n, "app", "dns:53")
		start := time.Now()
		io.WriteString(s, "anybody?")
		_, err := s.Read(make([]byte, 1))
		took := time.Since(start)
		if !errors.Is(err, syscall.ECONNREFUSED) || took < 2*time.Second || took > 2*time.Second+2*grain {
			t.Errorf("the answer is %v after %v, want ECONNREFUSED there and back", err, took)
		}
		for _, cut := range []vnet.Fault{{Kind: "cut", A: "dns", B: "app"}, {Kind: "crash", A: "dns"}} {
			heal, err := n.Fault(cut)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(s, "anybody?")
			s.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v: the answer is %v, want silence", cut, err)
			}
			heal()
		}
	})
}

func TestAHoldTakesDatagramsThatTravel(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		p, s := listenUDP(t, n, "dns", ":53"), dialUDP(t, n, "app", "dns:53")
		io.WriteString(s, "one")
		n.Hold()
		io.WriteString(s, "two")
		if got := received(p, time.Minute); got != nil {
			t.Errorf("received %q though held", got)
		}
		n.TryStep()
		if got := received(p, time.Second); !slices.Equal(got, []string{"one"}) {
			t.Errorf("a step delivered %q", got)
		}
		io.WriteString(s, "three")
		synctest.Wait()
		n.Release()
		if got := received(p, 500*time.Millisecond); !slices.Equal(got, []string{"two"}) {
			t.Errorf("the release delivered %q, want what had its time", got)
		}
		if got := received(p, 600*time.Millisecond); !slices.Equal(got, []string{"three"}) {
			t.Errorf("later %q arrived, want what still travelled", got)
		}
	})
}

func TestPortsForPacketsRunOut(t *testing.T) {
	n := vnet.New(vnet.Config{})
	n.Host("dns")
	for count := 0; ; count++ {
		_, err := n.Host("app").Dial(t.Context(), "udp", "dns:53")
		if err == nil {
			continue
		}
		if count != 60999-32768+1 || !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("after %d sockets: %v, want EADDRINUSE after all of Linux's range", count, err)
		}
		return
	}
}

// udpAddr is where the named host receives on a port.
func udpAddr(n *vnet.Network, host string, port int) net.Addr {
	return &net.UDPAddr{IP: n.Host(host).IP4().AsSlice(), Port: port}
}
