// A call survives packing, and no bytes make unpacking fail other than by an error.

package tape_test

import (
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
		{Kind: tape.Recv, Order: 8, Message: []byte("m"), After: []tape.Ref{{Call: 0, Nth: 2}, {Call: 9, Nth: 1}}},
		{Kind: tape.End, Order: 9, Pairs: []tape.Pair{{Key: "t", Value: "1"}}, Status: tape.Status{
			Code: 5, Message: "gone", Plain: true, Details: []tape.Any{{Type: "t/a.B", Value: []byte("v")}},
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

func BenchmarkParseCall(b *testing.B) {
	packed := tape.AppendCall(nil, &tape.Call{
		Number: 7, Method: "/pay.v1.Pay/Get", Shape: tape.Unary,
		Events: []tape.Event{
			{Kind: tape.Send, At: 1e6, Order: 4, Message: []byte("0123456789")},
			{Kind: tape.CloseSend, Order: 5, At: 1e6},
			{Kind: tape.Recv, At: 2e6, Order: 8, Message: []byte("0123456789")}, {Kind: tape.End, At: 2e6, Order: 9},
		},
	})
	b.ReportMetric(float64(len(packed)), "B")
	for b.Loop() {
		if _, err := tape.ParseCall(packed); err != nil {
			b.Fatal(err)
		}
	}
}
