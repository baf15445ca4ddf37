// Faults: as text, on the network, and in the journal.

package vnet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

var faultTexts = []string{
	"part a", "part a,b", "part a,b c", "cut a b", "cut a,b c,d", "down a", "crash a,b", "pause a",
	"reset app>api:80#0", "full api:80", "slow a 1024", "link a b perfect", "link a,b c latency=10ms loss=0.1",
	"link a b latency=1s jitter=2ms bandwidth=3 queue=4 loss=0.5 duplicate=0.25 reorder=1 corrupt=1e-06",
}

func TestAFaultIsReadAsItIsWritten(t *testing.T) {
	seen := map[vnet.Fault]bool{}
	for _, text := range faultTexts {
		f, err := vnet.ParseFault(text)
		if err != nil || f.String() != text {
			t.Errorf("%q is read as %q (%v)", text, f, err)
		}
		if seen[f] {
			t.Errorf("%q equals another fault", text)
		}
		seen[f] = true
	}
	if f, err := vnet.ParseFault("  slow\ta  7 \n"); err != nil || f != (vnet.Fault{Kind: "slow", A: "a", Rate: 7}) {
		t.Errorf("with other space between its words it is %+v (%v)", f, err)
	}
}

func TestATextThatIsNoFaultIsToldSo(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "empty",
		"explode a":                 "[crash cut down",
		"part":                      "takes 1 to 2 words, not 0",
		"part a b c":                "takes 1 to 2 words, not 3",
		"cut a":                     "takes 2 to 2 words",
		"down a b":                  "takes 1 to 1 words",
		"slow a fast":               `"fast" is not a number`,
		"slow a 0":                  `"0" is not a number`,
		"slow a -1":                 `"-1" is not a number`,
		"link a b":                  "takes 3 to 10 words",
		"link a b latency":          `"latency"`,
		"link a b latency=soon":     `"latency=soon"`,
		"link a b latency=-1s":      "latency",
		"link a b loss=2":           "between 0 and 1",
		"link a b loss=NaN":         "between 0 and 1",
		"link a b bandwidth=1e3":    `"bandwidth=1e3"`,
		"link a b bandwidth=-5":     "bandwidth",
		"link a b colour=red":       "[bandwidth corrupt",
		"link a b perfect loss=0.1": "",
	} {
		f, err := vnet.ParseFault(text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want == "":
		case err == nil:
			t.Errorf("%q is read as %+v, want an error", text, f)
		case !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strconv.Quote(text)):
			t.Errorf("%q: %v, want an error with it and %q", text, err, want)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, text := range faultTexts {
		f.Add(text)
	}
	f.Add("link a b loss=Inf latency=9223372036854775807ns")
	f.Fuzz(func(t *testing.T, text string) {
		one, err := vnet.ParseFault(text)
		if err != nil {
			return
		}
		again, err := vnet.ParseFault(one.String())
		if err != nil || again != one {
			t.Fatalf("%q is %+v, whose text %q is %+v (%v)", text, one, one, again, err)
		}
		vnet.New(vnet.Config{}).Fault(one) // no host has a name: an error, no panic
	})
}

func TestAFaultOfWhatIsNotThereIsAnError(t *testing.T) {
	n := vnet.New(vnet.Config{})
	for _, name := range []string{"a", "b", "c", "d"} {
		n.Host(name)
	}
	for text, want := range map[string]string{
		"part x":             `no host "x"`,
		"part a,x b":         `no host "x"`,
		"cut a x":            `no host "x"`,
		"cut a a":            "itself",
		"part a,b b":         "itself",
		"part a,a":           "twice",
		"link a x loss=1":    `no host "x"`,
		"down x":             `no host "x"`,
		"slow a,,b 5":        `no host ""`,
		"reset a>b:80#0":     `no connection "a>b:80#0"`,
		"full a:80":          `nobody listens on "a:80"`,
		"full x:80":          `no host "x"`,
		"full :80":           "no single host",
		"full a,b:80":        "no single host",
		"full a":             "missing port",
		"full a:http":        "invalid syntax",
		"part a b":           "",
		"link a,b c loss=.5": "",
	} {
		f, err := vnet.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		end, err := n.Fault(f)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want == "":
			end()
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
	for _, f := range []vnet.Fault{
		{},
		{Kind: "slow", A: "a"},
		{Kind: "down", A: "a", B: "b"},
		{Kind: "down", A: "a", Rate: 3},
		{Kind: "part", A: "a", Link: vnet.LinkConfig{Loss: 1}},
		{Kind: "part", A: "a b"},
		{Kind: "link", A: "a", B: "b", Link: vnet.LinkConfig{Loss: -1}},
	} {
		if _, err := n.Fault(f); err == nil {
			t.Errorf("%+v was applied", f)
		}
	}
	if slices.Collect(n.Hosts())[3].Name() != "d" || len(slices.Collect(n.Hosts())) != 4 {
		t.Error("a fault that failed has added a host")
	}
	if got := panics(func() { n.Part("x") }); !strings.Contains(got, `no host "x"`) {
		t.Errorf("parting a stranger: %s", got)
	}
}

func TestFaultsThatOverlapLastUntilTheLastHasEnded(t *testing.T) {
	n := vnet.New(vnet.Config{Link: vnet.LinkConfig{Latency: time.Hour}})
	n.Host("c")
	l := n.Link("a", "b")
	apply := func(text string) func() {
		f, err := vnet.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		end, err := n.Fault(f)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	is := func(what, want string) {
		t.Helper()
		if got := l.String(); got != "a>b "+want {
			t.Errorf("%s: the link is %q, want %q", what, got, want)
		}
	}
	part, cut := apply("part a"), apply("cut a b")
	part()
	is("one cut is healed", "latency=1h0m0s cut")
	cut()
	cut()
	part()
	is("all are healed, some twice", "latency=1h0m0s")
	first, second := apply("link a b loss=0.1"), apply("link a b loss=0.2")
	is("two faults of the link", "loss=0.2")
	first()
	is("the first has ended", "loss=0.2")
	l.Set(vnet.LinkConfig{Latency: time.Second})
	is("it was set meanwhile", "loss=0.2")
	second()
	is("all have ended", "latency=1s")
}

func TestAConnectionIsReset(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		end, err := n.Fault(vnet.Fault{Kind: "reset", A: "a>b:0#0"})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]net.Conn{"a": a, "b": b} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s reads %v, want ECONNRESET", name, err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("%s writes and gets %v, want EPIPE", name, err)
			}
		}
		end() // there is nothing to take back
	})
}

