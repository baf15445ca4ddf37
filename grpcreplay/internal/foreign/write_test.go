// What is written for rpcreplay is read back, and what cannot be written is told.

package foreign_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func write(tb testing.TB, tp *tape.Tape, s *schema.Set) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := foreign.WriteRPCReplay(&b, tp, s); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestARecordingIsWrittenAsItWasRead(t *testing.T) {
	for _, file := range []string{"rpcreplay.replay", "grpcreplay.replay", "grpcreplay.txt"} {
		tp := read(t, sample(t, file), samples(t))
		again := read(t, write(t, tp, samples(t)), samples(t))
		same(t, tell(t, again), recorded)
		if string(again.Head.Initial) != "initial \x00" {
			t.Errorf("the initial state is %q", again.Head.Initial)
		}
	}
}

// A talk makes calls at random, and what is to be read of them.
type talk struct {
	*rand.Rand
	tape tape.Tape
	want tape.Tape
}

var shapes = map[string]tape.Shape{
	get: tape.Unary, list: tape.ServerStream, put: tape.ClientStream, chat: tape.Bidi,
}

func (k *talk) call() {
	method := []string{get, list, put, chat}[k.IntN(4)]
	c := &tape.Call{Method: method, Shape: shapes[method]}
	w := *c
	add := func(e tape.Event, kept bool) {
		c.Events = append(c.Events, e)
		if kept {
			w.Events = append(w.Events, e)
		}
	}
	one := c.Shape.OneRequest()
	for n := range k.times(one) {
		add(tape.Event{Kind: tape.Send, Message: wireOf(fmt.Sprint("s", n*k.IntN(2)))}, true)
	}
	if k.IntN(5) > 0 || one {
		add(tape.Event{Kind: tape.CloseSend}, one)
	}
	add(tape.Event{Kind: tape.Header, Pairs: []tape.Pair{{Key: "x", Value: "1"}}}, false)
	end := k.end()
	if c.Shape != tape.Unary || end.Status.Code == 0 {
		single := c.Shape == tape.Unary || c.Shape == tape.ClientStream
		for n := range k.times(single) {
			add(tape.Event{Kind: tape.Recv, Message: wireOf(fmt.Sprint("r", n))}, true)
		}
	}
	add(end, false)
	end.Pairs = nil
	w.Events = append(w.Events, end)
	k.tape.Add(c)
	w.Number = k.tape.Len()
	k.want.Add(&w)
}

func (k *talk) times(once bool) int {
	if once {
		return 1
	}
	return k.IntN(4)
}

func (k *talk) end() tape.Event {
	e := tape.Event{Kind: tape.End, Pairs: []tape.Pair{{Key: "t", Value: "2"}}}
	if k.IntN(2) == 0 {
		e.Status = tape.Status{Code: 1 + k.Uint32N(16), Message: "m"}
	}
	if e.Status.Code != 0 && k.IntN(2) == 0 {
		e.Status.Details = []tape.Any{
			{Type: "type.googleapis.com/google.protobuf.StringValue", Value: wireOf("detail")},
			{Type: "x", Value: wireOf("")},
		}
	}
	return e
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := samples(t)
	for seed := range uint64(50) {
		k := &talk{Rand: rand.New(rand.NewPCG(seed, 0))}
		k.tape.Head.Initial = []byte(fmt.Sprint(seed))
		for range k.IntN(20) {
			k.call()
		}
		got := read(t, write(t, &k.tape, s), s)
		t.Logf("seed %d", seed)
		inOrder(t, got, &k.want)
		if string(got.Head.Initial) != fmt.Sprint(seed) {
			t.Errorf("the initial state is %q", got.Head.Initial)
		}
	}
}

func inOrder(t *testing.T, got, want *tape.Tape) {
	t.Helper()
	if got.Len() != want.Len() {
		t.Fatalf("%d calls became %d", want.Len(), got.Len())
	}
	for i, c := range want.Calls() {
		if g, w := fmt.Sprintf("%+v", got.Call(i)), fmt.Sprintf("%+v", c); g != w {
			t.Fatalf("call %d is\n%s\nwant\n%s", i+1, g, w)
		}
	}
}

