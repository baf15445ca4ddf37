// Rows of TestConn on Close: what it ends, what it leaves, and what the peer sees.

package vnettest

import (
	"errors"
	"net"
	"time"
)

var closeRows = []row{
	{"the peer of a closed connection reads what was sent, then EOF for ever", func(t *trial) {
		here, there := t.pair()
		here.writes("last words")
		here.closes()
		there.zeroRead()
		there.reads("last words")
		there.ends()
		there.zeroRead()
	}},
	{"Close loses nothing that Write took", func(t *trial) {
		here, there := t.pair()
		data := payload(1 << 20)
		async(t, func() bool { here.Write(data); return here.Close() == nil })
		there.readsAll(data)
	}},
	{"after the peer's Close one write succeeds, then comes a broken pipe, and reads go on ending", func(t *trial) {
		here, there := t.pair()
		there.closes()
		here.ends()
		here.writes("") // as if it were open
		if n := here.writesUntil(brokenPipe); n == 0 {
			t.Error("the first write failed: TCP does not know yet that nobody reads")
		}
		here.failsToWrite("x", brokenPipe)
		here.failsToWrite("", brokenPipe)
		here.ends()
		here.zeroRead()
		here.closes()
	}},
	{"a second Close is an error", func(t *trial) {
		here, _ := t.pair()
		here.closes()
		t.fails(here.Close(), here.fault("close", closed))
	}},
	{"of many Closes at once one succeeds", func(t *trial) {
		here, there := t.pair()
		var results []<-chan error
		for range 8 {
			results = append(results, async(t, here.Close))
		}
		succeeded := 0
		for _, r := range results {
			err := await(t, "Close", r)
			if err == nil {
				succeeded++
			} else if !errors.Is(err, net.ErrClosed) {
				t.Errorf("Close = %v", err)
			}
		}
		if succeeded != 1 {
			t.Errorf("%d Closes succeeded", succeeded)
		}
		there.ends()
	}},
	{"both ends may close at once", func(t *trial) {
		here, there := t.pair()
		one, two := async(t, here.Close), async(t, there.Close)
		if err := errors.Join(await(t, "Close", one), await(t, "Close", two)); err != nil {
			t.Error(err)
		}
	}},
	{"after Close, Read and Write are errors, of no bytes too", func(t *trial) {
		here, there := t.pair()
		there.writes("waiting")
		here.reads("w")
		here.closes()
		here.failsToRead(closed)
		_, err := here.Read(nil)
		t.fails(err, here.fault("read", closed))
		here.failsToWrite("x", closed)
		here.failsToWrite("", closed)
	}},
	{"after Close, deadlines and buffer sizes are errors that name the end", func(t *trial) {
		here, _ := t.pair()
		here.closes()
		want := here.fault("set", closed)
		want.source, want.addr = nil, here.LocalAddr()
		t.fails(here.SetDeadline(longAgo), want)
		t.fails(here.SetReadDeadline(time.Time{}), want)
		t.fails(here.SetWriteDeadline(time.Now().Add(late)), want)
		t.fails(here.tcp().SetReadBuffer(1<<16), want)
		t.fails(here.tcp().SetWriteBuffer(1<<16), want)
	}},
	{"after Close, TCP's other settings are errors that name both ends", func(t *trial) {
		here, _ := t.pair()
		here.closes()
		c, want := here.tcp(), here.fault("set", closed)
		t.fails(c.SetLinger(0), want)
		t.fails(c.SetNoDelay(true), want)
		t.fails(c.SetKeepAlive(true), want)
		t.fails(c.SetKeepAlivePeriod(time.Second), want)
		t.fails(c.CloseRead(), here.fault("close", closed))
		t.fails(c.CloseWrite(), here.fault("close", closed))
	}},
	{"Close ends every blocked Read", func(t *trial) {
		here, there := t.pair()
		one, two := here.readLater(), here.readLater()
		here.closes()
		t.fails(await(t, "Read", one).err, here.fault("read", closed))
		t.fails(await(t, "Read", two).err, here.fault("read", closed))
		there.ends()
	}},
	{"Close ends a blocked Write", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		result := here.writeLater(payload(1 << 20))
		there.readsFull(make([]byte, 1)) // Write has begun
		t.rest()
		here.closes()
		o := await(t, "Write", result)
		if o.n < 1 || o.n >= 1<<20 {
			t.Errorf("Write = %d, %v", o.n, o.err)
		}
		t.fails(o.err, here.fault("write", closed))
	}},
	{"a closed connection is closed before its deadline is past", func(t *trial) {
		here, _ := t.pair()
		here.SetDeadline(longAgo)
		here.closes()
		here.failsToRead(closed)
		here.failsToWrite("x", closed)
	}},
	{"a positive linger makes Close wait, not reset", func(t *trial) {
		here, there := t.pair()
		here.must("SetLinger", here.tcp().SetLinger(1))
		here.writes("sent")
		there.closesWrite() // then the kernel answers at once
		here.ends()
		here.closes()
		there.reads("sent")
		there.ends()
	}},
}
