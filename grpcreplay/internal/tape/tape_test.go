// A call survives packing, and no bytes make unpacking fail other than by an error.

package tape_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// full is a call with every field set.
var full = &tape.Call{
	Number: 7, Method: "/pay.v1.Pay/Watch", Shape: tape.Bidi, Codec: "json", Authority: "pay.example",
	Pairs:   []tape.Pair{{Key: "trace-bin", Value: "\x00\xff"}, {Key: "x", Value: ""}, {Key: "x", Value: "2"}},
	Timeout: 5 * time.Second, Start: time.Millisecond, Order: 3,
	Events: []tape.Event{
		{Kind: tape.Send, At: time.Millisecond, Order: 4, Message: []byte(strings.Repeat("m", 300))},
		{Kind: tape.CloseSend, Order: 5},
		{Kind: tape.Cancel, Order: 6},
		{Kind: tape.Header, Order: 7, Pairs: []tape.Pair{{Key: "h", Value: "1"}}},
		{Kind: tape.Recv, Order: 8, Message: []byte("m"), After: []tape.Ref{{Call: 0, Nth: 2}, {Call: 2, Nth: 1}}},
		{Kind: tape.End, Order: 9, Pairs: []tape.Pair{{Key: "t", Value: "1"}}, Status: tape.Status{
			Code: 5, Message: "gone", Plain: true, Refused: true,
			Details: []tape.Any{{Type: "t/a.B", Value: []byte("v")}},
		}},
	},
	Comments: []string{" one", ""},
}

func TestACallSurvivesPacking(t *testing.T) {
	for _, want := range []*tape.Call{full, {Method: "/a/B", Events: []tape.Event{}}} {
		got, err := tape.ParseCall(tape.AppendCall([]byte(nil), want))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("packed and unpacked it is\n%+v\nwant\n%+v", got, want)
		}
	}
}

func TestATapeGivesItsCallsBack(t *testing.T) {
	var a, b tape.Tape
	var packed []byte
	var ends []uint64
	for n := range 3 {
		c := *full
		c.Number = n + 1
		a.Add(&c)
		packed = tape.AppendCall(packed, &c)
		ends = append(ends, uint64(len(packed)))
	}
	if err := b.Adopt(packed, ends); err != nil {
		t.Fatal(err)
	}
	for _, tp := range []*tape.Tape{&a, &b} {
		numbers := []int{}
		for i, c := range tp.Calls() {
			numbers = append(numbers, i, c.Number)
		}
		if want := []int{0, 1, 1, 2, 2, 3}; !reflect.DeepEqual(numbers, want) {
			t.Errorf("its calls are %v, want %v", numbers, want)
		}
	}
}

func TestTheClientsEventsAreVisitedAlone(t *testing.T) {
	var kinds []tape.Kind
	tape.ClientEvents(tape.AppendCall(nil, full), func(k tape.Kind, m []byte) bool {
		kinds = append(kinds, k)
		if (k == tape.Send) != (len(m) == 300) {
			t.Errorf("%v has %d bytes", k, len(m))
		}
		return k != tape.Cancel
	})
	if want := []tape.Kind{tape.Send, tape.CloseSend, tape.Cancel}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("they are %v, want %v", kinds, want)
	}
}

