// Holding the network and letting it go piece by piece.

package vnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// bubble runs f in a bubble with a network that can be held.
func bubble(t *testing.T, c vnet.Config, f func(t *testing.T, n *vnet.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.Settle = synctest.Wait
		n := vnet.New(c)
		t.Cleanup(func() {
			n.Close()
			synctest.Wait()
		})
		f(t, n)
	})
}

// listen listens on host:port or fails the test.
func listen(t *testing.T, n *vnet.Network, host, port string) net.Listener {
	t.Helper()
	l, err := n.Host(host).Listen(t.Context(), "tcp", ":"+port)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// echo serves who connects to l by sending back what comes.
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(c, c)
			c.Close()
		}()
	}
}

// ask dials to, writes each part, ends its direction and reads the answer.
func ask(n *vnet.Network, from, to string, parts ...string) (string, error) {
	c, err := n.Host(from).Dial(context.Background(), "tcp", to)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, p := range parts {
		io.WriteString(c, p)
	}
	c.(interface{ CloseWrite() error }).CloseWrite()
	got, err := io.ReadAll(c)
	return string(got), err
}

func lines(segs func(func(vnet.Segment) bool)) string {
	var b strings.Builder
	for s := range segs {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

func TestAHeldNetworkIsSteppedInTheOrderOfNames(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		n.Hold()
		go echo(listen(t, n, "api", "80"))
		answers := make(chan string, 2)
		for _, host := range []string{"b", "a"} { // the order of names is not that of starting
			go func() {
				got, _ := ask(n, host, "api:80", host, host)
				answers <- got
			}()
		}
		want := []string{
			"1 a>api:80#0 a:32768 > api:80 connect",
			"2 b>api:80#0 b:32768 > api:80 connect",
			"3 a>api:80#0 a:32768 > api:80 data 2",
			"4 a>api:80#0 a:32768 > api:80 fin",
			"5 b>api:80#0 b:32768 > api:80 data 2",
			"6 b>api:80#0 b:32768 > api:80 fin",
			"7 a>api:80#0 api:80 > a:32768 data 2",
			"8 a>api:80#0 api:80 > a:32768 fin",
			"9 b>api:80#0 api:80 > b:32768 data 2",
			"10 b>api:80#0 api:80 > b:32768 fin",
		}
		for i, w := range want {
			seg, ok := n.TryStep()
			if !ok || seg.String() != w {
				t.Fatalf("step %d: %v (%v), want %s", i+1, seg, ok, w)
			}
		}
		if seg, ok := n.TryStep(); ok {
			t.Errorf("%v waits when everybody is done", seg)
		}
		if a, b := <-answers, <-answers; a != "aa" || b != "bb" {
			t.Errorf("answers %q and %q, want aa before bb", a, b)
		}
	})
}

func TestWhatIsWrittenBetweenTwoRestsIsOneSegment(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Hold()
		for range 5 {
			io.WriteString(a, "x")
		}
		io.WriteString(b, "back")
		want := "1 a>b:0#0 a:32768 > b:0 data 5\n2 a>b:0#0 b:0 > a:32768 data 4\n"
		if got := lines(n.Waiting()); got != want {
			t.Errorf("what waits is\n%swant\n%s", got, want)
		}
	})
}

func TestStepWaitsForTimeToPass(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, _ := n.Pair("a", "b")
		n.Hold()
		start := time.Now()
		time.AfterFunc(time.Hour, func() { io.WriteString(a, "late") })
		if seg := n.Step(); string(seg.Data) != "late" || time.Since(start) != time.Hour {
			t.Errorf("step delivered %v after %v, want the write of an hour later", seg, time.Since(start))
		}
	})
}

func TestAHeldSegmentIsRipeWhenItsLinkSaysSo(t *testing.T) {
	link := vnet.LinkConfig{Latency: time.Second}
	bubble(t, vnet.Config{Link: link}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Hold()
		io.WriteString(a, "slow")
		if seg, ok := n.TryStep(); ok {
			t.Fatalf("%v arrived without its latency", seg)
		}
		start := time.Now()
		n.Step()
		if got := time.Since(start); got != time.Second {
			t.Errorf("the step took %v, want the link's second", got)
		}
		if got := vnet.EndOf(b).Unread(); string(got) != "slow" {
			t.Errorf("unread is %q", got)
		}
	})
}

