// TestPacketConn: packet connections against UDP: what arrives, what does not, and what is told.

package vnettest

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPacketConn tries a transport's packet connections: addresses, the bounds of datagrams and what
// a small buffer loses, deadlines, Close, and connections dialled on "udp", to which only their peer
// can send and which learn that nobody is there. The transport must be sound: where it loses or
// reorders what real loopback does not, rows fail.
func TestPacketConn(t *testing.T, tr Transport) {
	tr.each(t, false, slices.Concat(packetRows, packetErrorRows, packetDeadlineRows, connectedRows, strangerRows))
}

// A post is a packet connection under trial. Its methods fail the trial when it does not do as they say.
type post struct {
	net.PacketConn
	t *trial
}

// post listens for packets on Address, with a late deadline, and closes it when the trial is over.
func (t *trial) post() *post {
	t.Helper()
	p, err := t.net.ListenPacket(t.Context(), "udp", t.net.Address)
	if err != nil {
		t.Fatalf("ListenPacket(%q): %v", t.net.Address, err)
	}
	t.Cleanup(func() { p.Close() })
	p.SetDeadline(time.Now().Add(late))
	return &post{p, t}
}

// fault is the error of an operation; to is nil where the operation names no other side.
func (p *post) fault(op string, to net.Addr, c cause) fault {
	f := fault{op: op, network: "udp", source: p.LocalAddr(), addr: to, cause: c}
	if op == "write" {
		f.call = "sendto"
	}
	return f
}

// sends sends a datagram.
func (p *post) sends(s string, to net.Addr) {
	p.t.Helper()
	if n, err := p.WriteTo([]byte(s), to); n != len(s) || err != nil {
		p.t.Fatalf("WriteTo(%.40q, %v) = %d, %v", s, to, n, err)
	}
}

// receives receives a datagram, which must be this.
func (p *post) receives(s string, from net.Addr) {
	p.t.Helper()
	p.takes(len(s)+10, s, from)
}

// takes receives a datagram into room bytes, which must then hold s.
func (p *post) takes(room int, s string, from net.Addr) {
	p.t.Helper()
	b := make([]byte, room)
	n, a, err := p.ReadFrom(b)
	if err != nil || string(b[:n]) != s {
		p.t.Fatalf("ReadFrom = %.40q, %v; want %.40q", b[:n], err, s)
	}
	if _, ok := a.(*net.UDPAddr); !ok {
		p.t.Errorf("ReadFrom's address is a %T; want a *net.UDPAddr", a)
	}
	p.t.sameAddr("ReadFrom's address", a, from)
}

// failsToReceive receives and must get nothing but an error of this cause.
func (p *post) failsToReceive(c cause) {
	p.t.Helper()
	n, a, err := p.ReadFrom(make([]byte, 8))
	if n != 0 || a != nil {
		p.t.Errorf("ReadFrom = %d, %v, %v; want nothing with the error", n, a, err)
	}
	p.t.fails(err, p.fault("read", nil, c))
}

// failsToSend sends and must get an error of this cause.
func (p *post) failsToSend(s string, to net.Addr, c cause) {
	p.t.Helper()
	n, err := p.WriteTo([]byte(s), to)
	if n != 0 {
		p.t.Errorf("WriteTo(%.40q, %v) = %d, %v", s, to, n, err)
	}
	p.t.fails(err, p.fault("write", to, c))
}

// receiveLater starts a ReadFrom.
func (p *post) receiveLater() <-chan outcome {
	result := async(p.t, func() outcome {
		n, _, err := p.ReadFrom(make([]byte, 8))
		return outcome{n, err}
	})
	p.t.rest()
	return result
}

