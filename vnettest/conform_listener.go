// TestListener: a listener against TCP: addresses, Accept, its deadline, and Close.

package vnettest

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestListener tries a transport's listeners: addresses and ports, accepting, the deadline that
// TCP's listener has beside net.Listener, closing, and what becomes of connections nobody accepted.
func TestListener(t *testing.T, tr Transport) {
	tr.each(t, false, slices.Concat(portRows, acceptRows, acceptDeadlineRows, unlistenRows, badListenRows()))
}

// listenFails listens and must get no listener and this fault.
func (t *trial) listenFails(address string, f fault) {
	t.Helper()
	l, err := t.net.Listen(t.Context(), f.network, address)
	if l != nil {
		l.Close()
		t.Fatalf("Listen(%q, %q) succeeded; want %v", f.network, address, f)
	}
	t.fails(err, f)
}

// atListener is a fault of an operation on a listener.
func atListener(op string, l net.Listener, c cause) fault {
	return fault{op: op, network: "tcp", addr: l.Addr(), cause: c}
}

var portRows = []row{
	{"the address is TCP's, with a port of its own", func(t *trial) {
		seen := make(map[int]bool)
		for range 4 {
			a, ok := t.listen().Addr().(*net.TCPAddr)
			if !ok || a.IP == nil || a.IP.IsUnspecified() || a.Port == 0 || a.Network() != "tcp" {
				t.Fatalf("listening on %q: Addr = %v (%T)", t.net.Address, a, a)
			}
			seen[a.Port] = true
		}
		if len(seen) != 4 {
			t.Errorf("4 listeners at once have ports %v", seen)
		}
	}},
	{"two cannot listen on one address", func(t *trial) {
		l := t.listen()
		f := atListener("listen", l, inUse)
		f.call = "bind"
		t.listenFails(l.Addr().String(), f)
		t.dial(l.Addr())
		t.accept(l)
	}},
	{"a closed listener's address is free again at once", func(t *trial) {
		var l, again net.Listener
		t.thrice(func() (err error) {
			l = t.listen()
			t.dial(l.Addr())
			t.accept(l)
			l.Close()
			again, err = t.net.Listen(t.Context(), "tcp", l.Addr().String())
			return err
		})
		t.Cleanup(func() { again.Close() })
		t.sameAddr("the second listener's address", again.Addr(), l.Addr())
		t.dial(again.Addr()).writes("x")
		t.accept(again).reads("x")
	}},
	{"nobody can listen on a host that is not here", func(t *trial) {
		away := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 213), Port: 4711}
		t.listenFails(away.String(), fault{op: "listen", network: "tcp", addr: away, call: "bind", cause: notOurs})
	}},
	{"without a host it listens on every address of the host", func(t *trial) {
		to := *t.listen().Addr().(*net.TCPAddr)
		l, err := t.net.Listen(t.Context(), t.family(), ":0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		a := l.Addr().(*net.TCPAddr)
		if !a.IP.IsUnspecified() || a.Port == 0 {
			t.Errorf("Addr = %v; want no host, and a port", a)
		}
		to.Port = a.Port
		here, there := t.dial(&to), t.accept(l)
		t.sameAddr("the accepted end's address", there.LocalAddr(), &to)
		t.sameAddr("the accepted end's peer", there.RemoteAddr(), here.LocalAddr())
	}},
	{"an accepted connection has the listener's address", func(t *trial) {
		l := t.listen()
		t.dial(l.Addr())
		t.sameAddr("the accepted end's address", t.accept(l).LocalAddr(), l.Addr())
	}},
	{"a listener of packets is no listener", func(t *trial) {
		l, err := t.net.Listen(t.Context(), "udp", t.net.Address)
		var why *net.AddrError
		if l != nil || !errors.As(err, &why) || why.Err != "unexpected address type" {
			t.Errorf("Listen(udp) = %v, %v; want %q", l, err, "unexpected address type")
		}
	}},
}

