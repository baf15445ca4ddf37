// Forms are told apart, the originals' recordings are read, and cut ones are noticed.

package foreign_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

const getsAndEnd = `1 /sample.v1.Store/Get unary
  send "one"
  close
  recv map[name:one nth:1 quoted:[type.googleapis.com/not.A] {]
  end 0 ""
2 /sample.v1.Store/Get unary
  send "one"
  close
  recv map[name:one nth:2 quoted:[type.googleapis.com/not.A] {]
  end 0 ""
3 /sample.v1.Store/Get unary
  send ""
  close
  recv map[]
  end 0 ""
4 /sample.v1.Store/Get unary
  send "missing"
  close
  end 5 "no such thing" type.googleapis.com/google.protobuf.StringValue(detail)
`

// recorded is what rpcreplay's recordings of the sample service tell.
const recorded = getsAndEnd + `5 /sample.v1.Store/List server-stream
  send "x"
  close
  recv "xa"
  recv "x"
  recv "xc"
  end 0 ""
6 /sample.v1.Store/List server-stream
  send "bad"
  close
  recv "bada"
  recv "bad"
  recv "badc"
  end 15 "gone midway"
7 /sample.v1.Store/Put client-stream
  send "p"
  send "q"
  recv "pq"
  end 0 ""
8 /sample.v1.Store/Chat bidi
  send "hello"
  recv "re: hello"
  send ""
  recv "re: "
  send "bye"
  recv "re: bye"
  end 0 ""
`

func TestTheOriginalsRecordingsAreRead(t *testing.T) {
	for _, test := range []struct{ file, source string }{
		{"rpcreplay.replay", "rpcreplay"},
		{"grpcreplay.replay", "rpcreplay"},
		{"grpcreplay.txt", "grpcreplay"},
	} {
		tp := read(t, sample(t, test.file), samples(t))
		same(t, tell(t, tp), recorded)
		if h := tp.Head; h.Source != test.source || !h.Lenient || string(h.Initial) != "initial \x00" {
			t.Errorf("%s has the head %+v", test.file, h)
		}
		if !strings.Contains(string(tp.Schema), "sample/v1/store.proto") {
			t.Errorf("%s: the tape does not hold the types", test.file)
		}
	}
}

func TestWithoutTypesAStreamMayHaveAnyShape(t *testing.T) {
	for _, file := range []string{"rpcreplay.replay", "grpcreplay.replay"} {
		tp := read(t, sample(t, file), nil)
		got := tell(t, tp)
		if tp.Schema != nil || !strings.HasPrefix(got, getsAndEnd) || strings.Count(got, " bidi\n") != 4 {
			t.Errorf("%s tells, with a schema of %d bytes,\n%s", file, len(tp.Schema), got)
		}
	}
}

func TestFormsAreToldByTheirBeginning(t *testing.T) {
	for file, want := range map[string]foreign.Form{
		"rpcreplay.replay": foreign.RPCReplay, "grpcreplay.replay": foreign.RPCReplay,
		"grpcreplay.txt": foreign.RPCReplayText, "binarylog.bin": foreign.BinaryLog,
		"binarylog-cut.bin": foreign.BinaryLog,
	} {
		b := sample(t, file)
		for _, n := range []int{9, 64, len(b)} {
			if got, ok := foreign.Sniff(b[:n]); n > 9 && (got != want || !ok) {
				t.Errorf("the first %d bytes of %s are taken for %q", n, file, got)
			}
		}
	}
	if got, _ := foreign.Sniff([]byte("\n { \"service\":\"a\"")); got != foreign.GRPCTools {
		t.Errorf("a line of grpc-dump is taken for %q", got)
	}
	for _, other := range []string{
		"", "{", "{}", "RPCReplaY", "rehearse journal 1\n", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00",
		"\x00\x00\x00\x01\x0a\x00\x00\x00",
		"\x00\x00\x00\x10\x10\x01\x15aaaa", strings.Repeat("\x00", 100),
	} {
		if got, ok := foreign.Sniff([]byte(other)); ok {
			t.Errorf("%q is taken for %q", other, got)
		}
	}
}

