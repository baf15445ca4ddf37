// Rows of TestConn on resets: what causes one, who learns of it, and how often.

package vnettest

import (
	"errors"
	"io"
	"syscall"
	"time"
)

var resetRows = []row{
	{"closing with unread data resets: Read says so once, then EOF, and Write is a broken pipe", func(t *trial) {
		here, there := t.pair()
		there.resetByUnread(here)
		there.failsToRead(reset)
		there.ends()
		there.zeroRead()
		there.failsToWrite("x", brokenPipe)
		there.failsToWrite("", brokenPipe)
		there.ends()
	}},
	{"a reset that Write has told is not told again by Read", func(t *trial) {
		here, there := t.pair()
		there.resetByUnread(here)
		there.writesUntil(reset)
		there.failsToWrite("x", brokenPipe)
		there.ends()
	}},
	{"SetLinger(0) makes Close a reset", func(t *trial) {
		here, there := t.pair()
		here.resets()
		there.failsToRead(reset)
		there.ends()
	}},
	{"SetLinger(-1) takes SetLinger(0) back", func(t *trial) {
		here, there := t.pair()
		here.must("SetLinger", here.tcp().SetLinger(0))
		here.must("SetLinger", here.tcp().SetLinger(-1))
		here.closes()
		there.ends()
	}},
	{"what has arrived is read before the reset is told", func(t *trial) {
		here, there := t.pair()
		here.writes("arrived")
		there.reads("arr")
		here.resets()
		there.zeroRead()
		there.reads("ived")
		there.failsToRead(reset)
		there.ends()
	}},
	{"what has arrived is read after Write has told the reset", func(t *trial) {
		here, there := t.pair()
		here.writes("arrived")
		there.reads("arr")
		here.resets()
		there.writesUntil(reset)
		there.reads("ived")
		there.ends()
	}},
	{"a reset ends a blocked Read", func(t *trial) {
		here, there := t.pair()
		result := there.readLater()
		here.resets()
		t.fails(await(t, "Read", result).err, there.fault("read", reset))
		there.ends()
	}},
	{"of several blocked Reads one learns of the reset and the others of the end", func(t *trial) {
		here, there := t.pair()
		results := []<-chan outcome{there.readLater(), there.readLater(), there.readLater()}
		here.resets()
		told, ended := 0, 0
		for _, r := range results {
			switch err := await(t, "Read", r).err; {
			case errors.Is(err, syscall.ECONNRESET):
				told++
			case err == io.EOF:
				ended++
			}
		}
		if told != 1 || ended != 2 {
			t.Errorf("%d Reads told the reset and %d the end; want 1 and 2", told, ended)
		}
	}},
	{"a reset ends a blocked Write", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		result := here.writeLater(payload(1 << 20))
		there.readsFull(make([]byte, 1)) // Write has begun
		t.rest()
		there.resets()
		o := await(t, "Write", result)
		if o.n < 1 || o.n >= 1<<20 {
			t.Errorf("Write = %d, %v", o.n, o.err)
		}
		t.fails(o.err, here.fault("write", reset))
		here.failsToWrite("x", brokenPipe)
		here.ends()
	}},
	{"a past deadline hides a reset and does not use it up", func(t *trial) {
		here, there := t.pair()
		here.resets()
		there.SetReadDeadline(longAgo)
		there.failsToRead(expired)
		there.SetReadDeadline(time.Now().Add(late))
		there.failsToRead(reset)
		there.SetDeadline(longAgo)
		there.failsToRead(expired)
		there.failsToWrite("x", expired)
	}},
	{"after a reset the halves are not connected, yet settings and Close work", func(t *trial) {
		here, there := t.pair()
		here.resets()
		there.failsToRead(reset)
		shutdown := there.fault("close", notConnected)
		shutdown.call = "shutdown"
		t.fails(there.tcp().CloseWrite(), shutdown)
		t.fails(there.tcp().CloseRead(), shutdown)
		there.must("SetNoDelay", there.tcp().SetNoDelay(true))
		there.must("SetLinger", there.tcp().SetLinger(0))
		there.must("SetDeadline", there.SetDeadline(time.Time{}))
		t.sameAddr("the local address", there.LocalAddr(), here.RemoteAddr())
		t.sameAddr("the remote address", there.RemoteAddr(), here.LocalAddr())
		there.closes()
		t.fails(there.Close(), there.fault("close", closed))
	}},
	{"after the peer's CloseWrite a reset is no news to Read, and to Write a broken pipe", func(t *trial) {
		here, there := t.pair()
		here.writes("all of it")
		here.closesWrite()
		there.reads("all of it")
		there.ends()
		here.resets()
		there.writesUntil(brokenPipe)
		there.ends()
	}},
	{"after one's own CloseWrite a reset is told by Read", func(t *trial) {
		here, there := t.pair()
		there.closesWrite()
		here.ends()
		here.resets()
		there.failsToRead(reset)
		there.ends()
		there.failsToWrite("x", brokenPipe)
	}},
	{"a connection that both have ended cannot be reset", func(t *trial) {
		here, there := t.pair()
		here.closesWrite()
		there.ends()
		there.closesWrite()
		here.ends()
		here.resets()
		there.ends()
		there.failsToWrite("x", brokenPipe)
		there.closes()
	}},
}

// resetByUnread makes the peer close while it has something unread, and so reset this end.
func (e *end) resetByUnread(peer *end) {
	e.t.Helper()
	e.writes("unread")
	peer.reads("u")
	peer.closes()
}
