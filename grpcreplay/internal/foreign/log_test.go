// gRPC's binary log: its two sides, its limits, its damage.

package foreign_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// logged is what the binary log of the sample service tells.
const logged = `1 /sample.v1.Store/Get unary tenant="acme"
  send "one"
  close
  header trace-bin="\x00\xff" x-region="eu"
  recv map[name:one nth:1 quoted:[type.googleapis.com/not.A] {]
  end 0 "" x-cost="2"
2 /sample.v1.Store/Get unary tenant="acme"
  send "one"
  close
  header trace-bin="\x00\xff" x-region="eu"
  recv map[name:one nth:2 quoted:[type.googleapis.com/not.A] {]
  end 0 "" x-cost="2"
3 /sample.v1.Store/Get unary tenant="acme"
  send ""
  close
  header trace-bin="\x00\xff" x-region="eu"
  recv map[]
  end 0 "" x-cost="2"
4 /sample.v1.Store/Get unary tenant="acme"
  send "missing"
  close
  header trace-bin="\x00\xff" x-region="eu"
  end 5 "no such thing" type.googleapis.com/google.protobuf.StringValue(detail) x-cost="2"
5 /sample.v1.Store/List server-stream tenant="acme"
  send "x"
  close
  header
  recv "xa"
  recv "x"
  recv "xc"
  end 0 ""
6 /sample.v1.Store/List server-stream tenant="acme"
  send "bad"
  close
  header
  recv "bada"
  recv "bad"
  recv "badc"
  end 15 "gone midway"
7 /sample.v1.Store/Put client-stream tenant="acme"
  send "p"
  send "q"
  close
  header
  recv "pq"
  end 0 ""
8 /sample.v1.Store/Chat bidi tenant="acme"
  send "hello"
  header
  recv "re: hello"
  send ""
  recv "re: "
  send "bye"
  recv "re: bye"
  close
  end 0 ""
9 /sample.v1.Store/Get unary
  send "slow"
  close
  cancel
  end 4 "context deadline exceeded"
10 /sample.v1.Store/None unary
  send "none"
  close
  end 12 "unknown method None for service sample.v1.Store"
`

func TestABinaryLogIsRead(t *testing.T) {
	tp := read(t, sample(t, "binarylog.bin"), samples(t))
	same(t, tell(t, tp), logged)
	if h := tp.Head; h.Source != "binarylog" || h.Lenient || tp.Schema == nil || h.Comments != nil {
		t.Errorf("the head is %+v, with a schema of %d bytes", h, len(tp.Schema))
	}
	order := 0
	for _, c := range tp.Calls() {
		order = follows(t, order, c.Order)
		for _, e := range c.Events {
			order = follows(t, order, e.Order)
		}
	}
	c := tp.Call(8)
	if c.Authority != "store.example" || c.Timeout < 40*time.Millisecond || c.Timeout > 50*time.Millisecond {
		t.Errorf("the call with a deadline is of %q, with a timeout of %v", c.Authority, c.Timeout)
	}
	if took := c.Ended().At - c.Start; took < c.Timeout || took > c.Timeout+5*time.Millisecond {
		t.Errorf("the call with the timeout %v took %v", c.Timeout, took)
	}
}

// follows checks that calls made one after another have orders without a gap.
func follows(t *testing.T, last, order int) int {
	t.Helper()
	if order != last+1 {
		t.Errorf("an event of the order %d follows that of %d", order, last)
	}
	return order
}

func TestTheShapesOfACallAreGuessedFromAClientsLog(t *testing.T) {
	want := strings.NewReplacer("client-stream ", " ", "bidi ", " ").Replace(logged)
	same(t, tell(t, read(t, sample(t, "binarylog.bin"), nil)), want)
}

// side returns the entries of one side of a log: 1 is the client's, 2 the server's.
func side(t *testing.T, b []byte, logger uint64) (kept []byte) {
	t.Helper()
	for len(b) > 0 {
		size := 4 + int(binary.BigEndian.Uint32(b))
		if field(t, b[4:size], 5) == logger {
			kept = append(kept, b[:size]...)
		}
		b = b[size:]
	}
	return kept
}

// field returns a number in an entry.
func field(t *testing.T, b []byte, number protowire.Number) uint64 {
	t.Helper()
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if num == number {
			v, _ := protowire.ConsumeVarint(b[n:])
			return v
		}
		b = b[n+protowire.ConsumeFieldValue(num, typ, b[n:]):]
	}
	return 0
}

func TestTheServersSideIsReadIfThereIsNoOther(t *testing.T) {
	b := sample(t, "binarylog.bin")
	same(t, tell(t, read(t, side(t, b, 1), samples(t))), logged)
	want, _, _ := strings.Cut(logged, "9 /sample")
	got, _, _ := strings.Cut(tell(t, read(t, side(t, b, 2), samples(t))), "9 /sample")
	// The server closes the header of a stream where it sends first, and the
	// half-close where it read it: both may stand a line off.
	if g, w := sorted(got), sorted(want); g != w {
		same(t, g, w)
	}
}

