// What a tape looks like as text, and that it comes back from it.

package text_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant %s:\n%s", got, name, want)
	}
}

func TestATapeReadsWell(t *testing.T) {
	golden(t, "pay.txt", write(t, pay(), payTypes))
	golden(t, "large.txt", write(t, large(), payTypes))
	golden(t, "bytes.txt", write(t, pay(), nil))
}

// large is a tape of what does not fit into lines.
func large() *tape.Tape {
	item := func(name string) []byte {
		return append([]byte{0x1a, byte(len(name) + 2), 0x0a, byte(len(name))}, name...)
	}
	long := append(req(strings.Repeat("account ", 5)), item("first")...)
	for range 9 {
		long = append(long, item(strings.Repeat("item ", 5))...)
	}
	nested := append([]byte{0x0a, 1, 's', 0x12, byte(len(long)), byte(len(long) >> 7)}, long...)
	nested[4] |= 0x80
	var many []tape.Pair
	for i := range 9 {
		many = append(many, tape.Pair{Key: fmt.Sprint("x-key-", i), Value: "a value"})
	}
	tp := &tape.Tape{Head: tape.Head{Initial: []byte(strings.Repeat("a line of the state\n", 6))}}
	tp.Add(&tape.Call{
		Number: 1, Method: "/pay.v1.Pay/Get", Shape: tape.Unary, Pairs: many,
		Events: []tape.Event{
			{Kind: tape.Send, Message: append(long, 0xf8, 1, 1)}, {Kind: tape.CloseSend},
			{Kind: tape.Header, Pairs: many},
			{Kind: tape.Recv, Message: nested, After: []tape.Ref{{Call: 1, Nth: 1}}},
			{Kind: tape.End, Pairs: many, Status: tape.Status{
				Code: 3, Message: "bad",
				Details: []tape.Any{{Type: "t/pay.v1.State", Value: nested}, {Type: "t/a.B", Value: long}},
			}},
		},
	})
	tp.Add(&tape.Call{
		Number: 2, Method: "/shop.Shop/Buy", Shape: tape.Unary, Codec: "xml",
		Events: []tape.Event{
			{Kind: tape.Send, Message: []byte(strings.Repeat(`<a b="c">text</a>`, 9))}, {Kind: tape.CloseSend},
			{Kind: tape.Recv, Message: bytes.Repeat([]byte{0xff}, 200), After: []tape.Ref{{Call: 0, Nth: 1}}},
			{Kind: tape.End},
		},
	})
	return tp
}

func TestATapeComesBackFromItsText(t *testing.T) {
	for _, tp := range []*tape.Tape{pay(), large(), {}, {Schema: payFiles}} {
		s := write(t, tp, payTypes)
		back := read(t, s, payTypes)
		tp.Head.Version = tape.Version
		same(t, back, tp)
		if again := write(t, back, payTypes); again != s {
			t.Errorf("written again it is\n%s\nwant\n%s", again, s)
		}
	}
}

func TestDescriptorsInTheFileAreEnough(t *testing.T) {
	tp := pay()
	tp.Schema = payFiles
	same(t, read(t, write(t, tp, payTypes), nil), tp)
}

func TestARandomTapeComesBackFromItsText(t *testing.T) {
	for seed := range uint64(400) {
		d := dice{rand.New(rand.NewPCG(seed, 7))}
		tp := d.tape()
		types := payTypes
		if d.IntN(4) == 0 {
			types = nil
		}
		s := write(t, tp, types)
		back := read(t, s, types)
		if same(t, back, tp); write(t, back, types) != s {
			t.Errorf("written again it is not the same")
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, s)
		}
	}
}

// dice throws tapes with all that is odd.
type dice struct{ *rand.Rand }

func (d dice) tape() *tape.Tape {
	tp := &tape.Tape{Head: tape.Head{Version: 1, Initial: []byte(d.text()), Source: d.text(), Lenient: d.IntN(2) == 0}}
	for range d.IntN(3) {
		tp.Head.Redact = append(tp.Head.Redact, d.text())
		tp.Head.Comments = append(tp.Head.Comments, d.comment())
	}
	if d.IntN(2) == 0 {
		tp.Head.Metadata, tp.Head.Ignore, tp.Schema = []string{"", "a b", "x-y"}, []string{"a.b", "c d"}, payFiles
	}
	calls := make([]*tape.Call, d.IntN(6))
	for i, number := range d.Perm(len(calls)) {
		calls[i] = d.call()
		calls[i].Number = number*7 + 1
	}
	for i, c := range calls {
		d.link(calls, i)
		tp.Add(c)
	}
	return tp
}

// link makes the server's events of a call wait for other calls.
func (d dice) link(calls []*tape.Call, i int) {
	for k := range calls[i].Events {
		e, other := &calls[i].Events[k], d.IntN(len(calls))
		n := 0
		for _, o := range calls[other].Events {
			if o.Kind.FromClient() {
				n++
			}
		}
		if !e.Kind.FromClient() && n > 0 && other != i && d.IntN(3) == 0 {
			e.After = []tape.Ref{{Call: other, Nth: 1 + d.IntN(n)}, {Call: other, Nth: 1}}[:1+d.IntN(2)]
		}
	}
}