var packetRows = []row{
	{"the address is UDP's, with a port of its own", func(t *trial) {
		one, two := t.post(), t.post()
		a, ok := one.LocalAddr().(*net.UDPAddr)
		if !ok || a.IP == nil || a.IP.IsUnspecified() || a.Port == 0 || a.Network() != "udp" {
			t.Errorf("LocalAddr = %v (%T)", one.LocalAddr(), one.LocalAddr())
		}
		if a.String() == two.LocalAddr().String() {
			t.Errorf("two at once have the address %v", a)
		}
	}},
	{"datagrams arrive one by one, from their sender", func(t *trial) {
		here, there, other := t.post(), t.post(), t.post()
		here.sends("one", there.LocalAddr())
		here.sends("two", there.LocalAddr())
		there.receives("one", here.LocalAddr())
		there.receives("two", here.LocalAddr())
		other.sends("three", there.LocalAddr())
		there.receives("three", other.LocalAddr())
	}},
	{"an answer goes to where the datagram came from", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("question", there.LocalAddr())
		_, from, _ := there.ReadFrom(make([]byte, 10))
		there.sends("answer", from)
		here.receives("answer", there.LocalAddr())
	}},
	{"a small buffer gets the beginning, and the rest is lost", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("long one", there.LocalAddr())
		here.sends("next", there.LocalAddr())
		there.takes(4, "long", here.LocalAddr())
		there.receives("next", here.LocalAddr())
	}},
	{"no buffer takes a datagram and keeps nothing", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("gone", there.LocalAddr())
		here.sends("next", there.LocalAddr())
		there.takes(0, "", here.LocalAddr())
		there.receives("next", here.LocalAddr())
	}},
	{"an empty datagram is a datagram", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("", there.LocalAddr())
		here.sends("x", there.LocalAddr())
		there.receives("", here.LocalAddr())
		there.receives("x", here.LocalAddr())
	}},
	{"a datagram may be sent to oneself", func(t *trial) {
		here := t.post()
		here.sends("echo", here.LocalAddr())
		here.receives("echo", here.LocalAddr())
	}},
	{"a send does not keep the caller's bytes", func(t *trial) {
		here, there := t.post(), t.post()
		b := []byte("first")
		here.WriteTo(b, there.LocalAddr())
		copy(b, "wrong")
		there.receives("first", here.LocalAddr())
	}},
	{"a receive leaves the room beyond what it reports alone", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("ab", there.LocalAddr())
		b := []byte("....")
		if n, _, err := there.ReadFrom(b); n != 2 || err != nil || string(b) != "ab.." {
			t.Errorf("ReadFrom = %d, %v, and left %q", n, err, b)
		}
	}},
	{"the largest datagram is 65507 bytes, over IPv6 65527, and a larger one is told", func(t *trial) {
		size := 65507
		if t.family() == "tcp6" {
			size = 65527
		}
		here, there := t.post(), t.post()
		largest := string(payload(size))
		here.failsToSend(largest+"x", there.LocalAddr(), tooLong)
		here.sends(largest, there.LocalAddr())
		there.receives(largest, here.LocalAddr())
	}},
	{"datagrams to nobody vanish without a word", func(t *trial) {
		here, there := t.post(), t.post()
		there.Close()
		for range 3 {
			here.sends("lost", there.LocalAddr())
		}
		here.sends("echo", here.LocalAddr())
		here.receives("echo", here.LocalAddr())
	}},
	{"datagrams wait until they are received", func(t *trial) {
		here, there := t.post(), t.post()
		for _, s := range strings.Split("abcdefghijklmnopqrst", "") {
			here.sends(s, there.LocalAddr())
		}
		here.Close()
		for _, s := range strings.Split("abcdefghijklmnopqrst", "") {
			there.receives(s, here.LocalAddr())
		}
	}},
	{"TCP and UDP have ports of their own", func(t *trial) {
		var l net.Listener
		t.thrice(func() error {
			l = t.listen()
			p, err := t.net.ListenPacket(t.Context(), "udp", l.Addr().String())
			if err == nil {
				t.Cleanup(func() { p.Close() })
			}
			return err
		})
		t.dial(l.Addr())
	}},
}

