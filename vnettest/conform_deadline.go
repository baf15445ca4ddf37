// Rows of TestConn on deadlines.

package vnettest

import (
	"io"
	"net"
	"runtime"
	"time"
)

var deadlineRows = []row{
	{"a past deadline beats waiting data, and leaves it", func(t *trial) {
		here, there := t.pair()
		here.writes("waiting")
		there.reads("wait")
		there.SetReadDeadline(longAgo)
		there.failsToRead(expired)
		there.failsToRead(expired)
		there.SetReadDeadline(time.Time{})
		there.reads("ing")
	}},
	{"a past deadline fails a write, of no bytes too, and nothing goes", func(t *trial) {
		here, there := t.pair()
		here.SetWriteDeadline(longAgo)
		here.failsToWrite("lost", expired)
		here.failsToWrite("", expired)
		here.SetWriteDeadline(time.Time{})
		here.writes("sent")
		there.reads("sent")
	}},
	{"a read of no bytes succeeds past the deadline", func(t *trial) {
		here, _ := t.pair()
		here.SetDeadline(longAgo)
		here.zeroRead()
	}},
	{"a past deadline hides the end and leaves it", func(t *trial) {
		here, there := t.pair()
		here.closes()
		there.ends()
		there.SetDeadline(longAgo)
		there.failsToRead(expired)
		there.SetDeadline(time.Time{})
		there.ends()
	}},
	{"a deadline comes, not before its time, and stays", func(t *trial) {
		here, there := t.pair()
		begin := time.Now()
		here.SetReadDeadline(begin.Add(soon))
		here.failsToRead(expired)
		if waited := time.Since(begin); waited < soon {
			t.Errorf("Read gave up after %v; the deadline was %v away", waited, soon)
		}
		there.writes("x")
		here.failsToRead(expired)
	}},
	{"after a deadline a later one lets the connection go on", func(t *trial) {
		here, there := t.pair()
		here.SetReadDeadline(time.Now().Add(soon))
		here.failsToRead(expired)
		here.SetReadDeadline(time.Now().Add(late))
		there.writes("in time")
		here.reads("in time")
	}},
	{"a deadline set to now ends a blocked Read", func(t *trial) {
		here, there := t.pair()
		result := here.readLater()
		here.SetReadDeadline(time.Now())
		t.fails(await(t, "Read", result).err, here.fault("read", expired))
		here.SetReadDeadline(time.Time{})
		there.writes("x")
		here.reads("x")
	}},
	{"a nearer deadline shortens a blocked Read", func(t *trial) {
		here, _ := t.pair()
		result := here.readLater()
		here.SetDeadline(time.Now().Add(soon))
		t.fails(await(t, "Read", result).err, here.fault("read", expired))
	}},
	{"a blocked Read lives through later deadlines and none", func(t *trial) {
		here, there := t.pair()
		result := here.readLater()
		here.SetReadDeadline(time.Now().Add(2 * late))
		here.SetReadDeadline(time.Time{})
		here.SetReadDeadline(time.Now().Add(late))
		there.writes("x")
		if o := await(t, "Read", result); o.n != 1 || o.err != nil {
			t.Errorf("Read = %d, %v", o.n, o.err)
		}
	}},
	{"a deadline ends every blocked Read", func(t *trial) {
		here, _ := t.pair()
		one, two := here.readLater(), here.readLater()
		here.SetReadDeadline(time.Now().Add(soon))
		t.fails(await(t, "Read", one).err, here.fault("read", expired))
		t.fails(await(t, "Read", two).err, here.fault("read", expired))
	}},
	{"the read deadline leaves writes alone", func(t *trial) {
		here, there := t.pair()
		here.SetReadDeadline(longAgo)
		here.writes("sent")
		there.reads("sent")
		here.failsToRead(expired)
	}},
	{"the write deadline leaves reads alone", func(t *trial) {
		here, there := t.pair()
		here.SetWriteDeadline(longAgo)
		there.writes("sent")
		here.reads("sent")
		here.failsToWrite("x", expired)
	}},
	{"SetDeadline is both, and one end's deadline is not the other's", func(t *trial) {
		here, there := t.pair()
		here.SetDeadline(longAgo)
		here.failsToRead(expired)
		here.failsToWrite("x", expired)
		here.SetDeadline(time.Time{})
		there.SetDeadline(longAgo)
		here.writes("sent")
		there.SetDeadline(time.Time{})
		there.reads("sent")
	}},
	{"a deadline past all clocks is none", func(t *trial) {
		here, there := t.pair()
		here.must("SetDeadline", here.SetDeadline(time.Unix(1<<45, 0)))
		there.writes("to")
		here.reads("to")
		here.writes("and fro")
		there.reads("and fro")
	}},
	{"a write deadline in the middle tells how much went, and the stream stays whole", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		data := payload(1 << 20)
		n := 0
		for wait := soon; n == 0; wait *= 2 { // a busy machine may come to Write when it is too late
			var err error
			here.SetWriteDeadline(time.Now().Add(wait))
			n, err = here.Write(data)
			t.fails(err, here.fault("write", expired))
			if n >= len(data) || wait > late {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		here.failsToWrite("x", expired)
		here.SetWriteDeadline(time.Now().Add(late))
		there.reads(string(data[:n]))
		here.writes("goes on")
		there.reads("goes on")
	}},
	{"a deadline set to now ends a blocked Write", func(t *trial) {
		here, there := t.pair()
		here.narrow()
		there.narrow()
		data := payload(1 << 20)
		result := here.writeLater(data)
		there.readsFull(make([]byte, 1)) // Write has begun
		t.rest()
		here.SetWriteDeadline(time.Now())
		o := await(t, "Write", result)
		t.fails(o.err, here.fault("write", expired))
		here.closesWrite()
		there.readsAll(data[1:o.n])
	}},
	{"deadlines that come and go lose nothing", func(t *trial) {
		here, there := t.pair()
		data := payload(256 << 10)
		async(t, func() bool { here.Write(data); return here.Close() == nil })
		stop := make(chan struct{})
		async(t, func() bool { return toggle(there, stop) })
		var got []byte
		for p := make([]byte, 1<<10); ; {
			n, err := there.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.isFor(err, expired)
			}
		}
		close(stop)
		if string(got) != string(data) {
			t.Errorf("%d bytes read, %d written, and not the same", len(got), len(data))
		}
	}},
}

// toggle sets the read deadline to past and to late, over and over.
func toggle(c net.Conn, stop <-chan struct{}) bool {
	for {
		select {
		case <-stop:
			return true
		case <-time.After(20 * time.Microsecond): // so that time can pass in a bubble
			c.SetReadDeadline(longAgo)
			runtime.Gosched()
			c.SetReadDeadline(time.Now().Add(late))
		}
	}
}
