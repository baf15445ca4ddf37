// A side file gives back what was appended, wherever its writer died.

package spool_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// begun is the beginning of a side file without any record.
var begun = spool.MagicSide + "\x01\x00\x00\x00"

// sideFile appends calls, the starts of all first, and returns where each
// record ends.
func sideFile(calls []*tape.Call) (b []byte, ends []int) {
	b = spool.AppendHead(nil, head)
	ends = append(ends, len(begun), len(b))
	for i, c := range calls {
		b = spool.AppendStart(b, uint64(100+i), c)
		ends = append(ends, len(b))
	}
	for i, c := range calls {
		for j := range c.Events {
			b = spool.AppendEvent(b, uint64(100+i), &c.Events[j])
			ends = append(ends, len(b))
		}
	}
	b = spool.AppendSchema(b, []byte("sche"))
	ends = append(ends, len(b))
	b = spool.AppendInitial(b, []byte("initial"))
	ends = append(ends, len(b))
	b = spool.AppendSchema(b, []byte("ma"))
	return b, append(ends, len(b))
}

func TestASideFileGivesBackWhatWasAppended(t *testing.T) {
	for seed := range uint64(200) {
		want := calls(seed, 1+int(seed%20))
		b, _ := sideFile(want)
		for _, c := range want { // whose events come in any order
			c.Settle()
		}
		h, schema, got, torn, err := spool.Load(b, tape.Limits{})
		if err != nil || torn {
			t.Fatalf("seed %d: torn %v, %v", seed, torn, err)
		}
		if !reflect.DeepEqual(h, head) || string(schema) != "schema" {
			t.Errorf("seed %d: its head is %+v, its schema %q", seed, h, schema)
		}
		wantCalls(t, got, want)
	}
}

func TestTheLastInitialStateCounts(t *testing.T) {
	b := spool.AppendHead(nil, head)
	b = spool.AppendInitial(spool.AppendInitial(b, []byte("one")), []byte("two"))
	h, _, _, _, err := spool.Load(b, tape.Limits{})
	if err != nil || string(h.Initial) != "two" {
		t.Errorf("it is %q, %v", h.Initial, err)
	}
}