func TestADialWaitsForRoomInTheBacklog(t *testing.T) {
	same(t, vnet.Config{Backlog: 1, GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
		l := listen(t, n, "api", "80")
		app := n.Host("app")
		if _, err := app.Dial(t.Context(), "tcp", "api:80"); err != nil {
			t.Fatalf("the first dial: %v, want a connection before anybody accepts", err)
		}
		start := time.Now()
		_, err := app.Dial(t.Context(), "tcp", "api:80")
		if took := time.Since(start); !timedOut(err, "dial") || took != time.Minute {
			t.Errorf("the second dial: %v after %v, want ETIMEDOUT after a minute", err, took)
		}
		time.AfterFunc(30*time.Second, func() { l.Accept() })
		start = time.Now()
		if _, err := app.Dial(t.Context(), "tcp", "api:80"); err != nil || time.Since(start) != 30*time.Second {
			t.Errorf("the third dial: %v after %v, want it when the first is accepted", err, time.Since(start))
		}
		failed := make(chan error)
		go func() {
			_, err := app.Dial(context.Background(), "tcp", "api:80")
			failed <- err
		}()
		synctest.Wait()
		l.Close()
		if err := <-failed; !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the dial that waited as the listener closed: %v, want refused", err)
		}
	})
}

func TestABacklogThatIsFullByFault(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		listen(t, n, "api", "80")
		full := vnet.Fault{Kind: "full", A: "api:80"}
		first, err := n.Fault(full)
		if err != nil {
			t.Fatal(err)
		}
		second, _ := n.Fault(full)
		start, times := time.Now(), make(chan time.Duration, 3)
		for range 3 {
			go func() {
				n.Host("app").Dial(context.Background(), "tcp", "api:80")
				times <- time.Since(start)
			}()
		}
		synctest.Wait()
		if first(); len(n.Listener("api:80").Pending()) != 0 {
			t.Error("a connection came in while one of two faults lasted")
		}
		time.Sleep(time.Second) // virtual
		second()
		for range 3 {
			if took := <-times; took != time.Second {
				t.Errorf("a dial took %v, want the second until the fault ended", took)
			}
		}
		if got := len(n.Listener("api:80").Pending()); got != 3 {
			t.Errorf("%d connections are pending, want 3", got)
		}
	})
}

func TestEveryFaultIsInTheJournalFromBeginToEnd(t *testing.T) {
	events := recorded(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		n.Pair("a", "b")
		n.Host("c")
		n.Host("d")
		listen(t, n, "d", "80")
		for _, text := range []string{
			"part a,b c", "cut a b", "link a b loss=0.1", "pause c", "slow a,b 10", "full d:80",
			"reset a>b:0#0", "down a", "crash b,c",
		} {
			f, err := vnet.ParseFault(text)
			if err != nil {
				t.Fatal(err)
			}
			end, err := n.Fault(f)
			if err != nil {
				t.Fatal(err)
			}
			end()
			end()
		}
		n.Fault(vnet.Fault{Kind: "down", A: "nobody"}) // never was one
		n.Host("c").Up()                               // is not down
	})
	var got []string
	kinds := map[int]string{}
	for _, e := range events {
		if !strings.HasPrefix(string(e.Kind), "fault.") {
			continue
		}
		kinds[e.Seq] = e.Subject
		if e.Kind == "fault.end" && e.Subject != kinds[e.Cause] {
			t.Errorf("%v ends what event %d began, %q", e, e.Cause, kinds[e.Cause])
		}
		got = append(got, fmt.Sprintf("%s %s/%s: %s", e.Kind, e.Where, e.Peer, e.Subject))
	}
	want := []string{
		"fault.part a,b/c: part a,b c", "fault.end a,b/c: part a,b c",
		"fault.cut a/b: cut a b", "fault.end a/b: cut a b",
		"fault.link a/b: link a b loss=0.1", "fault.end a/b: link a b loss=0.1",
		"fault.pause c/: pause c", "fault.end c/: pause c",
		"fault.slow a/: slow a 10", "fault.slow b/: slow b 10", "fault.end a/: slow a 10", "fault.end b/: slow b 10",
		"fault.full d/: full d:80", "fault.end d/: full d:80",
		"fault.reset a/b: reset a>b:0#0",
		"fault.down a/: down a", "fault.end a/: down a",
		"fault.crash b/: crash b", "fault.crash c/: crash c", "fault.end b/: crash b", "fault.end c/: crash c",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the journal holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatComesOfAFaultStandsBehindIt(t *testing.T) {
	events := recorded(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		n.Pair("a", "b")
		n.Host("b").Down()
	})
	var kinds []journal.Kind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	if want := []journal.Kind{"fault.down", "net.rst", "net.deliver", "net.close"}; !slices.Equal(kinds, want) {
		t.Errorf("the journal holds %v, want %v", kinds, want)
	}
}