func TestCallsWithoutAnAnswerAreLeftOut(t *testing.T) {
	var tp tape.Tape
	sent := tape.Event{Kind: tape.Send, Message: wireOf("a")}
	for _, events := range [][]tape.Event{
		nil, {sent}, {sent, {Kind: tape.CloseSend}, {Kind: tape.End}}, {{Kind: tape.End, Status: tape.Status{Code: 5}}},
	} {
		tp.Add(&tape.Call{Method: get, Shape: tape.Unary, Events: events})
	}
	tp.Add(&tape.Call{Method: chat, Shape: tape.Bidi, Events: []tape.Event{sent}})
	got := tell(t, read(t, write(t, &tp, samples(t)), samples(t)))
	same(t, got, "1 /sample.v1.Store/Chat bidi\n  send \"a\"\n  header\n")
}

func TestACallThatTheClientGaveUpEndsAsItSawIt(t *testing.T) {
	sent := tape.Event{Kind: tape.Send, Message: wireOf("a")}
	gaveUp := []tape.Event{sent, {Kind: tape.CloseSend}, {Kind: tape.Cancel, At: 7}}
	var tp tape.Tape
	tp.Add(&tape.Call{Method: get, Events: gaveUp})
	tp.Add(&tape.Call{Method: get, Events: gaveUp, Start: 2, Timeout: 5})
	tp.Add(&tape.Call{Method: list, Events: gaveUp, Start: 2, Timeout: 6})
	tp.Add(&tape.Call{Method: chat, Events: append(gaveUp, tape.Event{Kind: tape.End, Status: tape.Status{Code: 9}})})
	same(t, tell(t, read(t, write(t, &tp, samples(t)), samples(t))), `1 /sample.v1.Store/Get unary
  send "a"
  close
  end 1 "context canceled"
2 /sample.v1.Store/Get unary
  send "a"
  close
  end 4 "context deadline exceeded"
3 /sample.v1.Store/List server-stream
  send "a"
  close
  end 1 "context canceled"
4 /sample.v1.Store/Chat bidi
  send "a"
  end 9 ""
`)
}

func TestErrorsOfEverySortAreWritten(t *testing.T) {
	var tp tape.Tape
	end := func(s tape.Status) []tape.Event { return []tape.Event{{Kind: tape.End, Status: s}} }
	tp.Add(&tape.Call{Method: chat, Events: end(tape.Status{Code: 14, Message: "gone", Refused: true})})
	tp.Add(&tape.Call{Method: chat, Events: end(tape.Status{Code: 14, Message: "gone"})})
	tp.Add(&tape.Call{Method: chat, Events: end(tape.Status{Plain: true, Message: "no \xff status"})})
	got := read(t, write(t, &tp, samples(t)), samples(t))
	for i, want := range []tape.Status{
		{Code: 14, Message: "gone", Refused: true}, {Code: 14, Message: "gone"}, {Code: 2, Message: "no \uFFFD status"},
	} {
		if s := got.Call(i).Ended(); s == nil || fmt.Sprint(s.Status) != fmt.Sprint(want) {
			t.Errorf("call %d ends with %+v, want %+v", i+1, s, want)
		}
	}
}

func TestWhatTheFormCannotHoldIsTold(t *testing.T) {
	for want, c := range map[string]*tape.Call{
		"/other.Service/Said; pass a set": {Method: said},
		`the codec "json"`:                {Method: chat, Codec: "json"},
		"grpcreplay reads at most": {Method: chat, Events: []tape.Event{
			{Kind: tape.Send, Message: make([]byte, 64<<20)},
		}},
	} {
		var tp tape.Tape
		var b bytes.Buffer
		tp.Add(c)
		if err := foreign.WriteRPCReplay(&b, &tp, samples(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

var errFull = errors.New("the disk is full")

// A full is a writer with room for some bytes.
type full int

func (f *full) Write(b []byte) (int, error) {
	if *f -= full(len(b)); *f < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestAWritersErrorIsReturned(t *testing.T) {
	tp := read(t, sample(t, "rpcreplay.replay"), samples(t))
	size := len(write(t, tp, samples(t)))
	for room := range size {
		f := full(room)
		if err := foreign.WriteRPCReplay(&f, tp, samples(t)); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d of %d bytes it returns %v", room, size, err)
		}
	}
}

func FuzzWrite(f *testing.F) {
	for _, file := range []string{"rpcreplay.replay", "binarylog.bin", "grpcdump.json"} {
		f.Add(sample(f, file))
	}
	s := samples(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tp, err := foreign.Read(b, s, tape.Limits{})
		if err != nil {
			return
		}
		var first bytes.Buffer
		if foreign.WriteRPCReplay(&first, tp, s) != nil {
			return
		}
		again := read(t, first.Bytes(), s)
		if second := write(t, again, s); !bytes.Equal(second, first.Bytes()) {
			t.Errorf("written again it is\n%q\nand was\n%q", second, first.Bytes())
		}
	})
}