func TestAnySegmentCanBeChosenButNotPastItsOwnDirection(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		c, d := n.Pair("c", "d")
		n.Hold()
		io.WriteString(a, "1")
		n.TryStep()
		io.WriteString(a, "2")
		io.WriteString(c, "3")
		a.Close()
		_ = slices.Collect(n.Waiting()) // 2: data of a, 3: fin of a, 4: data of c
		if err := n.Deliver(3); err == nil || !strings.Contains(err.Error(), "waits behind 2") {
			t.Errorf("delivering the fin past its data: %v", err)
		}
		if err := n.Deliver(4); err != nil {
			t.Error(err)
		}
		if got := vnet.EndOf(d).Unread(); string(got) != "3" {
			t.Errorf("d has %q", got)
		}
		if err := n.Rewrite(2, []byte("two")); err != nil {
			t.Error(err)
		}
		n.Flush()
		if got, _ := io.ReadAll(b); string(got) != "1two" {
			t.Errorf("b read %q", got)
		}
		if err := n.Deliver(99); err == nil {
			t.Error("a segment that does not wait was delivered")
		}
	})
}

func TestALostSegmentEndsItsDirectionAndTimesOutItsSender(t *testing.T) {
	bubble(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Hold()
		io.WriteString(a, "gone")
		for seg := range n.Waiting() {
			if err := n.Lose(seg.ID); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(a, "too")
		if count := n.Flush(); count != 0 {
			t.Errorf("%d segments arrived in a lost direction", count)
		}
		start := time.Now()
		_, err := a.Read(make([]byte, 1))
		if !errors.Is(err, syscall.ETIMEDOUT) || time.Since(start) != time.Minute {
			t.Errorf("the sender sees %v after %v, want ETIMEDOUT after a minute", err, time.Since(start))
		}
		if got := vnet.EndOf(b).Unread(); len(got) != 0 {
			t.Errorf("b has %q", got)
		}
	})
}

func TestALostConnectTimesOut(t *testing.T) {
	bubble(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
		n.Hold()
		go echo(listen(t, n, "api", "80"))
		failed := make(chan error)
		go func() {
			_, err := ask(n, "app", "api:80", "x")
			failed <- err
		}()
		for seg := range n.Waiting() {
			n.Lose(seg.ID)
		}
		if err := <-failed; !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("the dial failed with %v, want ETIMEDOUT", err)
		}
	})
}

func TestReleaseDeliversAndRunsFreelyAgain(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			bubble(t, vnet.Config{Link: vnet.LinkConfig{Latency: latency}}, func(t *testing.T, n *vnet.Network) {
				go echo(listen(t, n, "api", "80"))
				n.Hold()
				got := make(chan string)
				go func() {
					s, _ := ask(n, "app", "api:80", "one ", "two")
					got <- s
				}()
				n.Release()
				if s := <-got; s != "one two" {
					t.Errorf("the echo is %q", s)
				}
			})
		})
	}
}

func TestHoldTakesWhatAlreadyTravels(t *testing.T) {
	bubble(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		io.WriteString(a, "flying ")
		n.Hold()
		io.WriteString(a, "held")
		time.Sleep(time.Hour) // virtual
		if got := vnet.EndOf(b); len(got.Unread()) != 0 || string(got.InFlight()) != "flying held" {
			t.Errorf("unread %q, in flight %q", got.Unread(), got.InFlight())
		}
		n.Flush()
		if got := vnet.EndOf(b).Unread(); string(got) != "flying held" {
			t.Errorf("unread %q after Flush", got)
		}
	})
}

func TestHoldTakesDialsThatTravel(t *testing.T) {
	for name, begin := range map[string]func(n *vnet.Network) (end func()){
		"over a slow link": func(n *vnet.Network) func() {
			n.Link("app", "api").Set(vnet.LinkConfig{Latency: time.Second})
			return func() {}
		},
		"over a slow way back": func(n *vnet.Network) func() {
			n.Link("api", "app").Set(vnet.LinkConfig{Latency: time.Second})
			return func() {}
		},
		"behind a cut": func(n *vnet.Network) func() { return n.Part("api") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
				n.Host("app")
				go echo(listen(t, n, "api", "80"))
				end := begin(n)
				answered := make(chan string, 1)
				go func() {
					got, err := ask(n, "app", "api:80", "x")
					answered <- fmt.Sprint(got, err)
				}()
				synctest.Wait()
				n.Hold()
				end()
				time.Sleep(10 * time.Second) // virtual
				if got := lines(n.Waiting()); got != "1 app>api:80#0 app:32768 > api:80 connect\n" {
					t.Fatalf("what waits is\n%swant the connect", got)
				}
				n.Drain(10 * time.Second)
				if got := <-answered; got != "x<nil>" {
					t.Errorf("the dial ended with %s", got)
				}
			})
		})
	}
}

