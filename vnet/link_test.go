// How links delay, lose and queue what travels over them.

package vnet_test

import (
	"bytes"
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

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// grain is how much later than its link says something may arrive, so that
// every arrival has an instant of its own.
const grain = 4096 * time.Nanosecond

// same runs a scenario in two bubbles and demands that the same things happen
// at the same times. What happens at one instant may happen in any order, for
// there programs race.
func same(t *testing.T, c vnet.Config, f func(t *testing.T, n *vnet.Network)) {
	t.Helper()
	var stories [2]string
	for i := range stories {
		var all []string
		for _, e := range recorded(t, c, f) {
			line := fmt.Sprintf("%012d %s %s>%s %s", e.At, e.Kind, e.Where, e.Peer, e.Subject)
			all = append(all, fmt.Sprintf("%s %d bytes %v", line, e.Size, e.Notes))
		}
		slices.Sort(all)
		stories[i] = strings.Join(all, "\n")
	}
	if stories[0] != stories[1] {
		t.Errorf("two runs of one scenario differ:\n%s\n\nand\n%s", stories[0], stories[1])
	}
}

// settled is f, and then rest: what it set off is not cut off by the end.
func settled(f func(t *testing.T, n *vnet.Network)) func(t *testing.T, n *vnet.Network) {
	return func(t *testing.T, n *vnet.Network) {
		f(t, n)
		synctest.Wait()
	}
}

// recorded runs a scenario in a bubble and returns what the journal holds.
func recorded(t *testing.T, c vnet.Config, f func(t *testing.T, n *vnet.Network)) []journal.Event {
	t.Helper()
	c.Journal = new(journal.Journal)
	bubble(t, c, settled(f))
	return slices.Collect(c.Journal.Events(0))
}

// of returns the events of a kind.
func of(events []journal.Event, k journal.Kind) []journal.Event {
	return slices.Collect(journal.Select(slices.Values(events), func(e journal.Event) bool { return e.Kind == k }))
}

// arrival is what one read saw, and when.
type arrival struct {
	at   time.Duration
	data string
}

// watch reads from c until it fails, and then sends what it saw.
func watch(c io.Reader) <-chan []arrival {
	start, seen := time.Now(), make(chan []arrival, 1)
	go func() {
		var all []arrival
		buf := make([]byte, 64<<10)
		for {
			k, err := c.Read(buf)
			if err != nil {
				seen <- all
				return
			}
			all = append(all, arrival{time.Since(start), string(buf[:k])})
		}
	}()
	return seen
}

// about tells whether d is at least want, and no more than a grain above it.
func about(d, want time.Duration) bool { return d >= want && d < want+grain }

func TestALinksLatencyIsExact(t *testing.T) {
	link := vnet.LinkConfig{Latency: 30 * time.Millisecond}
	same(t, vnet.Config{Link: link}, func(t *testing.T, n *vnet.Network) {
		go echo(listen(t, n, "api", "80"))
		start := time.Now()
		c, err := n.Host("app").Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 60*time.Millisecond || took > 60*time.Millisecond+2*grain {
			t.Errorf("the dial took %v, want there and back", took)
		}
		for range 10 {
			start := time.Now()
			io.WriteString(c, "x")
			io.ReadFull(c, make([]byte, 1))
			if took := time.Since(start); took < 60*time.Millisecond || took > 60*time.Millisecond+2*grain {
				t.Errorf("the echo took %v, want there and back", took)
			}
		}
	})
}

func TestEachDirectionOfALinkIsSetByItself(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Link("a", "b").Set(vnet.LinkConfig{Latency: time.Second})
		atB, atA := watch(b), watch(a)
		io.WriteString(a, "there")
		io.WriteString(b, "back")
		time.Sleep(time.Minute) // virtual
		a.Close()
		b.Close()
		if got := <-atB; len(got) != 1 || !about(got[0].at, time.Second) {
			t.Errorf("there: %v, want after a second", got)
		}
		if got := <-atA; len(got) != 1 || got[0].at != 0 {
			t.Errorf("back: %v, want at once", got)
		}
	})
}