var acceptRows = []row{
	{"connections are accepted in the order in which they were made", func(t *trial) {
		l := t.listen()
		var made []*end
		for range 5 {
			made = append(made, t.dial(l.Addr()))
		}
		for _, c := range made {
			t.sameAddr("the accepted end's peer", t.accept(l).RemoteAddr(), c.LocalAddr())
		}
	}},
	{"several Accepts at once take one connection each", func(t *trial) {
		l := t.listen()
		results := []<-chan accepted{t.acceptLater(l), t.acceptLater(l), t.acceptLater(l)}
		for range results {
			t.dial(l.Addr())
		}
		seen := make(map[string]bool)
		for _, r := range results {
			a := await(t, "Accept", r)
			if a.err != nil {
				t.Fatal(a.err)
			}
			seen[a.c.RemoteAddr().String()] = true
		}
		if len(seen) != len(results) {
			t.Errorf("3 Accepts took the connections of %v", seen)
		}
	}},
	{"many dials at once are all accepted", func(t *trial) {
		const n = 40
		l := t.listen()
		var dials []<-chan accepted
		for range n {
			dials = append(dials, async(t, func() accepted {
				c, err := t.net.Dial(t.Context(), "tcp", l.Addr().String())
				return accepted{c, err}
			}))
		}
		peers := make(map[string]bool)
		for range n {
			peers[t.accept(l).RemoteAddr().String()] = true
		}
		for _, d := range dials {
			a := await(t, "Dial", d)
			if a.err != nil {
				t.Fatal(a.err)
			}
			t.Cleanup(func() { a.c.Close() })
			delete(peers, a.c.LocalAddr().String())
		}
		if len(peers) != 0 {
			t.Errorf("accepted, but dialled by nobody: %v", peers)
		}
	}},
	{"a connection that ended before Accept is accepted, with what it sent", func(t *trial) {
		l := t.listen()
		c := t.dial(l.Addr())
		c.writes("I was here")
		c.closes()
		there := t.accept(l)
		there.reads("I was here")
		there.ends()
	}},
	{"a connection that was reset before Accept is accepted, and tells", func(t *trial) {
		l := t.listen()
		c := t.dial(l.Addr())
		c.resets()
		there := t.accept(l)
		t.sameAddr("the accepted end's peer", there.RemoteAddr(), c.LocalAddr())
		there.failsToRead(reset)
		there.ends()
	}},
}

// accepted is what Accept, or Dial, returned.
type accepted struct {
	c   net.Conn
	err error
}

// acceptLater starts an Accept, and closes what it takes when the trial is over.
func (t *trial) acceptLater(l net.Listener) <-chan accepted {
	result := async(t, func() accepted {
		c, err := l.Accept()
		if c != nil {
			t.Cleanup(func() { c.Close() })
		}
		return accepted{c, err}
	})
	t.rest()
	return result
}

// acceptFails accepts and must get no connection and an error of this cause.
func (t *trial) acceptFails(l net.Listener, c cause) {
	t.Helper()
	got, err := l.Accept()
	if got != nil {
		got.Close()
		t.Fatalf("Accept took %v; want %q", got.RemoteAddr(), c.text)
	}
	t.fails(err, atListener("accept", l, c))
}

// setDeadline sets a listener's deadline, which TCP's have beside net.Listener.
func (t *trial) setDeadline(l net.Listener, at time.Time) error {
	t.Helper()
	d, ok := l.(interface{ SetDeadline(time.Time) error })
	if !ok {
		t.Fatalf("%T has no SetDeadline", l)
	}
	return d.SetDeadline(at)
}

