// No tape and no live call, however odd, makes matching fail.

package match_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// FuzzTalks makes a tape of bytes: calls, each behind a byte that says how
// long it is, as they are. Each byte of the program does something to one of
// eight live calls.
func FuzzTalks(f *testing.F) {
	var packed []byte
	for _, line := range []string{
		"<h >a <1 >b > <2 !0", "k=1 >a <1 ~ !1", "unary >a <1 !0 >a", "!0 !1 > > >a", "~ ~ >b",
	} {
		b := tape.AppendCall(nil, call(line))
		packed = append(append(packed, byte(len(b))), b...)
	}
	f.Add(packed, []byte("\x00\x01\x40\x41\x80\x81\xc0\xc1\x48\x49\x50\x90\xa8\xb0\xb8\x00\x02\x03\x08"), false)
	f.Add(packed, []byte("\x40\x80\x48\x80\xa8\x41\x81\xa9\xb0\xb1\xb8\xb9"), true)
	f.Fuzz(func(t *testing.T, b, program []byte, lenient bool) {
		tp := &tape.Tape{Head: tape.Head{Lenient: lenient}}
		for len(b) > 1 && len(b) > int(b[0]) {
			n := 1 + int(b[0])
			tp.AddPacked(b[1:n]) // what is no call is left out
			b = b[n:]
		}
		o := match.Options{Metadata: []string{"k"}, Canon: caseless}
		p := fuzzed{deck: match.New(tp, o).Deck(), calls: tp.Len(), answered: map[int]*match.Talk{}}
		for _, op := range program {
			p.do(t, op)
		}
		used := map[int]bool{}
		for _, l := range p.deck.Left() {
			if l.Call < 0 || l.Call >= p.calls || used[l.Call] {
				t.Errorf("%+v is left, of %d calls", l, p.calls)
			}
			used[l.Call] = true
		}
	})
}

type fuzzed struct {
	deck     *match.Deck
	calls    int
	talks    [8]*match.Talk
	answered map[int]*match.Talk
}

func (p *fuzzed) do(t *testing.T, op byte) {
	talk := &p.talks[op%8]
	if *talk == nil || op>>3 == 0 {
		*talk = p.deck.Open("/s/M", []tape.Pair{{Key: "k", Value: "1"}}[:op>>3&1])
		return
	}
	switch op >> 3 % 8 {
	case 0:
		(*talk).Send([]byte("a"))
	case 1:
		(*talk).Send([]byte("B"))
	case 2:
		(*talk).CloseSend()
	case 3:
		(*talk).End()
	case 4:
		for _, ref := range (*talk).Marks() {
			if ref.Call < 0 || ref.Call >= p.calls || ref.Nth < 1 {
				t.Errorf("%v is marked, of %d calls", ref, p.calls)
			}
		}
	case 5:
		p.deck.Nearest("/s/M", nil, [][]byte{[]byte("a"), nil}, true)
		p.deck.Nearest("/s/N", nil, nil, false)
	default:
		p.take(t, *talk, op>>3%8 == 7)
	}
}

// take takes an event; no call answers two.
func (p *fuzzed) take(t *testing.T, talk *match.Talk, rested bool) {
	turn := talk.Next(rested)
	if turn.State != match.Ready {
		return
	}
	if turn.Event == nil || turn.Event.Kind.FromClient() {
		t.Fatalf("%+v is to be delivered", turn.Event)
	}
	talk.Take()
	talk.Over()
	if call, decided := talk.Call(); decided {
		if other := p.answered[call]; other != nil && other != talk {
			t.Errorf("call %d answers twice", call)
		}
		p.answered[call] = talk
	}
}