// boundaries returns where the records of a file end, from the first one's
// beginning on.
func boundaries(b []byte, from int, order binary.ByteOrder) (ends []int) {
	for at := from; at < len(b); at += 4 + int(order.Uint32(b[at:])) {
		ends = append(ends, at)
	}
	return append(ends, len(b))
}

func TestACutFileIsShorterOnlyOnARecordsBoundary(t *testing.T) {
	for _, test := range []struct {
		file string
		from int
		by   binary.ByteOrder
	}{
		{"rpcreplay.replay", 9, binary.LittleEndian},
		{"grpcreplay.replay", 9, binary.LittleEndian},
		{"binarylog.bin", 0, binary.BigEndian},
	} {
		b := sample(t, test.file)
		whole := boundaries(b, test.from, test.by)
		calls := 0
		for n := max(9, test.from); n <= len(b); n++ {
			tp, err := foreign.Read(b[:n], samples(t), tape.Limits{})
			if ok := slices.Contains(whole, n); ok != (err == nil) {
				t.Fatalf("%s, cut after %d bytes: %v", test.file, n, err)
			}
			checkFault(t, err)
			if err == nil {
				calls = checkGrows(t, tp, calls)
			}
		}
	}
}

func checkGrows(t *testing.T, tp *tape.Tape, calls int) int {
	t.Helper()
	if tp.Len() < calls {
		t.Errorf("a longer file holds %d calls, a shorter one held %d", tp.Len(), calls)
	}
	return tp.Len()
}

func checkFault(t *testing.T, err error) {
	t.Helper()
	var fault *tape.FormatError
	if err != nil && !errors.As(err, &fault) {
		t.Errorf("%T is no fault of the file: %v", err, err)
	}
}

func TestACutTextIsShorterOnlyBehindAnEntry(t *testing.T) {
	b := sample(t, "grpcreplay.txt")
	set := samples(t)
	calls, whole := 0, 0
	for n := 9; n <= len(b); n++ {
		tp, err := foreign.Read(b[:n], set, tape.Limits{})
		checkFault(t, err)
		if err == nil {
			calls = checkGrows(t, tp, calls)
			whole++
		}
	}
	// The magic alone, the head, and each of the binary form's entries.
	if want := len(boundaries(sample(t, "grpcreplay.replay"), 9, binary.LittleEndian)); whole != want {
		t.Errorf("%d cuts are recordings, want %d", whole, want)
	}
}

func TestAFileAboveItsLimitIsRefused(t *testing.T) {
	for _, test := range []struct {
		limits tape.Limits
		want   string
	}{
		{tape.Limits{File: 100}, "raise Limits.File"},
		{tape.Limits{Message: 20}, "raise Limits.Message"},
	} {
		for _, file := range []string{"rpcreplay.replay", "grpcreplay.txt", "binarylog.bin"} {
			_, err := foreign.Read(sample(t, file), samples(t), test.limits)
			checkFault(t, err)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, with the limits %+v: %v", file, test.limits, err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{
		"rpcreplay.replay", "grpcreplay.replay", "grpcreplay.txt", "binarylog.bin", "binarylog-cut.bin",
		"grpcdump.json",
	} {
		f.Add(sample(f, file))
	}
	f.Add([]byte("RPCReTxt1\n\"\"\n11\nkind:\nRECV\n-1\n"))
	set := samples(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tp, err := foreign.Read(b, set, tape.Limits{Message: 1 << 20, File: 1 << 22})
		checkFault(t, err)
		if err != nil {
			return
		}
		for i, c := range tp.Calls() {
			if c.Number != i+1 || c.Method == "" {
				t.Errorf("call %d has the number %d and the method %q", i+1, c.Number, c.Method)
			}
		}
	})
}
