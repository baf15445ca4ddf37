// The whole form gives a tape back, and tells when it is damaged.

package spool_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func written(tb testing.TB, t *tape.Tape, compress bool) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := spool.Write(&b, t, compress); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// wantTape fails the test unless got holds what want does.
func wantTape(t *testing.T, got, want *tape.Tape) {
	t.Helper()
	if !reflect.DeepEqual(got.Head, want.Head) || string(got.Schema) != string(want.Schema) || got.Len() != want.Len() {
		t.Fatalf("it has head %+v, schema %q and %d calls,\nwant %+v, %q and %d",
			got.Head, got.Schema, got.Len(), want.Head, want.Schema, want.Len())
	}
	for i := range got.Len() {
		if !bytes.Equal(got.Packed(i), want.Packed(i)) {
			t.Fatalf("call %d is\n%+v\nwant\n%+v", i, got.Call(i), want.Call(i))
		}
	}
}

func TestATapeIsReadAsItWasWritten(t *testing.T) {
	for seed := range uint64(100) {
		want := tapeOf(calls(seed, int(seed%20)))
		for _, compress := range []bool{false, true} {
			b := written(t, want, compress)
			got, err := spool.Read(b, tape.Limits{})
			if err != nil {
				t.Fatalf("seed %d, compressed %v: %v", seed, compress, err)
			}
			wantTape(t, got, want)
			if again := written(t, got, compress); !bytes.Equal(again, b) {
				t.Errorf("seed %d, compressed %v: written again it differs", seed, compress)
			}
		}
	}
}

func TestAnEmptyTapeIsReadAsItWasWritten(t *testing.T) {
	for _, compress := range []bool{false, true} {
		got, err := spool.Read(written(t, &tape.Tape{}, compress), tape.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		wantTape(t, got, &tape.Tape{Head: tape.Head{Version: tape.Version}})
	}
}

func TestALargeCallIsWrittenAsItIs(t *testing.T) {
	want := tapeOf(calls(1, 2))
	want.Add(&tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.Send, Message: make([]byte, 200_000)}}})
	want.Add(&tape.Call{Method: "/a/C"})
	got, err := spool.Read(written(t, want, false), tape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	wantTape(t, got, want)
}

func TestARecordingThatIsCutIsRefused(t *testing.T) {
	for _, compress := range []bool{false, true} {
		b := written(t, tapeOf(calls(1, 6)), compress)
		for n := range len(b) {
			_, err := spool.Read(b[:n:n], tape.Limits{})
			var fault *tape.FormatError
			if !errors.As(err, &fault) {
				t.Fatalf("compressed %v, cut at %d of %d: %v", compress, n, len(b), err)
			}
			if n >= 16 && !strings.Contains(fault.Msg, "cut off") {
				t.Errorf("compressed %v, cut at %d of %d: %v", compress, n, len(b), err)
			}
		}
		_, err := spool.Read(append(b, 0), tape.Limits{})
		if err == nil || !strings.Contains(err.Error(), "1 bytes follow its end") {
			t.Errorf("compressed %v, with a byte more: %v", compress, err)
		}
	}
}

func TestABitThatFlippedInARecordingIsSeen(t *testing.T) {
	want := tapeOf(calls(2, 4))
	for _, compress := range []bool{false, true} {
		b := written(t, want, compress)
		for i := range len(b) * 8 {
			flipped := bytes.Clone(b)
			flipped[i/8] ^= 1 << (i % 8)
			got, err := spool.Read(flipped, tape.Limits{})
			if err != nil {
				continue
			}
			if !compress {
				t.Fatalf("bit %d of byte %d flipped: no error", i%8, i/8)
			}
			wantTape(t, got, want) // gzip holds bits that mean nothing
		}
	}
}

// body is the body of a whole form, made as docs/recording.md says.
func body(fields ...string) string { return strings.Join(fields, "") }

func bytesField(number protowire.Number, v string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), v))
}

