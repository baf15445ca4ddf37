// Hosts that are killed, crash, pause and read slowly.

package vnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

func TestAHostThatIsDownResetsAndRefuses(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		c := parted(t, n)
		api := n.Host("api")
		here := dialUDP(t, n, "app", "api:53")
		l, p := listen(t, n, "api", "81"), listenUDP(t, n, "api", ":53")
		own, _ := n.Pair("api", "app")
		api.Down()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("its peer reads %v, want ECONNRESET", err)
		}
		if _, err := n.Host("app").Dial(t.Context(), "tcp", "api:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dialling it: %v, want ECONNREFUSED", err)
		}
		io.WriteString(here, "x")
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a datagram to it: %v, want ECONNREFUSED", err)
		}
		_, dial := api.Dial(t.Context(), "tcp", "app:80")
		_, listening := api.Listen(t.Context(), "tcp", ":80")
		_, packet := api.ListenPacket(t.Context(), "udp", ":53")
		_, accept := l.Accept()
		_, _, receive := p.ReadFrom(make([]byte, 1))
		_, read := own.Read(make([]byte, 1))
		for name, row := range map[string][2]error{
			"dialling on it": {dial, syscall.ENETUNREACH}, "listening on it": {listening, syscall.ENETDOWN},
			"a packet socket on it": {packet, syscall.ENETDOWN}, "its listener": {accept, net.ErrClosed},
			"its packet socket": {receive, net.ErrClosed}, "its connection": {read, net.ErrClosed},
		} {
			if !errors.Is(row[0], row[1]) {
				t.Errorf("%s: %v, want %v", name, row[0], row[1])
			}
		}
		api.Up()
		if _, err := n.Host("app").Dial(t.Context(), "tcp", "api:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dialling before it listens again: %v, want ECONNREFUSED", err)
		}
		go echo(listen(t, n, "api", "80"))
		if got, err := ask(n, "app", "api:80", "again"); got != "again" {
			t.Errorf("after Up: %q, %v", got, err)
		}
	})
}

func TestACrashIsNoticedAtTheNextWriteAfterUp(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Second} {
		t.Run(latency.String(), func(t *testing.T) {
			same(t, vnet.Config{Link: vnet.LinkConfig{Latency: latency}}, func(t *testing.T, n *vnet.Network) {
				c := parted(t, n)
				api := n.Host("api")
				api.Crash()
				c.SetReadDeadline(time.Now().Add(time.Hour))
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("after the crash: %v, want silence", err)
				}
				api.Up()
				c.SetReadDeadline(time.Now().Add(time.Hour))
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("after Up: %v, want silence still", err)
				}
				c.SetReadDeadline(time.Time{})
				if _, err := io.WriteString(c, "hello?"); err != nil {
					t.Errorf("the first write: %v", err)
				}
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("after the write: %v, want ECONNRESET", err)
				}
			})
		})
	}
}

func TestWhatIsWrittenToACrashedHostIsResetAfterUp(t *testing.T) {
	same(t, vnet.Config{GiveUp: time.Minute}, func(t *testing.T, n *vnet.Network) {
		early, late := parted(t, n), func() net.Conn {
			c, err := n.Host("app").Dial(t.Context(), "tcp", "api:80")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}()
		synctest.Wait()
		n.Host("api").Crash()
		start := time.Now()
		io.WriteString(early, "x")
		if _, err := early.Read(make([]byte, 1)); !timedOut(err, "read") || time.Since(start) != time.Minute {
			t.Errorf("who wrote to it reads %v after %v, want ETIMEDOUT after a minute", err, time.Since(start))
		}
		io.WriteString(late, "x")
		time.AfterFunc(30*time.Second, n.Host("api").Up)
		start = time.Now()
		_, err := late.Read(make([]byte, 1))
		if !errors.Is(err, syscall.ECONNRESET) || time.Since(start) != 30*time.Second {
			t.Errorf("who waits until it is up reads %v after %v, want ECONNRESET then", err, time.Since(start))
		}
	})
}

func TestWhatACrashedHostHadSentIsGone(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		listen(t, n, "b", "80")
		n.Host("a").Dial(t.Context(), "tcp", "b:80") // stays in b's backlog
		io.WriteString(b, "too late")
		n.Host("b").Crash()
		time.Sleep(time.Minute) // virtual
		n.Host("b").Up()
		a.SetReadDeadline(time.Now().Add(time.Hour))
		if k, err := a.Read(make([]byte, 64)); k != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a reads %d bytes (%v), want none", k, err)
		}
		for c := range n.Conns() {
			if c.Client().IsReset() {
				t.Errorf("%v is reset though nobody wrote", c)
			}
		}
	})
}

