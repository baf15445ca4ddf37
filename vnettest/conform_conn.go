// TestConn: a stream connection against TCP, and the rows on what it carries and how it is addressed.

package vnettest

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestConn tries a transport's stream connections: what they carry, their errors to the letter,
// closing whole and by halves, resets, deadlines, TCP's own methods. Every row runs twice, from the
// end that dialled and from the end that was accepted. What is checked is what TCP does on Linux as
// a Go program sees it; where TCP's answer takes its way through the kernel, the rows wait for it.
func TestConn(t *testing.T, tr Transport) {
	rows := slices.Concat(carryRows, copyRows, addressRows, closeRows, resetRows, halfRows, deadlineRows)
	t.Run("dialled", func(t *testing.T) { tr.each(t, false, rows) })
	t.Run("accepted", func(t *testing.T) { tr.each(t, true, rows) })
}

var carryRows = []row{
	{"a read takes what there is and leaves the rest", func(t *trial) {
		here, there := t.pair()
		here.writes("hello")
		there.reads("he")
		there.reads("l")
		there.reads("lo")
	}},
	{"many small writes make one stream", func(t *trial) {
		here, there := t.pair()
		for range 500 {
			here.writes("abc")
		}
		here.closes()
		there.readsAll([]byte(strings.Repeat("abc", 500)))
	}},
	{"both directions carry megabytes at once", func(t *trial) {
		here, there := t.pair()
		data := payload(1 << 20)
		out, back := here.writeLater(data), there.writeLater(data)
		got := make([]byte, len(data))
		read := async(t, func() outcome {
			n, err := io.ReadFull(here, got)
			return outcome{n, err}
		})
		there.reads(string(data))
		for _, o := range []outcome{await(t, "Write", out), await(t, "Write", back), await(t, "Read", read)} {
			if o.n != len(data) || o.err != nil {
				t.Errorf("%d of %d bytes, %v", o.n, len(data), o.err)
			}
		}
		if !bytes.Equal(got, data) {
			t.Error("what came back is not what was sent")
		}
	}},
	{"a write does not keep the caller's bytes", func(t *trial) {
		here, there := t.pair()
		p := []byte("first")
		here.Write(p)
		copy(p, "wrong")
		there.reads("first")
	}},
	{"a read leaves the room beyond what it reports alone", func(t *trial) {
		here, there := t.pair()
		here.writes("ab")
		there.reads("a") // now the other is there as well
		p := []byte("......")
		if n, err := there.Read(p); n != 1 || err != nil || string(p) != "b....." {
			t.Errorf("Read = %d, %v, and left %q", n, err, p)
		}
	}},
	{"concurrent writes do not mix", func(t *trial) {
		const writers, size = 8, 20 << 10
		here, there := t.pair()
		for i := range writers {
			here.writeLater([]byte(strings.Repeat(string(rune('a'+i)), size)))
		}
		seen := make(map[string]bool)
		for range writers {
			p := make([]byte, size)
			there.readsFull(p)
			seen[string(p[:1])] = true
			if strings.Trim(string(p), string(p[:1])) != "" {
				t.Fatalf("a write that begins with %q was cut by another", p[:1])
			}
		}
		if len(seen) != writers {
			t.Errorf("%d writes arrived, want %d", len(seen), writers)
		}
	}},
	{"concurrent reads lose nothing and share nothing", func(t *trial) {
		const readers = 4
		here, there := t.pair()
		data := payload(64 << 10)
		var took []<-chan [256]int
		for range readers {
			took = append(took, async(t, there.histogram))
		}
		here.writes(string(data))
		here.closes()
		var got, want [256]int
		for _, b := range data {
			want[b]++
		}
		for _, c := range took {
			for b, n := range await(t, "reading to the end", c) {
				got[b] += n
			}
		}
		if got != want {
			t.Error("the readers together did not read what was written")
		}
	}},
	{"a writer waits when nobody reads, and goes on when somebody does", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		data := payload(1 << 20)
		filled := here.fill(data)
		rest := here.writeLater(data[filled:])
		there.reads(string(data))
		if o := await(t, "Write", rest); o.err != nil || filled+o.n != len(data) {
			t.Errorf("after %d of %d bytes: Write = %d, %v", filled, len(data), o.n, o.err)
		}
	}},
	{"connections do not mix", func(t *trial) {
		l := t.listen()
		one, two := t.dial(l.Addr()), t.dial(l.Addr())
		first, second := t.accept(l), t.accept(l)
		if first.RemoteAddr().String() != one.LocalAddr().String() {
			first, second = second, first
		}
		two.writes("two")
		one.writes("one")
		first.reads("one")
		second.reads("two")
		one.closes()
		first.ends()
		two.writes("still two")
		second.reads("still two")
	}},
	{"what is written before Accept arrives", func(t *trial) {
		l := t.listen()
		c := t.dial(l.Addr())
		c.writes("early")
		t.accept(l).reads("early")
	}},
}

// histogram reads to the end and counts each byte.
func (e *end) histogram() (seen [256]int) {
	p := make([]byte, 700)
	for {
		n, err := e.Read(p)
		for _, b := range p[:n] {
			seen[b]++
		}
		if err != nil {
			return seen
		}
	}
}

var addressRows = []row{
	{"the ends have TCP addresses, each the other's mirror", func(t *trial) {
		here, there := t.pair()
		for _, a := range []net.Addr{here.LocalAddr(), here.RemoteAddr(), there.LocalAddr(), there.RemoteAddr()} {
			if tcp, ok := a.(*net.TCPAddr); !ok || tcp.IP.IsUnspecified() || tcp.Port == 0 || a.Network() != "tcp" {
				t.Errorf("address %v is a %T of %q; want a *net.TCPAddr with a host and a port", a, a, a.Network())
			}
		}
		t.sameAddr("the remote address", here.RemoteAddr(), there.LocalAddr())
		t.sameAddr("the local address", here.LocalAddr(), there.RemoteAddr())
	}},
	{"addresses outlast Close", func(t *trial) {
		here, there := t.pair()
		here.closes()
		t.sameAddr("the remote address", here.RemoteAddr(), there.LocalAddr())
		t.sameAddr("the local address", here.LocalAddr(), there.RemoteAddr())
	}},
	{"every dial comes from a port of its own", func(t *trial) {
		l := t.listen()
		seen := make(map[string]bool)
		for range 8 {
			seen[t.dial(l.Addr()).LocalAddr().String()] = true
		}
		if len(seen) != 8 {
			t.Errorf("8 connections have the local addresses %v", seen)
		}
	}},
	{"TCP's own methods work on an open connection", func(t *trial) {
		here, there := t.pair()
		c := here.tcp()
		here.must("SetNoDelay", c.SetNoDelay(false))
		here.must("SetKeepAlive", c.SetKeepAlive(true))
		here.must("SetKeepAlivePeriod", c.SetKeepAlivePeriod(time.Minute))
		here.must("SetReadBuffer", c.SetReadBuffer(64<<10))
		here.must("SetWriteBuffer", c.SetWriteBuffer(64<<10))
		here.must("SetLinger", c.SetLinger(5))
		here.must("SetLinger", c.SetLinger(-1))
		here.writes("still good")
		here.closes()
		there.reads("still good")
		there.ends()
	}},
}
