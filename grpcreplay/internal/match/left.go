// What a replay leaves over, and what it tells of its course.

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

// A progress is how far the client's events of a call were marked.
type progress struct {
	call  int32
	at    int // the event behind the last that was looked at
	nth   int // how many were the client's
	sends int // how many of those were messages
}

// Marks returns which of the recorded client's events the live one has newly
// done. While it is undecided whose they are, they are marked for the call
// that it presumably is: so when as many live calls came to some point as
// there are recorded ones, all of those are marked. No mark is taken back.
func (t *Talk) Marks() []tape.Ref {
	call := t.call
	if call < 0 {
		if t.gone || t.depth < 2 {
			return nil
		}
		call = t.leading()
	}
	c, p := t.look(call), t.progress(call)
	var refs []tape.Ref
	for ; p.at < len(c.Events); p.at++ {
		kind := c.Events[p.at].Kind
		if !kind.FromClient() {
			continue
		}
		if !t.did(kind, p) {
			break
		}
		if kind == tape.Send {
			p.sends++
		}
		p.nth++
		refs = append(refs, tape.Ref{Call: int(call), Nth: p.nth})
	}
	return refs
}

// progress returns how far a call was marked, for change.
func (t *Talk) progress(call int32) *progress {
	for i := range t.marked {
		if t.marked[i].call == call {
			return &t.marked[i]
		}
	}
	t.marked = append(t.marked, progress{call: call})
	return &t.marked[len(t.marked)-1]
}

// did tells whether the client has done the event behind a progress.
func (t *Talk) did(kind tape.Kind, p *progress) bool {
	switch {
	case t.ended: // what stands behind the end may have been done or not
		return true
	case kind == tape.Cancel:
		return t.cut
	case !t.deck.ix.lenient:
		return p.nth < int(t.depth)-1
	case kind == tape.Send:
		return p.sends < t.sent
	}
	return t.halves > 0
}