func TestAResetThatACrashSwallowedComesAgain(t *testing.T) {
	same(t, vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		b.(interface{ SetLinger(int) error }).SetLinger(0)
		b.Close()
		n.Host("b").Crash()
		time.Sleep(time.Minute) // virtual
		n.Host("b").Up()
		if vnet.EndOf(a).IsReset() {
			t.Error("the reset arrived though its sender had lost its power")
		}
		io.WriteString(a, "x")
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a reads %v after it wrote, want ECONNRESET", err)
		}
	})
}

func TestDialsThatWaitForAFullBacklogAreNotToldOfACrash(t *testing.T) {
	same(t, vnet.Config{Backlog: 1, GiveUp: time.Hour}, func(t *testing.T, n *vnet.Network) {
		listen(t, n, "api", "80")
		n.Host("app").Dial(t.Context(), "tcp", "api:80")
		failed := make(chan error)
		go func() {
			_, err := n.Host("app").Dial(context.Background(), "tcp", "api:80")
			failed <- err
		}()
		synctest.Wait()
		start := time.Now()
		n.Host("api").Crash()
		time.AfterFunc(time.Minute, n.Host("api").Up)
		if err := <-failed; !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) != time.Minute {
			t.Errorf("the dial: %v after %v, want it refused when the host is up again", err, time.Since(start))
		}
	})
}

func TestAHeldNetworkForgetsWhatACrashedHostHadSent(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Hold()
		io.WriteString(b, "sealed")
		n.Flush()
		_ = slices.Collect(n.Waiting())
		io.WriteString(b, "waits")
		io.WriteString(a, "stays")
		_ = slices.Collect(n.Waiting())
		io.WriteString(b, "open")
		n.Host("b").Crash()
		if got := lines(n.Waiting()); got != "" {
			t.Errorf("there waits\n%s", got)
		}
		n.Host("b").Up()
		if got := lines(n.Waiting()); got != "2 a>b:0#0 a:32768 > b:0 data 5\n" {
			t.Errorf("after Up there waits\n%s", got)
		}
		n.Flush()
		got := make([]byte, 64)
		if k, err := a.Read(got); string(got[:k]) != "sealed" || err != nil {
			t.Errorf("a reads %q (%v), want what had arrived", got[:k], err)
		}
		if _, err := a.Read(got); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a reads %v, want ECONNRESET", err)
		}
	})
}

func TestUpEndsEveryDownAndCrashOnce(t *testing.T) {
	events := recorded(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a := n.Host("a")
		up := func(want bool) {
			t.Helper()
			_, err := a.Listen(t.Context(), "tcp", ":0")
			if up := err == nil; up != want {
				t.Errorf("it is up: %v (%v), want %v", up, err, want)
			}
		}
		a.Down()
		a.Crash()
		up(false)
		a.Up()
		up(true)
		end, _ := n.Fault(vnet.Fault{Kind: "down", A: "a"})
		a.Up()
		up(true)
		a.Down()
		end() // has ended already, and is not the Down of now
		up(false)
		other, _ := n.Fault(vnet.Fault{Kind: "crash", A: "a"})
		other()
		up(false) // Down lasts
		a.Up()
		a.Up()
		up(true)
	})
	begins := len(of(events, "fault.down")) + len(of(events, "fault.crash"))
	if ends := len(of(events, "fault.end")); begins != 5 || ends != 5 {
		t.Errorf("%d began and %d ended, want 5 and 5", begins, ends)
	}
}

func TestAPausedHostIsSilentUntilItResumes(t *testing.T) {
	same(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		l := listen(t, n, "api", "80")
		a, b := n.Pair("app", "api")
		p, q := listenUDP(t, n, "api", ":53"), dialUDP(t, n, "app", "api:53")
		api := n.Host("api")
		first, second := api.Pause(), api.Pause()
		start := time.Now()
		done := make(chan time.Duration, 4)
		after := func(f func()) {
			go func() {
				f()
				done <- time.Since(start)
			}()
		}
		after(func() { io.ReadFull(b, make([]byte, 5)) })
		after(func() { io.ReadFull(a, make([]byte, 4)) })
		after(func() { l.Accept() })
		after(func() { p.ReadFrom(make([]byte, 8)) })
		go n.Host("app").Dial(context.Background(), "tcp", "api:80")
		io.WriteString(a, "there")
		io.WriteString(b, "back")
		io.WriteString(q, "datagram")
		p.WriteTo([]byte("lost"), q.LocalAddr())
		b.SetReadDeadline(time.Now().Add(time.Hour)) // its clocks go on
		time.AfterFunc(time.Second, first)
		time.AfterFunc(time.Minute, second)
		for range 4 {
			if took := <-done; took != time.Minute {
				t.Errorf("something took %v, want it to happen when the last pause ends", took)
			}
		}
		q.SetReadDeadline(time.Now().Add(time.Second))
		if k, err := q.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("app received %d bytes (%v), want what a paused host sends as a datagram to be lost", k, err)
		}
	})
}