func TestALinkThatIsChangedKeepsTheTimeAndTheOrderOfWhatTravels(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		seen := watch(b)
		io.WriteString(a, "old")
		n.Link("a", "b").Set(vnet.LinkConfig{})
		io.WriteString(a, "new")
		time.Sleep(2 * time.Second) // virtual
		io.WriteString(a, "newer")
		synctest.Wait()
		a.Close()
		got := <-seen
		if len(got) < 2 || !about(got[0].at, time.Second) || got[len(got)-1] != (arrival{2 * time.Second, "newer"}) {
			t.Fatalf("arrived: %v, want the old after its second, and the newer at once", got)
		}
		all := ""
		for _, g := range got {
			all += g.data
		}
		if all != "oldnewnewer" {
			t.Errorf("the bytes arrived as %q", all)
		}
	})
}

// delays writes a byte a minute from a to b and returns how long each took.
func delays(t *testing.T, c vnet.Config, count int) (took []time.Duration) {
	same(t, c, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		took = nil
		for range count {
			start := time.Now()
			io.WriteString(a, "x")
			if _, err := b.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(start))
			time.Sleep(time.Minute - time.Since(start)) // virtual
		}
	})
	return took
}

func TestJitterStaysWithinItsBoundsAndFollowsTheSeed(t *testing.T) {
	c := vnet.Config{Seed: 1, Link: vnet.LinkConfig{Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond}}
	first := delays(t, c, 50)
	low, high := slices.Min(first), slices.Max(first)
	if low < 10*time.Millisecond || high >= 15*time.Millisecond+grain || high-low < time.Millisecond {
		t.Errorf("delays from %v to %v, want them spread between 10ms and 15ms", low, high)
	}
	if again := delays(t, c, 50); !slices.Equal(again, first) {
		t.Error("the same seed made other delays")
	}
	if c.Seed = 2; slices.Equal(delays(t, c, 50), first) {
		t.Error("another seed made the same delays")
	}
}

func TestJitterKeepsTheOrderOfAStream(t *testing.T) {
	c := vnet.Config{Seed: 3, Link: vnet.LinkConfig{Jitter: 50 * time.Millisecond}}
	same(t, c, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		var sent bytes.Buffer
		go func() {
			for i := range 200 {
				fmt.Fprint(io.MultiWriter(a, &sent), i, " ")
				time.Sleep(time.Millisecond) // virtual
			}
			a.Close()
		}()
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, sent.Bytes()) {
			t.Errorf("%d of %d bytes arrived, or others (%v)", len(got), sent.Len(), err)
		}
	})
}

func TestTwoConnectionsShareTheBandwidthOfALink(t *testing.T) {
	link := vnet.LinkConfig{Bandwidth: 1000, Latency: 10 * time.Millisecond}
	same(t, vnet.Config{Link: link}, func(t *testing.T, n *vnet.Network) {
		a1, b1 := n.Pair("a", "b")
		a2, b2 := n.Pair("a", "b")
		first, second := watch(b1), watch(b2)
		back := watch(a1)
		a1.Write(make([]byte, 1000))
		a2.Write(make([]byte, 500))
		b1.Write(make([]byte, 100)) // the way back has a bandwidth of its own
		time.Sleep(time.Minute)     // virtual
		a1.Write(make([]byte, 100)) // the link has been idle: nothing to wait for
		time.Sleep(time.Minute)     // virtual
		for _, c := range []net.Conn{a1, a2, b1, b2} {
			c.Close()
		}
		times := func(seen <-chan []arrival) (at []time.Duration) {
			for _, s := range <-seen {
				at = append(at, s.at.Truncate(time.Millisecond))
			}
			return at
		}
		for _, row := range []struct{ got, want []time.Duration }{
			{times(first), []time.Duration{1010 * time.Millisecond, time.Minute + 110*time.Millisecond}},
			{times(second), []time.Duration{1510 * time.Millisecond}},
			{times(back), []time.Duration{110 * time.Millisecond}},
		} {
			if !slices.Equal(row.got, row.want) {
				t.Errorf("arrivals after %v, want %v", row.got, row.want)
			}
		}
	})
}

