// Files of enemies, and how long it takes to read those of friends.

package text_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

func TestLimitsHold(t *testing.T) {
	bomb := &tape.Tape{Schema: make([]byte, 1<<20)}
	for name, s := range map[string]string{
		"file":        strings.Repeat("#\n", 1<<16),
		"base64":      "call 1 a/B\n > bytes\n" + strings.Repeat("   AAAA\n", 400),
		"text":        "call 1 a/B\n > text\n" + strings.Repeat("   \"aaaa\"\n", 400),
		"JSON":        "call 1 pay.v1.Pay/Get\n > {\"account\": \"" + strings.Repeat("a", 1200) + "\"}\n",
		"initial":     "initial base64:" + strings.Repeat("AAAA", 400),
		"descriptors": strings.TrimPrefix(write(t, bomb, nil), text.Magic+" 1\n"),
	} {
		_, err := text.Read([]byte(text.Magic+" 1\n"+s), payTypes, tape.Limits{Message: 1000, File: 1 << 16})
		if f, ok := errors.AsType[*tape.FormatError](err); !ok || !strings.Contains(f.Msg, "limit") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABombIsNotUnpackedBeyondTheLimit(t *testing.T) {
	s := []byte(write(t, &tape.Tape{Schema: make([]byte, 64<<20)}, nil))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := text.Read(s, nil, tape.Limits{File: 1 << 20}); err == nil {
		t.Fatal("it was read")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes were allocated for it", n)
	}
}

func TestJSONThatNestsDeepIsWritten(t *testing.T) {
	wire := []byte{}
	for range 1000 { // a list in a list in a list, of google.protobuf.Value
		list := append([]byte{0x0a}, appendLength(nil, len(wire))...)
		list = append(list, wire...)
		wire = append(append([]byte{0x32}, appendLength(nil, len(list))...), list...)
	}
	tp := &tape.Tape{Head: tape.Head{Version: 1}}
	tp.Add(&tape.Call{Number: 1, Method: "/a/B", Events: []tape.Event{{Kind: tape.End, Status: tape.Status{
		Code: 2, Details: []tape.Any{{Type: "google.protobuf.Value", Value: wire}},
	}}}})
	s := write(t, tp, payTypes)
	if len(s) > 1<<20 {
		t.Errorf("%d bytes of text for %d", len(s), len(wire))
	}
	same(t, read(t, s, payTypes), tp)
}

func appendLength(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func FuzzRead(f *testing.F) {
	for _, tp := range []*tape.Tape{pay(), large()} {
		s := write(f, tp, payTypes)
		f.Add([]byte(s))
		f.Add([]byte(s[:len(s)/2]))
		f.Add([]byte(write(f, tp, nil)))
	}
	for _, c := range wrong {
		f.Add([]byte(text.Magic + " 1\n" + c.s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tp, err := text.Read(b, payTypes, tape.Limits{File: 1 << 20, Message: 1 << 20})
		if err != nil {
			if f, ok := errors.AsType[*tape.FormatError](err); !ok || f.Line < 1 {
				t.Errorf("%v has no line", err)
			}
			return
		}
		s := write(t, tp, payTypes)
		back := read(t, s, payTypes)
		same(t, back, tp)
		if again := write(t, back, payTypes); again != s {
			t.Errorf("written again it is\n%s\nwant\n%s", again, s)
		}
	})
}

// many is a tape of so many calls of one request and one answer.
func many(n int) *tape.Tape {
	tp := &tape.Tape{Schema: payFiles}
	for i := range n {
		tp.Add(&tape.Call{
			Number: i + 1, Method: "/pay.v1.Pay/Get", Shape: tape.Unary, Start: ms,
			Pairs: []tape.Pair{{Key: "x", Value: "y"}},
			Events: []tape.Event{
				{Kind: tape.Send, At: ms, Message: req("account 42")}, {Kind: tape.CloseSend, At: ms},
				{Kind: tape.Header, At: 2 * ms},
				{Kind: tape.Recv, At: 3 * ms, Message: state("open")}, {Kind: tape.End, At: 3 * ms},
			},
		})
	}
	return tp
}

func BenchmarkRead(b *testing.B) {
	s := []byte(write(b, many(10_000), payTypes))
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := text.Read(s, nil, tape.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadBytes(b *testing.B) {
	tp := &tape.Tape{}
	large := tape.Event{Kind: tape.Send, Message: bytes.Repeat([]byte{1}, 16<<20)}
	tp.Add(&tape.Call{Method: "/a/B", Events: []tape.Event{large}})
	s := []byte(write(b, tp, nil))
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		if _, err := text.Read(s, nil, tape.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	tp := many(10_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := text.Write(io.Discard, tp, payTypes); err != nil {
			b.Fatal(err)
		}
	}
}