// file puts a header before a body and a trailer behind it.
func file(compression uint32, body string, count uint64) []byte {
	header := binary.LittleEndian.AppendUint32([]byte(spool.MagicWhole), 1)
	header = binary.LittleEndian.AppendUint32(header, compression)
	header = binary.LittleEndian.AppendUint64(header, uint64(len(body)+12))
	b := []byte(body)
	b = binary.LittleEndian.AppendUint64(b, count)
	b = binary.LittleEndian.AppendUint32(b, castagnoli(string(header)+string(b)))
	if compression == 1 {
		b = gzipped(b)
	}
	return append(header, b...)
}

func gzipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}

func TestARecordingOfNonsenseIsRefused(t *testing.T) {
	call := string(tape.AppendCall(nil, &tape.Call{Method: "/a/B"}))
	waits := string(tape.AppendCall(nil, &tape.Call{Method: "/a/B", Events: []tape.Event{
		{Kind: tape.End, After: []tape.Ref{{Call: 2, Nth: 1}}}}}))
	large := string(tape.AppendCall(nil, &tape.Call{Method: "/a/B", Events: []tape.Event{
		{Kind: tape.Send, Message: []byte("123456789")}}}))
	length := func(s string) string { return string(protowire.AppendVarint(nil, uint64(len(s)))) }
	two := func(s string) string {
		return body(bytesField(3, call+s), bytesField(4, length(call)+length(s)))
	}
	for _, c := range []struct {
		name, body string
		count      uint64
		offset     int
		want       string
	}{
		{"a call that is none", two("\xff"), 2, 34 + len(call), "call 2: it is cut short"},
		{"a wait for no call", two(waits), 2, 34 + len(call), "call 2: an event waits for one of call 3, of 2"},
		{"a large message", two(large), 2, 34 + len(call), "limit of 8"},
		{"more calls than there is room for", two(call), math.MaxUint64, 38 + len(call+call) - 2, "with 2 bytes"},
		{"fewer calls than lengths", two(call), 1, 36 + len(call+call), "lengths of 2 calls"},
		{"lengths beyond the calls", bytesField(4, "\x05"), 1, 34, "length of call 1"},
		{"lengths that overflow", bytesField(4, strings.Repeat("\xff", 9)+"\x01"), 1, 34, "length of call 1"},
		{"lengths that end too early", bytesField(3, call), 0, 32, "0 calls, 0 bytes in all"},
		{"a head of another version", bytesField(1, "\x08\x63"), 0, 34, "version 99"},
		{"a field that is cut", "\x1a\x09m", 0, 32, "a field is cut short"},
		{"a field that is none", "\x08\x01\x00", 0, 34, "a field is cut short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, compression := range []uint32{0, 1} {
				_, err := spool.Read(file(compression, c.body, c.count), tape.Limits{Message: 8})
				wantFault(t, err, c.offset, c.want)
			}
		})
	}
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	with := func(at int, v byte) []byte {
		b := file(0, "", 0)
		b[at] = v
		return b
	}
	bomb := file(1, strings.Repeat("\x00", 1<<20), 0)
	lies := file(1, "", 0)
	binary.LittleEndian.PutUint64(lies[24:], 1<<29)
	more := file(1, strings.Repeat("\x00", 99), 0)
	binary.LittleEndian.PutUint64(more[24:], 50)
	for _, c := range []struct {
		name string
		b    []byte
		at   int
		want []string
	}{
		{"a later version", with(16, 99), 16, []string{"version 99", "versions 1 to 1"}},
		{"a way to compress of later", with(20, 9), 20, []string{"way 9"}},
		{"a wrong checksum", with(43, 9), 0, []string{"checksum"}},
		{"a side file", []byte(begun), 0, []string{"no binary recording"}},
		{"a large one", file(0, strings.Repeat("x", 1<<20), 0), 0, []string{"limit of 1048576"}},
		{"a gzip bomb", bomb, 0, []string{"1048588 bytes", "limit of 1048576"}},
		{"a small one that claims much", lies, 0, []string{"limit of 1048576"}},
		{"one that holds more than it claims", more, 82, []string{"more than it says"}},
		{"one that is not compressed", slices.Concat(lies[:20], []byte("\x01\x00\x00\x00"),
			[]byte("\x40\x00\x00\x00\x00\x00\x00\x00no gzip at all")), 32, []string{"does not decompress"}},
		{"one too small for its trailer", []byte(spool.MagicWhole + "\x01\x00\x00\x00" + strings.Repeat("\x00", 12)),
			32, []string{"cut off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := spool.Read(c.b, tape.Limits{File: 1 << 20})
			wantFault(t, err, c.at, c.want...)
		})
	}
	_, err := spool.Read(lies, tape.Limits{})
	wantFault(t, err, len(lies), "cut off")
}

