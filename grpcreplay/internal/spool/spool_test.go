// What the tests of both forms share: tapes to write, and records and bodies made by hand.

package spool_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

var head = tape.Head{
	Version: tape.Version, Initial: []byte("initial"), Source: "rpcreplay", Lenient: true,
	Metadata: []string{"x-tenant"}, Ignore: []string{"pay.v1.Req.request_id"},
	Redact: []string{"header authorization"}, Comments: []string{" a comment"},
}

// calls returns n calls that the seed chooses, whose orders are the places
// in which they are, events following their call.
func calls(seed uint64, n int) (calls []*tape.Call) {
	r := rand.New(rand.NewPCG(seed, 0))
	order := 0
	next := func() int { order++; return order }
	for i := range n {
		c := &tape.Call{
			Number: i + 1, Method: fmt.Sprintf("/pay.v1.Pay/M%d", r.IntN(3)), Shape: tape.Shape(r.IntN(5)),
			Pairs: pairs(r), Timeout: time.Duration(r.Int64N(3)), Start: time.Duration(i), Order: next(),
			Events: []tape.Event{}, Authority: strings.Repeat("a", r.IntN(2)), Codec: strings.Repeat("j", r.IntN(2)),
		}
		for range r.IntN(6) {
			c.Events = append(c.Events, event(r, i, next()))
		}
		calls = append(calls, c)
	}
	return calls
}

func event(r *rand.Rand, call, order int) tape.Event {
	e := tape.Event{Kind: tape.Kind(1 + r.IntN(6)), At: time.Duration(r.Int64N(1e6)), Order: order, Pairs: pairs(r)}
	if size := []int{0, 1, 20, 200}[r.IntN(4)]; size > 0 {
		e.Message = []byte(strings.Repeat(string(rune('a'+r.IntN(26))), size))
	}
	if e.Kind == tape.End {
		details := []tape.Any{{Type: "t", Value: []byte("v")}}
		e.Status = tape.Status{Code: r.Uint32N(17), Message: "why", Details: details}
	}
	for range r.IntN(3) {
		e.After = append(e.After, tape.Ref{Call: r.IntN(call + 1), Nth: 1 + r.IntN(3)})
	}
	return e
}

func pairs(r *rand.Rand) (pairs []tape.Pair) {
	for range r.IntN(3) {
		pairs = append(pairs, tape.Pair{Key: "k-bin", Value: string([]byte{byte(r.IntN(256)), 0xff})})
	}
	return pairs
}

func tapeOf(calls []*tape.Call) *tape.Tape {
	t := &tape.Tape{Head: head, Schema: []byte("schema")}
	for _, c := range calls {
		t.Add(c)
	}
	return t
}

// record is a record of a side file, made as docs/recording.md says.
func record(kind byte, payload string) string {
	word := binary.LittleEndian.AppendUint64(nil, uint64(len(payload))<<8|uint64(kind))
	b := binary.LittleEndian.AppendUint32(word, castagnoli(string(word)))
	return string(binary.LittleEndian.AppendUint32(b, castagnoli(payload))) + payload
}

func castagnoli(s string) uint32 { return crc32.Checksum([]byte(s), crc32.MakeTable(crc32.Castagnoli)) }

// wantFault fails the test unless err is a FormatError at offset that says
// all of what.
func wantFault(t *testing.T, err error, offset int, what ...string) {
	t.Helper()
	var fault *tape.FormatError
	if !errors.As(err, &fault) || fault.Offset != int64(offset) {
		t.Errorf("the error is %v, want one at byte %d", err, offset)
		return
	}
	for _, w := range what {
		if !strings.Contains(fault.Msg, w) {
			t.Errorf("the error is %v, want it to say %q", err, w)
		}
	}
}

// wantCalls fails the test unless got is want.
func wantCalls(t *testing.T, got, want []*tape.Call) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got) || i >= len(want):
			t.Fatalf("there are %d calls, want %d", len(got), len(want))
		case !reflect.DeepEqual(got[i], want[i]):
			t.Fatalf("call %d is\n%+v\nwant\n%+v", i, got[i], want[i])
		}
	}
}

func TestAFormIsToldByItsFirstBytes(t *testing.T) {
	for _, c := range []struct {
		begins string
		form   spool.Form
		is     bool
	}{
		{spool.MagicSide, spool.Side, true},
		{spool.MagicWhole + "more", spool.Whole, true},
		{spool.MagicSide[:15], 0, false},
		{strings.Replace(spool.MagicWhole, "\r\n", "\n", 1) + "more", 0, false},
		{"rehearse grpc recording 1\n", 0, false},
		{"", 0, false},
	} {
		if form, is := spool.Sniff([]byte(c.begins)); form != c.form || is != c.is {
			t.Errorf("%q is %v, %v, want %v, %v", c.begins, form, is, c.form, c.is)
		}
	}
}