func TestLossOnAStreamIsTheGrowingDelayOfBeingSentAgain(t *testing.T) {
	c := vnet.Config{Seed: 1, Link: vnet.LinkConfig{Latency: time.Millisecond, Loss: 0.5}}
	var steps []time.Duration
	for resent, wait := time.Duration(0), 200*time.Millisecond; resent < time.Minute; wait *= 2 {
		steps = append(steps, resent)
		resent += wait
	}
	counts := map[time.Duration]int{}
	for _, d := range delays(t, c, 200) {
		d -= time.Millisecond
		i := slices.IndexFunc(steps, func(s time.Duration) bool { return about(d, s) })
		if i < 0 {
			t.Fatalf("a byte took %v beyond its latency, want one of %v", d, steps)
		}
		counts[steps[i]]++
	}
	if none, once := counts[0], counts[steps[1]]; none < 70 || none > 130 || once < 30 || once > 70 {
		t.Errorf("delays %v, want half of the 200 to be 0 and a quarter 200ms", counts)
	}
}

func TestLossIsInTheJournal(t *testing.T) {
	c := vnet.Config{Seed: 1, Link: vnet.LinkConfig{Loss: 0.5}}
	events := recorded(t, c, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		for range 20 {
			io.WriteString(a, "x")
			b.Read(make([]byte, 1))
		}
	})
	losses, sends := len(of(events, "fault.loss")), len(of(events, "net.send"))
	if losses < 5 || losses > 15 || sends != 20 {
		t.Errorf("%d losses of %d sendings in the journal, want about half", losses, sends)
	}
}

func TestALossyStreamCarriesEveryByteInOrder(t *testing.T) {
	link := vnet.LinkConfig{Latency: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.3, Bandwidth: 1 << 20}
	bubble(t, vnet.Config{Seed: 4, Link: link, Window: 1000}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		sent := bytes.Repeat([]byte("0123456789abcdef!"), 3000)
		go func() {
			a.Write(sent)
			a.Close()
		}()
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d of %d bytes arrived, or others (%v)", len(got), len(sent), err)
		}
	})
}

// timedOut tells whether err is what package net says when nobody answers.
func timedOut(err error, op string) bool {
	var o *net.OpError
	return errors.As(err, &o) && o.Op == op && o.Timeout() && errors.Is(err, syscall.ETIMEDOUT)
}

func TestALinkThatLosesEverythingTimesOut(t *testing.T) {
	for _, row := range []struct {
		name string
		link vnet.LinkConfig
	}{
		{"always", vnet.LinkConfig{Loss: 1}},
		{"almost always, over a slow link", vnet.LinkConfig{Loss: 0.999999999, Latency: time.Hour}},
	} {
		t.Run(row.name, func(t *testing.T) {
			same(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
				go echo(listen(t, n, "b", "80"))
				a, b := n.Pair("a", "b")
				n.Link("a", "b").Set(row.link)
				start := time.Now()
				_, err := n.Host("a").Dial(t.Context(), "tcp", "b:80")
				if !timedOut(err, "dial") || time.Since(start) != time.Minute {
					t.Errorf("the dial: %v after %v, want ETIMEDOUT after a minute", err, time.Since(start))
				}
				start = time.Now()
				if _, err := io.WriteString(a, "x"); err != nil {
					t.Errorf("the write: %v, want it to succeed, since nobody knows yet", err)
				}
				_, err = a.Read(make([]byte, 1))
				if !timedOut(err, "read") || time.Since(start) != time.Minute {
					t.Errorf("the read: %v after %v, want ETIMEDOUT after a minute", err, time.Since(start))
				}
				if _, err := io.WriteString(a, "x"); !errors.Is(err, syscall.EPIPE) {
					t.Errorf("the write after that: %v, want EPIPE", err)
				}
				b.SetReadDeadline(time.Now().Add(time.Hour))
				if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the other end sees %v, want silence", err)
				}
			})
		})
	}
}

func TestALinkThatLosesEverythingFillsTheWindow(t *testing.T) {
	same(t, vnet.Config{GiveUp: time.Minute, Window: 1000}, func(t *testing.T, n *vnet.Network) {
		a, _ := n.Pair("a", "b")
		n.Link("a", "b").Set(vnet.LinkConfig{Loss: 1})
		start, sent := time.Now(), 0
		var err error
		for err == nil && sent < 1<<20 {
			var k int
			k, err = a.Write(make([]byte, 100))
			sent += k
		}
		if !timedOut(err, "write") || sent != 1000 || time.Since(start) != time.Minute {
			t.Errorf("wrote %d bytes, then %v after %v; want 1000, and ETIMEDOUT", sent, err, time.Since(start))
		}
	})
}