func TestFieldsOfALaterVersionArePassedOver(t *testing.T) {
	call := string(tape.AppendCall(nil, &tape.Call{Method: "/a/B"}))
	later := bytesField(99, "later") + "\x28\x07" + "\x35abcd"
	b := file(0, later+bytesField(3, call)+later+bytesField(4, string(rune(len(call)))), 1)
	got, err := spool.Read(b, tape.Limits{})
	if err != nil || got.Len() != 1 || got.Call(0).Method != "/a/B" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestATapeThatCouldNotBeReadIsNotWritten(t *testing.T) {
	var bad tape.Tape
	bad.Add(&tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.End, After: []tape.Ref{{Call: 7, Nth: 1}}}}})
	var b bytes.Buffer
	err := spool.Write(&b, &bad, false)
	if err == nil || !strings.Contains(err.Error(), "call 1: an event waits for one of call 8") || b.Len() > 0 {
		t.Errorf("it errs with %v after %d bytes", err, b.Len())
	}
}

// fullAfter fails once n bytes were written.
type fullAfter struct{ n int }

var errFull = errors.New("full")

func (f *fullAfter) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWritingFailsAsItsWriterDoes(t *testing.T) {
	tp := tapeOf(calls(1, 300))
	tp.Add(&tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.Send, Message: make([]byte, 100_000)}}})
	for _, compress := range []bool{false, true} {
		size := len(written(t, tp, compress))
		for _, n := range []int{0, 31, 32, 99, size / 2, size - 13, size - 1} {
			if err := spool.Write(&fullAfter{n}, tp, compress); err != errFull {
				t.Errorf("compressed %v, full after %d of %d bytes: %v", compress, n, size, err)
			}
		}
		if err := spool.Write(&fullAfter{size}, tp, compress); err != nil {
			t.Error(err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, compress := range []bool{false, true} {
		b := written(f, tapeOf(calls(1, 3)), compress)
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add(file(1, bytesField(4, "\xff\xff"), 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkRead(t, b)
	})
}

// FuzzReadBody puts a right header and trailer round what the fuzzer finds,
// which would not come past the checksum by itself.
func FuzzReadBody(f *testing.F) {
	whole := written(f, tapeOf(calls(1, 3)), false)
	f.Add(whole[32:len(whole)-12], uint64(3))
	f.Add([]byte("\x1a\x03\x12\x01m\x22\x01\x03"), uint64(1))
	f.Add([]byte("\x22\x01\x00"), uint64(1)<<60)
	f.Fuzz(func(t *testing.T, body []byte, count uint64) {
		checkRead(t, file(0, string(body), count))
	})
}

// checkRead fails the test unless b is refused by a FormatError, or read,
// written and read to the same.
func checkRead(t *testing.T, b []byte) {
	t.Helper()
	got, err := spool.Read(b, tape.Limits{File: 1 << 20})
	if err != nil {
		var fault *tape.FormatError
		if !errors.As(err, &fault) || got != nil {
			t.Errorf("the error is %v", err)
		}
		return
	}
	for i, c := range got.Calls() {
		for _, e := range c.Events {
			for _, r := range e.After {
				_ = got.Call(r.Call)
			}
		}
		_ = got.Packed(i)
	}
	again, err := spool.Read(written(t, got, false), tape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Head.Version = tape.Version; len(got.Head.Initial) == 0 {
		got.Head.Initial = nil
	}
	wantTape(t, again, got)
	if err := spool.Write(io.Discard, got, true); err != nil {
		t.Error(err)
	}
}