func TestCallsAndEventsComeInTheirRecordedOrder(t *testing.T) {
	first, second := &tape.Call{Method: "/a/B", Order: 1}, &tape.Call{Method: "/a/C", Order: 3}
	b := spool.AppendStart([]byte(begun), 1, second)
	b = spool.AppendStart(b, 2, first)
	b = spool.AppendEvent(b, 2, &tape.Event{Kind: tape.End, Order: 5})
	b = spool.AppendEvent(b, 2, &tape.Event{Kind: tape.Send, Order: 2})
	_, _, got, _, err := spool.Load(b, tape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	first.Events = []tape.Event{{Kind: tape.Send, Order: 2}, {Kind: tape.End, Order: 5}}
	second.Events = []tape.Event{}
	wantCalls(t, got, []*tape.Call{first, second})

	b = spool.AppendStart(b, 3, &tape.Call{Method: "/a/A"})
	_, _, got, _, err = spool.Load(b, tape.Limits{})
	if err != nil || got[0].Method != "/a/C" || got[2].Method != "/a/A" {
		t.Errorf("with one of unknown order they are %v, %v, want that of the file", got, err)
	}
}

func TestAMessageThatWasLostIsNotInTheCall(t *testing.T) {
	b := spool.AppendStart([]byte(begun), 1, &tape.Call{Method: "/a/B"})
	for _, e := range []tape.Event{{Kind: tape.Send, Message: []byte("m")}, {Kind: tape.End}, {Kind: tape.Lost}} {
		b = spool.AppendEvent(b, 1, &e)
	}
	_, _, got, _, err := spool.Load(b, tape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, got, []*tape.Call{{Method: "/a/B", Events: []tape.Event{{Kind: tape.End}}}})
}

func TestASideFileThatIsCutGivesBackWhatIsBefore(t *testing.T) {
	whole, ends := sideFile(calls(1, 6))
	_, _, all, _, err := spool.Load(whole, tape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		for _, tail := range []string{"", strings.Repeat("\x00", 1), strings.Repeat("\x00", 5000)} {
			_, _, got, torn, err := spool.Load([]byte(string(whole[:n])+tail), tape.Limits{})
			if n < len(begun) && tail != "" {
				continue
			}
			if err != nil {
				t.Fatalf("cut at %d, %d zeros follow: %v", n, len(tail), err)
			}
			if wants := tail != "" || !slices.Contains(ends, n); torn != wants && !zerosComplete(whole[n:], tail) {
				t.Errorf("cut at %d, %d zeros follow: torn is %v", n, len(tail), torn)
			}
			wantBeginning(t, got, all)
		}
	}
}

// zerosComplete tells whether a record that was cut ended in zeros, so that
// the zeros which follow make it whole.
func zerosComplete(cutOff []byte, zeros string) bool {
	return zeros != "" && cutOff[0] == 0
}

// wantBeginning fails the test unless got is the beginning of all, each call
// with the beginning of its events, and what they wait for left out where it
// is not there.
func wantBeginning(t *testing.T, got, all []*tape.Call) {
	t.Helper()
	for i, c := range got {
		want := *all[i]
		if len(c.Events) > len(want.Events) {
			t.Fatalf("call %d has %d events, want at most %d", i, len(c.Events), len(want.Events))
		}
		want.Events = want.Events[:len(c.Events)]
		if !reflect.DeepEqual(c, &want) {
			t.Fatalf("call %d is\n%+v\nwant\n%+v", i, c, &want)
		}
	}
}

func TestAWaitForACallThatWasTornOffIsLeftOut(t *testing.T) {
	b := spool.AppendStart([]byte(begun), 1, &tape.Call{Method: "/a/B"})
	event := len(b)
	b = spool.AppendEvent(b, 1, &tape.Event{Kind: tape.End, After: []tape.Ref{{Call: 0, Nth: 1}, {Call: 1, Nth: 2}}})
	start := len(b)
	b = spool.AppendStart(b, 2, &tape.Call{Method: "/a/C"})
	_, _, got, torn, err := spool.Load(b[:len(b)-1], tape.Limits{})
	if err != nil || !torn || !reflect.DeepEqual(got[0].Events[0].After, []tape.Ref{{Call: 0, Nth: 1}}) {
		t.Errorf("they are %v, torn %v, %v", got, torn, err)
	}
	_, _, _, _, err = spool.Load(b[:start], tape.Limits{})
	wantFault(t, err, event, "call 2, of 1 calls")
}

func TestABitThatFlippedIsSeen(t *testing.T) {
	b, ends := sideFile(calls(2, 4))
	last := ends[len(ends)-2]
	for i := range len(b) * 8 {
		flipped := bytes.Clone(b)
		flipped[i/8] ^= 1 << (i % 8)
		_, _, _, torn, err := spool.Load(flipped, tape.Limits{})
		if i/8 < last && err == nil {
			t.Fatalf("bit %d of byte %d flipped: no error, torn %v", i%8, i/8, torn)
		}
		if i/8 >= last && (err != nil || !torn) {
			t.Fatalf("bit %d of byte %d, in the last record, flipped: torn %v, %v", i%8, i/8, torn, err)
		}
	}
}

func TestAGarbledRecordThatWholeOnesFollowIsAnError(t *testing.T) {
	start := string(spool.AppendStart(nil, 1, &tape.Call{Method: "/a/B"}))
	at := len(begun) + len(start)
	inner := record(5, "this record lies in a message")
	event := string(spool.AppendEvent(nil, 1, &tape.Event{Kind: tape.Send, Message: []byte(inner)}))
	for _, c := range []struct {
		name, garbled, rest string
		fault               bool
	}{
		{"payload", event[:len(event)-1] + "x", record(5, ""), true},
		{"payload, and nothing follows", event[:len(event)-1] + "x", "", false},
		{"payload, and zeros follow", event[:len(event)-1] + "x", strings.Repeat("\x00", 4096), false},
		{"a page of zeros", strings.Repeat("\x00", 4096), record(5, ""), true},
		{"header", "x" + event[1:], record(5, ""), true},
		{"header, and noise follows", "x" + record(5, "")[1:], strings.Repeat("\x01", 999), false},
		{"cut, a record in its message", event[:len(event)-1], "", false},
	} {
		_, _, got, torn, err := spool.Load([]byte(begun+start+c.garbled+c.rest), tape.Limits{})
		if c.fault {
			wantFault(t, err, at, "cut it off here")
		} else if err != nil || !torn || len(got) != 1 || len(got[0].Events) != 0 {
			t.Errorf("%s: %d calls, torn %v, %v", c.name, len(got), torn, err)
		}
	}
}

func TestASideFileOfNonsenseIsRefused(t *testing.T) {
	start := record(2, "\x01"+string(tape.AppendCall(nil, &tape.Call{Method: "/a/B"})))
	withEvent := tape.AppendCall(nil, &tape.Call{Method: "/a/B", Events: []tape.Event{{Kind: tape.End}}})
	event := func(e tape.Event) string { return record(3, "\x01"+string(tape.AppendEvent(nil, &e))) }
	for _, c := range []struct {
		name, before, wrong, want string
	}{
		{"it begins twice", start, start, "id 1 begins twice"},
		{"an event comes first", "", event(tape.Event{Kind: tape.End}), "id 1, which has not begun"},
		{"no id", "", record(2, "\xff"), "without an id"},
		{"an event without id", start, record(3, ""), "of no call"},
		{"a call without method", "", record(2, "\x01"), "no method"},
		{"a call with events", "", record(2, "\x01"+string(withEvent)), "events in it"},
		{"an event of no kind", start, record(3, "\x01"), "kind 0"},
		{"an event after event 0", start, event(tape.Event{Kind: tape.End, After: []tape.Ref{{}}}), "event 0"},
		{"an event after no call", start, event(tape.Event{Kind: tape.End, After: []tape.Ref{{Call: 1, Nth: 1}}}),
			"call 2, of 1 calls"},
		{"a large message", start, event(tape.Event{Kind: tape.Send, Message: []byte("123456789")}), "limit of 8"},
		{"a head of another version", "", record(1, "\x08\x63"), "version 99"},
		{"a head that is none", "", record(1, "\xff"), "garbled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, _, err := spool.Load([]byte(begun+c.before+c.wrong), tape.Limits{Message: 8})
			wantFault(t, err, len(begun+c.before), c.want)
		})
	}
}