func (d dice) call() *tape.Call {
	c := &tape.Call{
		Method: d.method(), Shape: tape.Shape(d.IntN(5)), Pairs: d.pairs(), Authority: d.text(),
		Start: d.time(), Timeout: d.time(),
	}
	if d.IntN(4) == 0 {
		c.Codec = d.text()
	}
	for range d.IntN(3) {
		c.Comments = append(c.Comments, d.comment())
	}
	for range d.IntN(7) {
		e := tape.Event{Kind: tape.Kind(1 + d.IntN(6)), At: d.time()}
		switch e.Kind {
		case tape.Send, tape.Recv:
			e.Message = d.message()
		case tape.Header:
			e.Pairs = d.pairs()
		case tape.End:
			e.Pairs = d.pairs()
			e.Status = tape.Status{
				Code: d.Uint32N(20), Message: d.text(), Plain: d.IntN(2) == 0, Refused: d.IntN(2) == 0}
			for range d.IntN(3) {
				e.Status.Details = append(e.Status.Details, tape.Any{Type: d.url(), Value: d.message()})
			}
		}
		c.Events = append(c.Events, e)
	}
	return c
}

func (d dice) method() string {
	methods := []string{"/pay.v1.Pay/Get", "/pay.v1.Pay/Watch", "/pay.v1.Pay/Now", "/a.B/C", "//", "odd one", "/"}
	return methods[d.IntN(len(methods))]
}

func (d dice) time() time.Duration {
	if d.IntN(3) == 0 {
		return 0
	}
	return time.Duration(d.Uint64() >> (1 + d.IntN(63)))
}

func (d dice) pairs() (pairs []tape.Pair) {
	for _, key := range []string{"", "A", "a b", "after", "detail", "x", "x", "x-bin", "x:y", "z=\"", "→"} {
		if d.IntN(5) == 0 {
			pairs = append(pairs, tape.Pair{Key: key, Value: d.text()})
		}
	}
	return pairs
}

func (d dice) url() string {
	return []string{"type.googleapis.com/pay.v1.Req", "pay.v1.State", "a/b.C", "", "a b"}[d.IntN(5)]
}

func (d dice) text() string {
	odd := []string{
		"", "a", "a b", " a", "a ", "after call 1 →1", "# a", `"`, `"a" b`, "`", "\x00\xff", "→ {}", "base64:AA",
		"a\nb\r\n", "ü\u2028",
		strings.Repeat("long text ", d.IntN(60)), strings.Repeat("\xfe", d.IntN(300)),
		"digest 00 exact", "{}", "trailer",
	}
	return odd[d.IntN(len(odd))]
}

func (d dice) comment() string {
	return []string{"", " a", "#", "→ {}", " call 1", "  two  three"}[d.IntN(6)]
}

func (d dice) message() []byte {
	switch d.IntN(5) {
	case 0:
		return nil
	case 1:
		return req(d.text())
	case 2:
		return state("a", 0x78, 1)
	case 3:
		return []byte(d.text())
	}
	return append(req("a"), bytes.Repeat([]byte{0x1a, 6, 0x0a, 4, 'n', 'a', 'm', 'e'}, d.IntN(20))...)
}

func TestATextIsKnownByItsFirstLine(t *testing.T) {
	for s, want := range map[string]bool{
		text.Magic + " 1\n": true, "\ufeff" + text.Magic + " 9\r\n": true,
		text.Magic: false, "": false, "RPCReplay": false,
	} {
		if got := text.Sniff([]byte(s)); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestOneTapeIsOneText(t *testing.T) {
	tp := pay()
	tp.Schema = payFiles
	once, again := write(t, tp, payTypes), write(t, tp, payTypes)
	if once != again {
		t.Error("written twice, it is two texts")
	}
}

func TestNumbersThatNameNothingAreReplaced(t *testing.T) {
	tp := new(tape.Tape)
	for range 2 {
		tp.Add(&tape.Call{Number: 4, Method: "/a/B"})
	}
	if s := write(t, tp, nil); !strings.Contains(s, "call 1  a/B") || !strings.Contains(s, "call 2  a/B") {
		t.Error(s)
	}
}

func TestWhatWaitsForNothingIsNotWritten(t *testing.T) {
	for _, ref := range []tape.Ref{{Call: 2, Nth: 1}, {Call: 0, Nth: 1}, {Call: 1, Nth: 2}, {Call: 1}} {
		tp := new(tape.Tape)
		waiting := tape.Event{Kind: tape.Recv, After: []tape.Ref{ref}}
		tp.Add(&tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.Send}, waiting}})
		tp.Add(&tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.Send}}})
		if err := text.Write(new(bytes.Buffer), tp, nil); err == nil {
			t.Errorf("%+v was written", ref)
		}
	}
}
