// What rules do to what travels.

package vnet_test

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vnet"
)

type when = rule.When[vnet.Segment]

// Conditions on what a segment is.
var (
	isData     when = func(s vnet.Segment) bool { return len(s.Data) > 0 && !s.Datagram }
	isConnect  when = func(s vnet.Segment) bool { return s.Syn }
	isFin      when = func(s vnet.Segment) bool { return s.Fin }
	isRst      when = func(s vnet.Segment) bool { return s.Rst }
	isDatagram when = func(s vnet.Segment) bool { return s.Datagram }
)

// toBoth runs f on a network that runs freely, and on one that is held and
// drained meanwhile.
func toBoth(t *testing.T, c vnet.Config, f func(t *testing.T, n *vnet.Network)) {
	t.Run("free", func(t *testing.T) { same(t, c, f) })
	t.Run("held", func(t *testing.T) {
		same(t, c, func(t *testing.T, n *vnet.Network) {
			n.Hold()
			done := make(chan struct{})
			go func() {
				defer close(done)
				f(t, n)
			}()
			for {
				select {
				case <-done:
					return
				default:
					n.Drain(time.Second)
				}
			}
		})
	})
}

func TestADroppedTransmissionIsSentAgain(t *testing.T) {
	for _, row := range []struct {
		name  string
		which func() when
		extra time.Duration // until the answer is read
	}{
		{"data once", isData.First, 200 * time.Millisecond},
		{"data twice", func() when { return isData.Between(1, 2) }, 600 * time.Millisecond},
		{"data there and back", func() when {
			there := func(s vnet.Segment) bool { return s.From != "api:80" }
			return isData.And(there).First().Or(isData.And(when(there).Not()).First())
		}, 400 * time.Millisecond},
		{"a connect", isConnect.First, time.Second},
		{"a connect twice", func() when { return isConnect.Between(1, 2) }, 3 * time.Second},
		{"an end", isFin.First, 200 * time.Millisecond},
		{"nothing", isRst.First, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			toBoth(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
				go echo(listen(t, n, "api", "80"))
				n.Rule(rule.Then(row.which(), vnet.Verdict{Drop: true}))
				start := time.Now()
				got, err := ask(n, "app", "api:80", "hello")
				took := time.Since(start)
				if got != "hello" || err != nil || took < row.extra || took > row.extra+2*grain {
					t.Errorf("the echo %q (%v) took %v, want %v", got, err, took, row.extra)
				}
			})
		})
	}
}

func TestWhatIsDroppedForEverTimesOut(t *testing.T) {
	for _, row := range []struct {
		name string
		when when
		op   string
	}{
		{"connects", isConnect, "dial"}, {"data", isData, "read"},
	} {
		t.Run(row.name, func(t *testing.T) {
			toBoth(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
				go echo(listen(t, n, "api", "80"))
				n.Rule(rule.Then(row.when, vnet.Verdict{Drop: true}))
				start := time.Now()
				_, err := ask(n, "app", "api:80", "hello")
				if !timedOut(err, row.op) || time.Since(start) != time.Minute {
					t.Errorf("%v after %v, want ETIMEDOUT of %s after a minute", err, time.Since(start), row.op)
				}
			})
		})
	}
}

func TestAVerdictOfResetEndsTheConnection(t *testing.T) {
	for _, row := range []struct {
		name string
		when when
		want syscall.Errno
	}{
		{"data", isData, syscall.ECONNRESET},
		{"an end", isFin, syscall.ECONNRESET},
		{"a connect", isConnect, syscall.ECONNREFUSED},
	} {
		t.Run(row.name, func(t *testing.T) {
			toBoth(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
				l := listen(t, n, "api", "80")
				served := make(chan error, 1)
				go func() {
					c, err := l.Accept()
					if err == nil {
						_, err = io.Copy(io.Discard, c)
					}
					served <- err
				}()
				n.Rule(rule.Then(row.when, vnet.Verdict{Reset: true}))
				if _, err := ask(n, "app", "api:80", "hello"); !errors.Is(err, row.want) {
					t.Errorf("the client sees %v, want %v", err, row.want)
				}
				if row.want == syscall.ECONNREFUSED {
					l.Close()
					return
				}
				if err := <-served; !errors.Is(err, row.want) {
					t.Errorf("the server sees %v, want %v", err, row.want)
				}
			})
		})
	}
}

func TestADelayedSegmentDelaysWhatFollows(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Rule(rule.Then(isData.First(), vnet.Verdict{Delay: time.Second}))
		seen := watch(b)
		io.WriteString(a, "first ")
		time.Sleep(500 * time.Millisecond) // virtual
		io.WriteString(a, "second")
		time.Sleep(time.Second) // virtual
		b.Close()
		all := ""
		for _, got := range <-seen {
			if all += got.data; !about(got.at, time.Second) {
				t.Errorf("%q arrived after %v, want the first's delay", got.data, got.at)
			}
		}
		if all != "first second" {
			t.Errorf("what arrived is %q", all)
		}
	})
}

func TestAConnectIsDelayed(t *testing.T) {
	toBoth(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		go echo(listen(t, n, "api", "80"))
		n.Rule(rule.Then(isConnect, vnet.Verdict{Delay: time.Second}))
		start := time.Now()
		got, err := ask(n, "app", "api:80", "hello")
		if took := time.Since(start); got != "hello" || !about(took, time.Second) {
			t.Errorf("the echo %q (%v) took %v, want a second", got, err, took)
		}
	})
}