func TestWhatIsNoSideFileIsRefused(t *testing.T) {
	for _, c := range []struct {
		b    string
		at   int
		want []string
	}{
		{spool.MagicSide + "\x63\x00\x00\x00", 16, []string{"version 99", "versions 1 to 1"}},
		{spool.MagicSide + "\x00\x00\x00\x00", 16, []string{"version 0"}},
		{spool.MagicWhole + "\x01\x00\x00\x00", 0, []string{"no side file"}},
		{"something else", 0, []string{"no side file"}},
		{begun + record(5, strings.Repeat("x", 100)), 0, []string{"limit of 99"}},
	} {
		_, _, _, _, err := spool.Load([]byte(c.b), tape.Limits{File: 99})
		wantFault(t, err, c.at, c.want...)
	}
}

func TestRecordsOfALaterVersionArePassedOver(t *testing.T) {
	b := spool.AppendInitial([]byte(begun+record(200, "later")), []byte("i"))
	h, _, _, torn, err := spool.Load(b, tape.Limits{})
	if err != nil || torn || string(h.Initial) != "i" {
		t.Errorf("%+v, torn %v, %v", h, torn, err)
	}
}

// Many headers that claim all of the rest, in a file without a whole record,
// do not make loading quadratic: a budget ends it. That the file is then said
// to be garbled rather than torn shows that the budget ended it.
func TestManyClaimsOfMuchAreNotAllLookedInto(t *testing.T) {
	const n = 1000
	b := []byte(begun + "x")
	for i := range n {
		word := binary.LittleEndian.AppendUint64(nil, uint64(16*(n-1-i))<<8|5)
		b = append(b, binary.LittleEndian.AppendUint32(word, castagnoli(string(word)))...)
		b = append(b, "none"...)
	}
	_, _, _, _, err := spool.Load(b, tape.Limits{})
	wantFault(t, err, len(begun), "garbled")
}

func TestAppendingTakesNoMemoryOfItsOwn(t *testing.T) {
	c := calls(3, 1)[0]
	e := &tape.Event{Kind: tape.End, At: 5, Order: 7, Pairs: []tape.Pair{{Key: "a", Value: "b"}},
		Message: make([]byte, 99), After: []tape.Ref{{Call: 1, Nth: 1}},
		Status: tape.Status{Code: 5, Details: []tape.Any{{Type: "t"}}}}
	b := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { spool.AppendEvent(spool.AppendStart(b, 9, c), 9, e) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

func FuzzLoad(f *testing.F) {
	b, ends := sideFile(calls(1, 3))
	f.Add(b)
	f.Add(b[:ends[4]+7])
	f.Add([]byte(begun + record(2, "\x01\x12\x01m") + record(3, "\x01\x08\x01")))
	f.Add([]byte(begun + record(3, "\x01") + strings.Repeat("\x00", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, schema, calls, _, err := spool.Load(b, tape.Limits{})
		if err != nil {
			return
		}
		again := spool.AppendSchema(spool.AppendHead(nil, h), schema)
		for i, c := range calls {
			again = spool.AppendStart(again, uint64(i), c)
			for j := range c.Events {
				again = spool.AppendEvent(again, uint64(i), &c.Events[j])
			}
		}
		_, schema2, calls2, torn, err := spool.Load(again, tape.Limits{})
		if err != nil || torn || string(schema2) != string(schema) || len(calls2) != len(calls) {
			t.Fatalf("appended again: %d calls, want %d, torn %v, %v", len(calls2), len(calls), torn, err)
		}
		for i := range calls {
			if !bytes.Equal(tape.AppendCall(nil, calls[i]), tape.AppendCall(nil, calls2[i])) {
				t.Errorf("call %d was\n%+v\nand is\n%+v", i, calls[i], calls2[i])
			}
		}
	})
}
