// Rows of TestConn on CloseWrite and CloseRead.

package vnettest

import (
	"io"
)

var halfRows = []row{
	{"after CloseWrite the peer reads the rest and the end, and may still write", func(t *trial) {
		here, there := t.pair()
		here.writes("question")
		here.closesWrite()
		there.reads("question")
		there.ends()
		there.writes("ans")
		there.writes("wer")
		here.reads("answer")
		there.closes()
		here.ends()
	}},
	{"after CloseWrite one's own writes are a broken pipe, of no bytes too", func(t *trial) {
		here, there := t.pair()
		here.closesWrite()
		here.failsToWrite("x", brokenPipe)
		here.failsToWrite("", brokenPipe)
		there.ends()
	}},
	{"CloseWrite may be repeated", func(t *trial) {
		here, there := t.pair()
		here.closesWrite()
		here.closesWrite()
		there.ends()
		there.writes("x")
		here.reads("x")
	}},
	{"CloseWrite ends a blocked Write, and keeps what it took", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		data := payload(1 << 20)
		result := here.writeLater(data)
		there.readsFull(make([]byte, 1)) // Write has begun
		t.rest()
		here.closesWrite()
		o := await(t, "Write", result)
		t.fails(o.err, here.fault("write", brokenPipe))
		if o.n < 1 || o.n >= len(data) {
			t.Fatalf("Write = %d, %v", o.n, o.err)
		}
		there.readsAll(data[1:o.n])
	}},
	{"CloseWrite leaves a blocked Read waiting", func(t *trial) {
		here, there := t.pair()
		result := here.readLater()
		here.closesWrite()
		there.ends()
		there.writes("late")
		if o := await(t, "Read", result); o.n != 4 || o.err != nil {
			t.Errorf("Read = %d, %v", o.n, o.err)
		}
	}},
	{"both may CloseWrite: both read the end, and then there is nothing left to shut", func(t *trial) {
		here, there := t.pair()
		here.writes("from here")
		here.closesWrite()
		there.reads("from here")
		there.ends()
		there.writes("from there")
		there.closesWrite()
		here.reads("from there")
		here.ends()
		shutdown := here.fault("close", notConnected)
		shutdown.call = "shutdown"
		t.fails(here.tcp().CloseWrite(), shutdown)
		t.fails(here.tcp().CloseRead(), shutdown)
		here.failsToWrite("x", brokenPipe)
		here.closes()
		there.closes()
	}},
	{"Close after CloseWrite is no error", func(t *trial) {
		here, there := t.pair()
		here.writes("x")
		here.closesWrite()
		here.closes()
		there.reads("x")
		there.ends()
		t.fails(here.Close(), here.fault("close", closed))
	}},
	{"after CloseRead reads end, and the other direction goes on", func(t *trial) {
		here, there := t.pair()
		here.closesRead()
		here.ends()
		here.zeroRead()
		here.writes("outward")
		there.reads("outward")
		there.writes("nobody reads this")
		here.closesWrite()
		there.ends()
	}},
	{"CloseRead may be repeated", func(t *trial) {
		here, _ := t.pair()
		here.closesRead()
		here.closesRead()
		here.ends()
	}},
	{"after CloseRead what is there can still be read", func(t *trial) {
		here, there := t.pair()
		there.writes("hello")
		here.reads("h")
		here.closesRead()
		here.reads("ello")
		here.ends()
	}},
	{"after CloseRead what comes later is read as well, between ends", func(t *trial) {
		here, there := t.pair()
		here.closesRead()
		here.ends()
		there.writes("later")
		here.readsAmidEnds("later")
		here.ends()
	}},
	{"CloseRead ends a blocked Read with EOF", func(t *trial) {
		here, _ := t.pair()
		result := here.readLater()
		here.closesRead()
		if o := await(t, "Read", result); o.n != 0 || o.err != io.EOF {
			t.Errorf("Read = %d, %v; want 0, io.EOF", o.n, o.err)
		}
	}},
	{"after CloseRead an unread rest still makes Close a reset", func(t *trial) {
		here, there := t.pair()
		there.writes("hello")
		here.reads("h")
		here.closesRead()
		here.closes()
		there.failsToRead(reset)
	}},
	{"with both halves closed, what comes is answered by a reset", func(t *trial) {
		here, there := t.pair()
		here.closesRead()
		here.closesWrite()
		there.ends()
		if n := there.writesUntil(brokenPipe); n == 0 {
			t.Error("the first write failed: TCP does not know yet that nobody reads")
		}
		there.ends()
		here.failsToRead(reset)
		here.ends()
	}},
	{"with both halves closed, a reset leaves what had arrived", func(t *trial) {
		here, there := t.pair()
		there.writes("hello")
		here.reads("h")
		here.closesRead()
		here.closesWrite()
		there.ends()
		there.writesUntil(brokenPipe)
		here.reads("ello")
		here.failsToRead(reset)
		here.ends()
	}},
	{"CloseRead does not free a peer that is blocked in Write", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		data := payload(1 << 20)
		n := there.fill(data)
		here.closesRead()
		there.SetWriteDeadline(longAgo)
		there.failsToWrite("x", expired)
		here.readsAmidEnds(string(data[:n])) // what is still on its way comes later
		here.ends()
	}},
}

// readsAmidEnds reads s on an end that is shut for reading: there each Read ends until more has come.
func (e *end) readsAmidEnds(s string) {
	e.t.Helper()
	var got []byte
	p := make([]byte, len(s))
	for tries := 0; len(got) < len(s); tries++ {
		n, err := e.Read(p)
		if err != nil && err != io.EOF {
			e.t.Fatalf("%s: Read: %v", e.name, err)
		}
		got = append(got, p[:n]...)
		e.t.again(tries)
	}
	if string(got) != s {
		e.t.Errorf("%s: read %.40q, want %.40q", e.name, got, s)
	}
}