func TestReplacedDataArrivesInItsPlace(t *testing.T) {
	for name, row := range map[string]struct{ with, want string }{
		"longer": {"something else", "something else back"}, "shorter": {"!", "! back"}, "nothing": {"", " back"},
	} {
		t.Run(name, func(t *testing.T) {
			toBoth(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
				l := listen(t, n, "api", "80")
				go func() {
					c, err := l.Accept()
					if err != nil {
						return
					}
					got, _ := io.ReadAll(c)
					c.Write(append(got, " back"...))
					c.Close()
				}()
				hello := isData.And(func(s vnet.Segment) bool { return string(s.Data) == "hello" })
				n.Rule(rule.Then(hello, vnet.Verdict{Replace: []byte(row.with)}))
				n.Rule(rule.Then(isConnect.Or(isFin), vnet.Verdict{Replace: []byte("changes nothing")}))
				if got, err := ask(n, "app", "api:80", "hello"); got != row.want || err != nil {
					t.Errorf("got %q (%v), want %q", got, err, row.want)
				}
			})
		})
	}
}

func TestRulesDecideAboutDatagrams(t *testing.T) {
	for _, row := range []struct {
		name    string
		verdict vnet.Verdict // on the first of three
		want    string
	}{
		{"dropped", vnet.Verdict{Drop: true}, "two three"},
		{"reset", vnet.Verdict{Reset: true}, "two three"},
		{"replaced", vnet.Verdict{Replace: []byte("2-1")}, "2-1 two three"},
		{"delayed", vnet.Verdict{Delay: time.Second}, "two three one"},
		{"passed", vnet.Verdict{}, "one two three"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, latency := range []time.Duration{0, 10 * time.Millisecond} {
				toBoth(t, vnet.Config{Link: vnet.LinkConfig{Latency: latency}}, func(t *testing.T, n *vnet.Network) {
					p := listenUDP(t, n, "dns", ":53")
					c := dialUDP(t, n, "app", "dns:53")
					n.Rule(rule.Then(isDatagram.First(), row.verdict))
					for _, s := range []string{"one", "two", "three"} {
						if k, err := io.WriteString(c, s); k != len(s) || err != nil {
							t.Fatalf("wrote %d bytes of %q (%v)", k, s, err)
						}
					}
					if got := received(p, time.Minute); strings.Join(got, " ") != row.want {
						t.Errorf("received %q, want %q", got, row.want)
					}
				})
			}
		})
	}
}

// received returns the datagrams that come within d.
func received(p net.PacketConn, d time.Duration) (all []string) {
	p.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 64<<10)
	for {
		k, _, err := p.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all
		}
		if err != nil {
			return append(all, err.Error())
		}
		all = append(all, string(buf[:k]))
	}
}

func TestTheFirstRuleThatDecidesWins(t *testing.T) {
	events := recorded(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Rule(rule.Then(isFin, vnet.Verdict{Drop: true})) // passes data
		remove := n.Rule(rule.Then(isData, vnet.Verdict{Replace: []byte("first")}))
		second := n.Rule(rule.Then(isData, vnet.Verdict{Replace: []byte("second")}))
		for i, want := range []string{"first", "second", "sent", "sent"} {
			io.WriteString(a, "sent")
			buf := make([]byte, 64)
			if k, _ := b.Read(buf); string(buf[:k]) != want {
				t.Errorf("%d: read %q, want %q", i, buf[:k], want)
			}
			switch i {
			case 0:
				remove()
				remove()
			case 1:
				second()
			}
		}
	})
	var got []string
	for _, e := range of(events, "fault.rule") {
		got = append(got, e.Note("on")+" "+e.Note("verdict"))
	}
	if want := []string{`data replace "first"`, `data replace "second"`}; !slices.Equal(got, want) {
		t.Errorf("the journal holds the decisions %q, want %q", got, want)
	}
}

func TestARuleMayAddRulesAndRemoveItself(t *testing.T) {
	toBoth(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		go echo(listen(t, n, "api", "80"))
		var remove func()
		remove = n.Rule(func(s vnet.Segment) (vnet.Verdict, bool) {
			if s.Syn {
				remove()
				n.Rule(rule.Then(isData.First(), vnet.Verdict{Replace: []byte("from the rule's rule")}))
			}
			return vnet.Verdict{}, false
		})
		if got, err := ask(n, "app", "api:80", "hello"); got != "from the rule's rule" {
			t.Errorf("the echo is %q (%v)", got, err)
		}
	})
}

func TestARuleSeesWhoSendsWhatToWhom(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		var seen []string
		n.Rule(func(s vnet.Segment) (vnet.Verdict, bool) {
			seen = append(seen, s.String()+string(s.Data))
			return vnet.Verdict{}, false
		})
		l := listen(t, n, "api", "80")
		c, err := n.Host("app").Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		s, _ := l.Accept()
		io.WriteString(c, "ask")
		io.WriteString(s, "answer")
		s.Close()
		c.Close() // with unread data: a reset
		listenUDP(t, n, "api", ":53")
		io.WriteString(dialUDP(t, n, "app", "api:53"), "gram")
		want := []string{
			"app>api:80#0 app:32768 > api:80 connect",
			"app>api:80#0 app:32768 > api:80 data 3ask",
			"app>api:80#0 api:80 > app:32768 data 6answer",
			"app>api:80#0 api:80 > app:32768 reset",
			"app:32769>api:53 app:32769 > api:53 packet 4gram",
		}
		if !slices.Equal(seen, want) {
			t.Errorf("the rule saw\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestAVerdictThatAsksForTwoThingsPanics(t *testing.T) {
	n := vnet.New(vnet.Config{})
	a, _ := n.Pair("a", "b")
	n.Rule(rule.Then(isData, vnet.Verdict{Drop: true, Delay: 1}))
	if got := panics(func() { io.WriteString(a, "x") }); !strings.Contains(got, "two things at once") {
		t.Errorf("the write: %s", got)
	}
}
