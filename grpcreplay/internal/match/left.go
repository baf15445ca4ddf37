// What a replay leaves over.

package match

import (
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Left is a call that a replay did not use, or not wholly.
type Left struct {
	Call      int  // its place on the tape
	Used      bool // a live call had it, but not to its end
	Delivered int  // how many of the server's events were delivered,
	Of        int  // of how many
	Seen      int  // how many messages and half-closes of the client came,
	Sent      int  // of how many
}

func (l Left) whole() bool { return l.Delivered >= l.Of && l.Seen >= l.Sent }

// Left returns what is left over, in recorded order. A call that its client
// ended, live as recorded, is not left over, whatever was still under way.
func (d *Deck) Left() []Left {
	left := slices.Clone(d.parts)
	for t := d.bound.first; t != nil; t = t.after {
		if l := t.left(); !l.whole() {
			left = append(left, l)
		}
	}
	w := d.walk(0)
	for call, _ := w.next(); call >= 0; call, _ = w.next() {
		left = append(left, Left{Call: int(call)})
	}
	slices.SortFunc(left, func(a, b Left) int { return a.Call - b.Call })
	return left
}

// left returns how far a decided call has come. A half-close on whose heels
// its client ended the call does not count: on the wire it may be lost.
func (t *Talk) left() Left {
	l := Left{Call: int(t.call), Used: true, Delivered: t.taken}
	for i := range t.recorded.Events {
		kind := t.recorded.Events[i].Kind
		if kind == tape.Cancel {
			if i > 0 && t.recorded.Events[i-1].Kind == tape.CloseSend {
				l.Sent--
			}
			break
		}
		if kind.FromClient() {
			l.Sent++
			continue
		}
		l.Of++
		if kind == tape.End {
			break
		}
	}
	if t.deck.ix.lenient {
		l.Sent = t.sent
	}
	l.Seen = min(int(t.depth)-1, l.Sent)
	return l
}