func TestTheClocksOfAPausedHostGoOn(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Host("b").Pause()
		io.WriteString(a, "x")
		b.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("b reads %v, want its deadline", err)
		}
	})
}

func TestASlowReaderTakesItsTime(t *testing.T) {
	same(t, vnet.Config{Window: 1000}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		end, err := n.Fault(vnet.Fault{Kind: "slow", A: "b", Rate: 500})
		if err != nil {
			t.Fatal(err)
		}
		fresh, freshB := n.Pair("a", "b") // made while it lasts
		seen, alsoSeen := watch(b), watch(freshB)
		start := time.Now()
		a.Write(make([]byte, 3000))
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("the write of 3000 bytes took %v, want it to wait until 2000 are read", took)
		}
		fresh.Write(make([]byte, 1000))
		time.Sleep(time.Minute) // virtual
		end()
		start = time.Now()
		a.Write(make([]byte, 5000))
		if took := time.Since(start); took != 0 {
			t.Errorf("after its end the write took %v", took)
		}
		a.Close()
		fresh.Close()
		for i, got := range (<-seen)[:6] {
			if got.at != time.Duration(i)*time.Second || len(got.data) != 500 {
				t.Errorf("read %d saw %d bytes after %v, want 500 a second", i, len(got.data), got.at)
			}
		}
		if got := <-alsoSeen; len(got) != 2 || got[1].at-got[0].at != time.Second {
			t.Errorf("the other connection: %d reads, want two, a second apart", len(got))
		}
	})
}

func TestOfTwoPacesTheSlowerCounts(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		a.Write(make([]byte, 100))
		slow := func(rate int) func() {
			end, err := n.Fault(vnet.Fault{Kind: "slow", A: "b", Rate: rate})
			if err != nil {
				t.Fatal(err)
			}
			return end
		}
		read := func(want int) {
			t.Helper()
			time.Sleep(time.Minute) // virtual
			if k, err := b.Read(make([]byte, 100)); k != want || err != nil {
				t.Errorf("read %d bytes (%v), want %d", k, err, want)
			}
		}
		ten, five, twenty := slow(10), slow(5), slow(20)
		read(5)
		five()
		read(10)
		ten()
		read(20)
		twenty()
		read(65)
	})
}

// listenUDP and dialUDP open packet sockets or fail the test.
func listenUDP(t *testing.T, n *vnet.Network, host, addr string) net.PacketConn {
	t.Helper()
	p, err := n.Host(host).ListenPacket(t.Context(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func dialUDP(t *testing.T, n *vnet.Network, from, to string) net.Conn {
	t.Helper()
	name, _, _ := net.SplitHostPort(to)
	n.Host(name)
	c, err := n.Host(from).Dial(t.Context(), "udp", to)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A reader that is kept from the reset of its connection sees it later, or the
// network's end, whichever comes first.
func TestAResetWaitsForAReaderThatIsHeldBack(t *testing.T) {
	pause := func(n *vnet.Network, _ net.Conn) func() { return n.Host("b").Pause() }
	stop := func(_ *vnet.Network, b net.Conn) func() {
		end := vnet.EndOf(b)
		end.Pause()
		return end.Resume
	}
	shut := func(n *vnet.Network, _ func()) { n.Close() }
	for _, c := range []struct {
		name string
		hold func(*vnet.Network, net.Conn) (goOn func())
		then func(n *vnet.Network, goOn func())
		want error
	}{
		{"a paused host goes on", pause, func(_ *vnet.Network, goOn func()) { goOn() }, syscall.ECONNRESET},
		{"a paused end goes on", stop, func(_ *vnet.Network, goOn func()) { goOn() }, syscall.ECONNRESET},
		{"a paused host's network ends", pause, shut, net.ErrClosed},
		{"a paused end's network ends", stop, shut, net.ErrClosed},
		{"a paused host is killed", pause, func(n *vnet.Network, _ func()) { n.Host("b").Down() }, net.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := vnet.New(vnet.Config{})
				a, b := n.Pair("a", "b")
				got := make(chan error, 1)
				go func() {
					_, err := b.Read(make([]byte, 1))
					got <- err
				}()
				synctest.Wait()
				goOn := c.hold(n, b)
				vnet.EndOf(a).Conn().Reset()
				c.then(n, goOn)
				synctest.Wait()
				select {
				case err := <-got:
					if !errors.Is(err, c.want) {
						t.Errorf("the reader saw %v, want %v", err, c.want)
					}
				default:
					t.Error("the reader still waits")
					b.Close()
				}
			})
		})
	}
}
