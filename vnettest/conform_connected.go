// Rows of TestPacketConn on connections dialled on "udp".

package vnettest

import (
	"net"
	"syscall"
	"time"
)

// connected returns a connection dialled on "udp" and the post that it is connected to.
func (t *trial) connected() (*end, *post) {
	t.Helper()
	there := t.post()
	return t.dial(there.LocalAddr()), there
}

var connectedRows = []row{
	{"a connection has a port of its own and a peer, in UDP's addresses", func(t *trial) {
		here, there := t.connected()
		a, ok := here.LocalAddr().(*net.UDPAddr)
		if !ok || a.Port == 0 || a.IP.IsUnspecified() {
			t.Errorf("LocalAddr = %v (%T)", here.LocalAddr(), here.LocalAddr())
		}
		if _, ok := here.RemoteAddr().(*net.UDPAddr); !ok {
			t.Errorf("RemoteAddr is a %T", here.RemoteAddr())
		}
		t.sameAddr("RemoteAddr", here.RemoteAddr(), there.LocalAddr())
	}},
	{"what it writes comes from its address, and answers reach it", func(t *trial) {
		here, there := t.connected()
		here.writes("question")
		there.receives("question", here.LocalAddr())
		there.sends("answer", here.LocalAddr())
		here.takes(9, "answer")
	}},
	{"each Read is one datagram, and loses what finds no room", func(t *trial) {
		here, there := t.connected()
		for _, s := range []string{"long one", "two", ""} {
			there.sends(s, here.LocalAddr())
		}
		there.sends("last", here.LocalAddr())
		here.takes(4, "long")
		here.takes(9, "two")
		here.takes(9, "")
		here.takes(9, "last")
	}},
	{"a Read into no room takes nothing", func(t *trial) {
		here, there := t.connected()
		there.sends("x", here.LocalAddr())
		here.zeroRead()
		here.takes(9, "x")
	}},
	{"an empty Write is an empty datagram", func(t *trial) {
		here, there := t.connected()
		here.writes("")
		here.writes("x")
		there.receives("", here.LocalAddr())
		there.receives("x", here.LocalAddr())
	}},
	{"too large a Write is told", func(t *trial) {
		here, there := t.connected()
		here.failsToWrite(string(payload(70000)), tooLong)
		here.writes("x")
		there.receives("x", here.LocalAddr())
	}},
	{"after Close everything is an error that names both", func(t *trial) {
		here, _ := t.connected()
		here.closes()
		here.failsToRead(closed)
		here.failsToWrite("x", closed)
		t.fails(here.Close(), here.fault("close", closed))
		t.fails(here.SetDeadline(longAgo), fault{op: "set", network: "udp", addr: here.LocalAddr(), cause: closed})
	}},
	{"Close ends a blocked Read", func(t *trial) {
		here, _ := t.connected()
		result := here.readLater()
		here.closes()
		t.fails(await(t, "Read", result).err, here.fault("read", closed))
	}},
	{"a past deadline beats a waiting datagram, but not a Read into no room", func(t *trial) {
		here, there := t.connected()
		there.sends("waiting", here.LocalAddr())
		here.SetDeadline(longAgo)
		here.failsToRead(expired)
		here.zeroRead()
		here.failsToWrite("x", expired)
		here.failsToWrite("", expired)
		here.SetDeadline(time.Time{})
		here.takes(9, "waiting")
	}},
	{"a deadline ends a blocked Read", func(t *trial) {
		here, _ := t.connected()
		here.SetReadDeadline(time.Now().Add(soon))
		here.failsToRead(expired)
	}},
}

var strangerRows = []row{
	{"only the peer reaches a connection", func(t *trial) {
		here, there := t.connected()
		stranger := t.post()
		stranger.sends("from a stranger", here.LocalAddr())
		there.sends("from the peer", here.LocalAddr())
		here.takes(20, "from the peer")
		stranger.sends("again", here.LocalAddr())
		there.sends("and again", here.LocalAddr())
		here.takes(20, "and again")
	}},
	{"where nobody is, a Read tells it once, and the connection can be used again", func(t *trial) {
		here, there := t.connected()
		there.Close()
		here.writes("anybody?")
		here.failsToRead(refused)
		here.SetReadDeadline(longAgo)
		here.failsToRead(expired)
		here.SetReadDeadline(time.Now().Add(late))
		here.writes("anybody?")
		here.failsToRead(refused)
	}},
	{"where nobody is, a blocked Read is told", func(t *trial) {
		here, there := t.connected()
		there.Close()
		result := here.readLater()
		here.writes("anybody?")
		t.fails(await(t, "Read", result).err, here.fault("read", refused))
	}},
	{"where nobody is, a Write after the first tells it", func(t *trial) {
		here, there := t.connected()
		there.Close()
		if n := here.writesUntil(refused); n == 0 {
			t.Error("the first Write failed: nobody has answered yet")
		}
	}},
	{"to strangers a connection is nobody", func(t *trial) {
		taken, there := t.connected()
		stranger := t.dial(taken.LocalAddr())
		stranger.writes("anybody?")
		stranger.failsToRead(refused)
		there.sends("the peer", taken.LocalAddr())
		taken.takes(9, "the peer")
	}},
	{"who comes later is reached", func(t *trial) {
		var here *end
		var there *post
		var again net.PacketConn
		t.thrice(func() (err error) {
			here, there = t.connected()
			there.Close()
			here.writes("anybody?")
			here.failsToRead(refused)
			again, err = t.net.ListenPacket(t.Context(), "udp", there.LocalAddr().String())
			return err
		})
		there = &post{again, t}
		t.Cleanup(func() { again.Close() })
		again.SetDeadline(time.Now().Add(late))
		here.writes("now?")
		there.receives("now?", here.LocalAddr())
		there.sends("yes", here.LocalAddr())
		here.takes(9, "yes")
	}},
	{"a connection also has ReadFrom, and a WriteTo that fails", func(t *trial) {
		here, there := t.connected()
		p, ok := here.Conn.(net.PacketConn)
		if !ok {
			t.Fatalf("%T is no net.PacketConn", here.Conn)
		}
		there.sends("x", here.LocalAddr())
		(&post{p, t}).receives("x", there.LocalAddr())
		n, err := p.WriteTo([]byte("x"), there.LocalAddr())
		if n != 0 {
			t.Errorf("WriteTo = %d", n)
		}
		t.fails(err, here.fault("write", preconnected))
	}},
	{"a packet connection also has Write, which misses an address", func(t *trial) {
		here := t.post()
		c, ok := here.PacketConn.(net.Conn)
		if !ok {
			t.Fatalf("%T is no net.Conn", here.PacketConn)
		}
		if a := c.RemoteAddr(); a != nil {
			t.Errorf("RemoteAddr = %v, want nil", a)
		}
		_, err := c.Write([]byte("x"))
		f := here.fault("write", nil, noDestination)
		f.call = "write"
		t.fails(err, f)
		here.sends("x", here.LocalAddr())
		(&end{Conn: c, t: t, name: "post"}).takes(9, "x")
	}},
}

// noDestination is why a Write without a peer fails.
var noDestination = cause{is: syscall.EDESTADDRREQ, text: "destination address required", syscall: true}

// takes reads once into room bytes, which must then hold s.
func (e *end) takes(room int, s string) {
	e.t.Helper()
	b := make([]byte, room)
	n, err := e.Read(b)
	if err != nil || string(b[:n]) != s {
		e.t.Fatalf("Read = %.40q, %v; want %.40q", b[:n], err, s)
	}
}