func TestACallWhoseMessagesWereCutIsLeftOut(t *testing.T) {
	tp := read(t, sample(t, "binarylog-cut.bin"), samples(t))
	got := strings.Join(tp.Head.Comments, "\n")
	want := ` left out: call 49 of the log, /sample.v1.Store/Get: of a message with 76 bytes the log holds 6
 left out: call 51 of the log, /sample.v1.Store/Get: of a message with 76 bytes the log holds 6
 left out: call 55 of the log, /sample.v1.Store/Get: of a message with 9 bytes the log holds 6
 left out: call 63 of the log, /sample.v1.Store/Chat: of a message with 9 bytes the log holds 6`
	same(t, got, want)
	if tp.Len() != 6 {
		t.Errorf("%d calls are left, want 6", tp.Len())
	}
	if got := strings.Join(tp.Call(0).Comments, "\n"); !strings.Contains(got, "only the beginning of its metadata") ||
		!strings.Contains(got, "only the beginning of its header") {
		t.Errorf("of the cut metadata it says %q", got)
	}
}

// A logEntry is an entry of a log to be written.
type logEntry struct {
	call, kind uint64
	method     string
	data       string
	cut        bool
	at         uint64 // seconds
}

func log(entries ...logEntry) (b []byte) {
	for _, e := range entries {
		w := protowire.AppendBytes([]byte{0x0a}, protowire.AppendVarint([]byte{0x08}, e.at))
		w = protowire.AppendVarint(append(w, 0x10), e.call)
		w = protowire.AppendVarint(append(w, 0x20), e.kind)
		w = append(w, 0x28, 1)
		if e.method != "" {
			w = protowire.AppendBytes(append(w, 0x32), protowire.AppendString([]byte{0x12}, e.method))
		}
		if e.data != "" {
			m := protowire.AppendVarint([]byte{0x08}, uint64(len(e.data)))
			w = protowire.AppendBytes(append(w, 0x42), protowire.AppendString(append(m, 0x12), e.data))
		}
		if e.cut {
			w = append(w, 0x50, 1)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(w)))
		b = append(b, w...)
	}
	return b
}

func TestCallsThatBeganBeforeTheLogAreLeftOut(t *testing.T) {
	b := log(logEntry{call: 1, kind: 4, data: "\x0a\x01x"}, logEntry{call: 2, kind: 1, method: said},
		logEntry{call: 1, kind: 6}, logEntry{call: 2, kind: 7, at: 3}, logEntry{call: 2, kind: 9})
	tp := read(t, b, nil)
	same(t, tell(t, tp), "1 /other.Service/Said \n  cancel\n")
	same(t, strings.Join(tp.Head.Comments, "\n"), " left out: 2 entries of calls that began before the log did")
}

func TestWhatFollowsTheTrailerIsNoPartOfTheCall(t *testing.T) {
	tp := read(t, log(logEntry{call: 2, kind: 1, method: said}, logEntry{call: 2, kind: 6, at: 1},
		logEntry{call: 2, kind: 5}), nil)
	same(t, tell(t, tp), "1 /other.Service/Said \n  end 0 \"\"\n")
}

func TestDamagedLogsAreFaults(t *testing.T) {
	begin := logEntry{call: 1, kind: 1, method: said}
	for _, test := range []struct {
		b      []byte
		offset int64
		want   string
	}{
		{log(begin, begin), 37, "call 1 begins twice"},
		{log(begin, logEntry{call: 2, kind: 1}), 37, "call 2 names no method"},
		{append(log(begin), "\x05\x00\x00\x00abc"...), 37, "83886080 bytes, more than the 67108864 allowed"},
		{append(log(begin), "\x00\x00\x00\x01\x0a"...), 37, "entry 2 of the log cannot be read"},
		{log(begin, logEntry{call: 1, kind: 3, data: "ab", cut: true}), 0, "no call of the log is whole"},
	} {
		_, err := foreign.Read(test.b, nil, tape.Limits{})
		checkFault(t, err)
		fault, ok := err.(*tape.FormatError)
		if !ok || fault.Offset != test.offset || !strings.Contains(fault.Msg, test.want) {
			t.Errorf("%q gives %v, want %q at byte %d", test.b, err, test.want, test.offset)
		}
	}
}

func FuzzLog(f *testing.F) {
	f.Add(sample(f, "binarylog.bin")[4:400])
	f.Fuzz(func(t *testing.T, b []byte) {
		// One entry of any bytes behind the beginning of a call.
		file := log(logEntry{call: 1, kind: 1, method: said})
		file = append(binary.BigEndian.AppendUint32(file, uint32(len(b))), b...)
		_, err := foreign.Read(file, nil, tape.Limits{})
		checkFault(t, err)
	})
}