func TestABacklogThatFreesUpLetsNobodyInWithoutAStep(t *testing.T) {
	bubble(t, vnet.Config{Backlog: 1}, func(t *testing.T, n *vnet.Network) {
		l := listen(t, n, "api", "80")
		n.Hold()
		for _, host := range []string{"a", "b"} {
			go n.Host(host).Dial(context.Background(), "tcp", "api:80")
		}
		n.Flush()
		go l.Accept()
		if got := lines(n.Waiting()); got != "3 b>api:80#0 b:32768 > api:80 connect\n" {
			t.Errorf("what waits is\n%swant the connect that found the backlog full", got)
		}
		if n.Flush() != 1 || len(n.Listener("api:80").Pending()) != 1 {
			t.Error("the second connection is not in the backlog")
		}
	})
}

func TestAHostsNameIsOneWord(t *testing.T) {
	for _, name := range []string{"", "localhost", "a b", "a,b", "a:1", "a>b", "a#b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a host was named %q", name)
				}
			}()
			vnet.New(vnet.Config{}).Host(name)
		}()
	}
}

func TestPassLetsTheTestsOwnCallsThrough(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		n.Hold()
		go echo(listen(t, n, "api", "80"))
		n.Pass(2) // the connect and the write
		c, err := n.Host("app").Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "x")
		if got := lines(n.Waiting()); got != "1 app>api:80#0 api:80 > app:32768 data 1\n" {
			t.Errorf("what waits is\n%s", got)
		}
	})
}

func TestDrainLetsTimePassAndDeliversMeanwhile(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, _ := n.Pair("a", "b")
		n.Hold()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		go func() {
			for range 3 {
				<-tick.C
				io.WriteString(a, "tick")
			}
		}()
		start := time.Now()
		if count := n.Drain(3500 * time.Millisecond); count != 3 || time.Since(start) != 3500*time.Millisecond {
			t.Errorf("%d segments in %v, want 3 in 3.5s", count, time.Since(start))
		}
	})
}

func TestASeedChoosesTheOrder(t *testing.T) {
	run := func(t *testing.T, order vnet.Order) (story string) {
		bubble(t, vnet.Config{Order: order}, func(t *testing.T, n *vnet.Network) {
			n.Hold()
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				c, _ := n.Pair(name, "z")
				io.WriteString(c, name)
			}
			for seg, ok := n.TryStep(); ok; seg, ok = n.TryStep() {
				story += string(seg.Data)
			}
		})
		return story
	}
	if got := run(t, nil); got != "abcde" {
		t.Errorf("by name: %s", got)
	}
	if got := run(t, vnet.Newest); got != "edcba" {
		t.Errorf("newest first: %s", got)
	}
	if a, b := run(t, vnet.Shuffled(7)), run(t, vnet.Shuffled(7)); a != b || a == run(t, vnet.Shuffled(8)) {
		t.Errorf("seed 7 twice: %s and %s; seed 8: %s", a, b, run(t, vnet.Shuffled(8)))
	}
}

func TestALargeWriteFillsTheWindowAndGoesOnWhenItIsRead(t *testing.T) {
	bubble(t, vnet.Config{Window: 1000}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Hold()
		sent := bytes.Repeat([]byte("0123456789"), 350)
		go func() {
			a.Write(sent)
			a.Close()
		}()
		got := make(chan []byte)
		go func() {
			all, _ := io.ReadAll(b)
			got <- all
		}()
		var sizes []int
		for seg, ok := n.TryStep(); ok; seg, ok = n.TryStep() {
			sizes = append(sizes, len(seg.Data))
		}
		if !slices.Equal(sizes, []int{1000, 1000, 1000, 500, 0}) {
			t.Errorf("segments of %v bytes, want the window's", sizes)
		}
		if all := <-got; !bytes.Equal(all, sent) {
			t.Errorf("%d bytes arrived, or others", len(all))
		}
	})
}

func TestTheSameProgramMakesTheSameJournal(t *testing.T) {
	story := func() (events []journal.Event) {
		j := new(journal.Journal)
		bubble(t, vnet.Config{Journal: j}, func(t *testing.T, n *vnet.Network) {
			n.Hold()
			go echo(listen(t, n, "api", "80"))
			for i := range 5 {
				go ask(n, fmt.Sprint("app", i), "api:80", "a", "b", "c")
			}
			n.Flush()
		})
		return slices.Collect(j.Events(0))
	}
	first := story()
	for range 20 {
		if diff := journal.Diff(slices.Values(first), slices.Values(story())); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestHoldWithoutSettlePanics(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "Config.Settle") {
			t.Errorf("panic %q, want one that names Config.Settle", got)
		}
	}()
	vnet.New(vnet.Config{}).Hold()
}
