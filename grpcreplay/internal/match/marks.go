// What a replay tells of its course.

package match

import "github.com/rehearse-go/rehearse/grpcreplay/internal/tape"

// A progress is how far the client's events of a call were marked.
type progress struct {
	call  int32
	at    int // the event behind the last that was looked at
	nth   int // how many were the client's
	sends int // how many of those were messages
}

// Marks returns which of the recorded client's events the live one has newly
// done. While it is undecided whose they are, they are marked for the call
// that it presumably is, in such a way that when as many live calls came to
// some point as there are recorded ones, all of those are marked. No mark is
// taken back.
func (t *Talk) Marks() []tape.Ref {
	call := t.call
	if call < 0 {
		if t.gone || t.depth < 2 {
			return nil
		}
		call = t.leading()
	}
	before := t.deck.told[call]
	refs := t.mark(call)
	if t.call < 0 && t.deck.told[call] == before {
		refs = append(refs, t.makeUp()...)
	}
	return refs
}

// makeUp marks calls until as many free ones under the talk's node are marked
// as far as it has come as undecided talks came so far: what it was presumed to
// be may have been marked for another one, which then came to be a third.
func (t *Talk) makeUp() (refs []tape.Ref) {
	d, short := t.deck, 0
	for other := d.open.first; other != nil; other = other.after {
		if other.depth >= t.depth && d.ix.within(other.node, t.node) {
			short++
		}
	}
	w := d.walk(t.node)
	for call, _ := w.next(); call >= 0 && short > 0; call, _ = w.next() {
		if d.told[call] >= t.depth-1 {
			short--
		}
	}
	w = d.walk(t.node)
	for call, _ := w.next(); call >= 0 && short > 0; call, _ = w.next() {
		if d.told[call] < t.depth-1 {
			refs = append(refs, t.mark(call)...)
			short--
		}
	}
	return refs
}

// mark returns what is newly done of a call.
func (t *Talk) mark(call int32) (refs []tape.Ref) {
	c, p := t.look(call), t.progress(call)
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
	t.deck.told[call] = max(t.deck.told[call], int32(p.nth))
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