var acceptDeadlineRows = []row{
	{"a past deadline beats a waiting connection, and leaves it", func(t *trial) {
		l := t.listen()
		c := t.dial(l.Addr())
		t.setDeadline(l, longAgo)
		t.acceptFails(l, expired)
		t.acceptFails(l, expired)
		t.setDeadline(l, time.Time{})
		t.sameAddr("the accepted end's peer", t.accept(l).RemoteAddr(), c.LocalAddr())
	}},
	{"a deadline comes, not before its time", func(t *trial) {
		l := t.listen()
		begin := time.Now()
		t.setDeadline(l, begin.Add(soon))
		t.acceptFails(l, expired)
		if waited := time.Since(begin); waited < soon {
			t.Errorf("Accept gave up after %v; the deadline was %v away", waited, soon)
		}
		t.setDeadline(l, time.Now().Add(late))
		t.dial(l.Addr())
		t.accept(l)
	}},
	{"a deadline set to now ends every blocked Accept", func(t *trial) {
		l := t.listen()
		one, two := t.acceptLater(l), t.acceptLater(l)
		t.setDeadline(l, time.Now())
		t.fails(await(t, "Accept", one).err, atListener("accept", l, expired))
		t.fails(await(t, "Accept", two).err, atListener("accept", l, expired))
	}},
	{"a listener's deadline is not its connections'", func(t *trial) {
		l := t.listen()
		t.setDeadline(l, time.Now().Add(late))
		here, there := t.dial(l.Addr()), t.accept(l)
		t.setDeadline(l, longAgo)
		here.writes("x")
		there.reads("x")
	}},
	{"after Close setting a deadline is the bare error", func(t *trial) {
		l := t.listen()
		l.Close()
		if err := t.setDeadline(l, time.Time{}); err != net.ErrClosed {
			t.Errorf("SetDeadline = %v (%T); want net.ErrClosed itself", err, err)
		}
	}},
}

var unlistenRows = []row{
	{"Accept after Close is an error", func(t *trial) {
		l := t.listen()
		t.dial(l.Addr())
		l.Close()
		t.acceptFails(l, closed)
	}},
	{"Close ends every blocked Accept", func(t *trial) {
		l := t.listen()
		one, two := t.acceptLater(l), t.acceptLater(l)
		l.Close()
		t.fails(await(t, "Accept", one).err, atListener("accept", l, closed))
		t.fails(await(t, "Accept", two).err, atListener("accept", l, closed))
	}},
	{"a second Close is an error, and the address stays", func(t *trial) {
		l := t.listen()
		before := l.Addr().String()
		l.Close()
		t.fails(l.Close(), atListener("close", l, closed))
		if l.Addr().String() != before {
			t.Errorf("Addr was %v, and after Close %v", before, l.Addr())
		}
	}},
	{"a closed listener is closed before its deadline is past", func(t *trial) {
		l := t.listen()
		t.setDeadline(l, longAgo)
		l.Close()
		t.acceptFails(l, closed)
	}},
	{"Close leaves accepted connections open", func(t *trial) {
		l := t.listen()
		here, there := t.dial(l.Addr()), t.accept(l)
		l.Close()
		here.writes("to")
		there.reads("to")
		there.writes("and fro")
		here.reads("and fro")
	}},
	{"Close resets connections that nobody accepted", func(t *trial) {
		l := t.listen()
		silent, talking := t.dial(l.Addr()), t.dial(l.Addr())
		talking.writes("hello?")
		l.Close()
		for _, c := range []*end{silent, talking} {
			c.failsToRead(reset)
			c.ends()
			c.failsToWrite("x", brokenPipe)
		}
	}},
	{"Close resets a blocked Read of a connection that nobody accepted", func(t *trial) {
		l := t.listen()
		result := t.dial(l.Addr()).readLater()
		l.Close()
		if o := await(t, "Read", result); !errors.Is(o.err, syscall.ECONNRESET) {
			t.Errorf("Read = %d, %v; want %v", o.n, o.err, syscall.ECONNRESET)
		}
	}},
}

// badListenRows are rows that listen on each bad address.
func badListenRows() (rows []row) {
	for _, bad := range badAddresses {
		name := "listening on " + bad.network + " " + bad.address + " tells what is wrong"
		rows = append(rows, row{name, func(t *trial) {
			l, err := t.net.Listen(t.Context(), bad.network, bad.address)
			if l != nil {
				t.Fatalf("listens on %v", l.Addr())
			}
			t.misfit(err, "listen", bad.network, bad.text)
			p, err := t.net.ListenPacket(t.Context(), bad.network, bad.address)
			if p != nil {
				t.Fatalf("listens for packets on %v", p.LocalAddr())
			}
			t.misfit(err, "listen", bad.network, bad.text)
		}})
	}
	return rows
}