var packetErrorRows = []row{
	{"two cannot listen on one address, and a closed one's is free again", func(t *trial) {
		here := t.post()
		again, err := t.net.ListenPacket(t.Context(), "udp", here.LocalAddr().String())
		if again != nil {
			again.Close()
		}
		t.fails(err, fault{op: "listen", network: "udp", addr: here.LocalAddr(), call: "bind", cause: inUse})
		t.thrice(func() error {
			here = t.post()
			here.Close()
			again, err = t.net.ListenPacket(t.Context(), "udp", here.LocalAddr().String())
			return err
		})
		again.Close()
	}},
	{"nobody can listen on a host that is not here", func(t *trial) {
		away := &net.UDPAddr{IP: net.IPv4(198, 51, 100, 213), Port: 4711}
		_, err := t.net.ListenPacket(t.Context(), "udp", away.String())
		t.fails(err, fault{op: "listen", network: "udp", addr: away, call: "bind", cause: notOurs})
	}},
	{"a listener of connections is no packet connection", func(t *trial) {
		p, err := t.net.ListenPacket(t.Context(), "tcp", t.net.Address)
		var why *net.AddrError
		if p != nil || !errors.As(err, &why) || why.Err != "unexpected address type" {
			t.Errorf("ListenPacket(tcp) = %v, %v; want %q", p, err, "unexpected address type")
		}
	}},
	{"an address of another kind, or none, is a bad argument", func(t *trial) {
		here := t.post()
		here.failsToSend("x", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, badArgument)
		here.failsToSend("x", nil, badArgument)
	}},
	{"nothing can be sent to port 0", func(t *trial) {
		here := t.post()
		to := *here.LocalAddr().(*net.UDPAddr)
		to.Port = 0
		c := badArgument
		c.syscall = true
		here.failsToSend("x", &to, c)
	}},
	{"after Close everything is an error", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("waiting", here.LocalAddr())
		here.Close()
		here.failsToReceive(closed)
		here.failsToSend("x", there.LocalAddr(), closed)
		here.failsToSend("", there.LocalAddr(), closed)
		t.fails(here.Close(), here.fault("close", nil, closed))
		set := fault{op: "set", network: "udp", addr: here.LocalAddr(), cause: closed}
		t.fails(here.SetDeadline(longAgo), set)
		t.fails(here.SetReadDeadline(longAgo), set)
		t.fails(here.SetWriteDeadline(longAgo), set)
	}},
	{"Close ends every blocked ReadFrom", func(t *trial) {
		here := t.post()
		one, two := here.receiveLater(), here.receiveLater()
		here.Close()
		t.fails(await(t, "ReadFrom", one).err, here.fault("read", nil, closed))
		t.fails(await(t, "ReadFrom", two).err, here.fault("read", nil, closed))
	}},
}

var packetDeadlineRows = []row{
	{"a past deadline beats a waiting datagram, and leaves it", func(t *trial) {
		here, there := t.post(), t.post()
		here.sends("waiting", there.LocalAddr())
		there.SetReadDeadline(longAgo)
		there.failsToReceive(expired)
		there.failsToReceive(expired)
		there.SetReadDeadline(time.Time{})
		there.receives("waiting", here.LocalAddr())
	}},
	{"a past deadline fails a send, of nothing too, and nothing goes", func(t *trial) {
		here, there := t.post(), t.post()
		here.SetWriteDeadline(longAgo)
		here.failsToSend("lost", there.LocalAddr(), expired)
		here.failsToSend("", there.LocalAddr(), expired)
		here.SetWriteDeadline(time.Time{})
		here.sends("sent", there.LocalAddr())
		there.receives("sent", here.LocalAddr())
	}},
	{"a deadline comes, not before its time, and a later one goes on", func(t *trial) {
		here, there := t.post(), t.post()
		begin := time.Now()
		here.SetReadDeadline(begin.Add(soon))
		here.failsToReceive(expired)
		if waited := time.Since(begin); waited < soon {
			t.Errorf("ReadFrom gave up after %v; the deadline was %v away", waited, soon)
		}
		here.SetReadDeadline(time.Now().Add(late))
		there.sends("in time", here.LocalAddr())
		here.receives("in time", there.LocalAddr())
	}},
	{"a deadline set to now ends every blocked ReadFrom", func(t *trial) {
		here := t.post()
		one, two := here.receiveLater(), here.receiveLater()
		here.SetReadDeadline(time.Now())
		t.fails(await(t, "ReadFrom", one).err, here.fault("read", nil, expired))
		t.fails(await(t, "ReadFrom", two).err, here.fault("read", nil, expired))
	}},
	{"reads and writes have deadlines of their own", func(t *trial) {
		here, there := t.post(), t.post()
		here.SetReadDeadline(longAgo)
		here.sends("sent", there.LocalAddr())
		there.receives("sent", here.LocalAddr())
		there.SetWriteDeadline(longAgo)
		here.sends("again", there.LocalAddr())
		there.receives("again", here.LocalAddr())
		here.SetDeadline(longAgo)
		here.failsToReceive(expired)
		here.failsToSend("x", there.LocalAddr(), expired)
	}},
	{"a closed one is closed before its deadline is past", func(t *trial) {
		here := t.post()
		here.SetDeadline(longAgo)
		here.Close()
		here.failsToReceive(closed)
		here.failsToSend("x", here.LocalAddr(), closed)
	}},
}