func TestWhoNeverGivesUpIsNotKeptBusy(t *testing.T) {
	bubble(t, vnet.Config{GiveUp: 1<<63 - 1}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Link("a", "b").Set(vnet.LinkConfig{Loss: 1})
		io.WriteString(a, "x")
		b.SetReadDeadline(time.Now().Add(1000 * time.Hour))
		if k, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes arrived (%v), want none for ever", k, err)
		}
	})
}

func TestALinkSaysHowItIsSet(t *testing.T) {
	everything := vnet.LinkConfig{
		Latency: 10 * time.Millisecond, Jitter: time.Second, Bandwidth: 1000, Queue: 2000,
		Loss: 0.01, Duplicate: 0.5, Reorder: 1, Corrupt: 1e-7,
	}
	for _, row := range []struct {
		c    vnet.LinkConfig
		want string
	}{
		{vnet.LinkConfig{}, "perfect"},
		{vnet.LinkConfig{Loss: 0.1}, "loss=0.1"},
		{everything, "latency=10ms jitter=1s bandwidth=1000 queue=2000 " +
			"loss=0.01 duplicate=0.5 reorder=1 corrupt=1e-07"},
	} {
		if got := row.c.String(); got != row.want {
			t.Errorf("%#v is %q, want %q", row.c, got, row.want)
		}
	}
	n := vnet.New(vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}})
	l := n.Link("a", "b")
	heal := l.Cut()
	if got := l.String(); got != "a>b latency=1s cut" {
		t.Errorf("the link is %q", got)
	}
	if heal(); l.String() != "a>b latency=1s" || l.Config().Latency != time.Second {
		t.Errorf("the healed link is %q", l)
	}
}

func TestAConfigSaysWhatDiffersFromZero(t *testing.T) {
	for _, row := range []struct {
		c    vnet.Config
		want string
	}{
		{vnet.Config{}, "seed=0"},
		{vnet.Config{Seed: 7, Link: vnet.LinkConfig{Loss: 0.5}, GiveUp: time.Minute}, "seed=7 loss=0.5 giveup=1m0s"},
		{vnet.Config{Window: 1, Backlog: 2, MTU: 3, Queue: 4}, "seed=0 window=1 backlog=2 mtu=3 queue=4"},
	} {
		if got := row.c.String(); got != row.want {
			t.Errorf("%+v is %q, want %q", row.c, got, row.want)
		}
	}
}

// panics runs f and returns what it panicked with.
func panics(f func()) (said string) {
	defer func() {
		if r := recover(); r != nil {
			said = fmt.Sprint(r)
		}
	}()
	f()
	return "no panic"
}

func TestALinkThatCannotBePanics(t *testing.T) {
	n := vnet.New(vnet.Config{})
	for want, c := range map[string]vnet.LinkConfig{
		"latency": {Latency: -1}, "jitter": {Jitter: -1}, "bandwidth": {Bandwidth: -1}, "queue": {Queue: -1},
		"loss": {Loss: 1.5}, "duplicate": {Duplicate: -0.1}, "reorder": {Reorder: 2}, "corrupt": {Corrupt: -1},
	} {
		got := panics(func() { n.Link("a", "b").Set(c) })
		if !strings.Contains(got, want) || !strings.Contains(got, "a>b") {
			t.Errorf("%v: %s, want a panic that names %s and the link", c, got, want)
		}
		if got := panics(func() { vnet.New(vnet.Config{Link: c}) }); !strings.Contains(got, want) {
			t.Errorf("a network of %v: %s, want a panic that names %s", c, got, want)
		}
	}
	if got := panics(func() { n.Link("a", "a").Set(vnet.LinkConfig{Loss: 1}) }); !strings.Contains(got, "itself") {
		t.Errorf("a host's link to itself: %s", got)
	}
	if got := panics(func() { n.Link("a", "a").Cut() }); !strings.Contains(got, "itself") {
		t.Errorf("cutting a host's link to itself: %s", got)
	}
}