func TestAHeadSurvivesPacking(t *testing.T) {
	full := tape.Head{
		Version: tape.Version, Initial: []byte("i"), Source: "rpcreplay", Lenient: true, Metadata: []string{"a", "b"},
		Ignore: []string{"p.M.f"}, Redact: []string{"", "header x"}, Comments: []string{" c"},
	}
	for _, want := range []tape.Head{full, {Version: tape.Version}} {
		got, err := tape.ParseHead(tape.AppendHead(nil, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("packed and unpacked it is\n%+v, %v\nwant\n%+v", got, err, want)
		}
	}
}

func TestAHeadOfALaterVersionIsRefused(t *testing.T) {
	_, err := tape.ParseHead([]byte{0x08, 99})
	if err == nil || !strings.Contains(err.Error(), "version 99") || !strings.Contains(err.Error(), "up to 1") {
		t.Errorf("the error is %v", err)
	}
}

func TestATapeTakesNoCallsThatDoNotFitTogether(t *testing.T) {
	waits := func(r tape.Ref) *tape.Call {
		return &tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.End, After: []tape.Ref{r}}}}
	}
	for _, c := range []struct {
		name string
		call *tape.Call
		want string // what the error says
	}{
		{"it waits for itself", waits(tape.Ref{Call: 1, Nth: 1}), ""},
		{"it waits for a call behind the tape", waits(tape.Ref{Call: 2, Nth: 1}), "one of call 3, of 2 calls"},
		{"it waits for an event 0", waits(tape.Ref{Call: 1}), "event 0"},
		{"it has no method", &tape.Call{}, "no method"},
		{"it has a message of 9 bytes", &tape.Call{Method: "/a/B", Events: []tape.Event{
			{Kind: tape.Send, Message: []byte("123456789")}}}, "9 bytes, more than the limit of 8"},
	} {
		first := tape.AppendCall(nil, get)
		packed := tape.AppendCall(first[:len(first):len(first)], c.call)
		var adopted, filled tape.Tape
		filled.Add(get)
		filled.Add(c.call)
		err := adopted.AdoptWithin(packed, []uint64{uint64(len(first)), uint64(len(packed))}, tape.Limits{Message: 8})
		checked := filled.Check(tape.Limits{Message: 8})
		if c.want == "" {
			if err != nil || checked != nil || adopted.Len() != 2 {
				t.Errorf("%s: it is refused: %v, %v", c.name, err, checked)
			}
			continue
		}
		var fault *tape.FormatError
		if !errors.As(err, &fault) || fault.Offset != int64(len(first)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q at byte %d", c.name, err, c.want, len(first))
		}
		if checked == nil || !strings.Contains(checked.Error(), c.want) || adopted.Len() != 0 {
			t.Errorf("%s: Check says %v, want %q; %d calls were adopted", c.name, checked, c.want, adopted.Len())
		}
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add(tape.AppendHead(nil, tape.Head{Initial: []byte("i"), Source: "s", Lenient: true, Redact: []string{"a", ""}}))
	f.Add([]byte{0x08, 0x02})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := tape.ParseHead(b)
		if err != nil {
			return
		}
		again, err := tape.ParseHead(tape.AppendHead(nil, h))
		h.Version = tape.Version
		if len(h.Initial) == 0 {
			h.Initial = nil
		}
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Errorf("%+v\nbecame\n%+v, %v", h, again, err)
		}
	})
}

func FuzzParseCall(f *testing.F) {
	packed := tape.AppendCall(nil, full)
	f.Add(packed)
	f.Add(packed[:len(packed)/2])
	f.Add([]byte{0x12, 0x01, 'm', 0x52, 0x02, 0x08, 0x09})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := tape.ParseCall(b)
		if err != nil {
			return
		}
		again, err := tape.ParseCall(tape.AppendCall(nil, c))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v\nbecame\n%+v, %v", c, again, err)
		}
	})
}

// get is a call as most are.
var get = &tape.Call{
	Number: 7, Method: "/pay.v1.Pay/Get", Shape: tape.Unary, Pairs: []tape.Pair{{Key: "x-tenant", Value: "acme"}},
	Start: 1e6, Order: 3,
	Events: []tape.Event{
		{Kind: tape.Send, At: 1e6, Order: 4, Message: []byte("12345678")},
		{Kind: tape.CloseSend, Order: 5, At: 1e6},
		{Kind: tape.Header, Order: 7, At: 2e6, Pairs: []tape.Pair{{Key: "x-region", Value: "eu"}}},
		{Kind: tape.Recv, At: 2e6, Order: 8, Message: []byte("12345678")}, {Kind: tape.End, At: 2e6, Order: 9},
	},
}

func BenchmarkParseCall(b *testing.B) {
	packed := tape.AppendCall(nil, get)
	b.ReportMetric(float64(len(packed)), "B")
	for b.Loop() {
		if _, err := tape.ParseCall(packed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckCall(b *testing.B) {
	packed := tape.AppendCall(nil, get)
	for b.Loop() {
		if err := tape.CheckCall(packed); err != nil {
			b.Fatal(err)
		}
	}
}
