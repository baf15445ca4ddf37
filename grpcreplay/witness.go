// Parties of whose calls somebody is told.

package grpcreplay

import "github.com/rehearse-go/rehearse/grpcreplay/internal/tape"

// A witness is told what happens in a call: the ledger's entry of it, or the
// journal's tale.
type witness interface{ add(e tape.Event) }

// A witnessed is a party of whose call a witness is told: of the client's
// events before they are handed on, of the server's when they have come.
type witnessed struct {
	party
	by witness
}

func (w *witnessed) send(b []byte) bool {
	w.by.add(tape.Event{Kind: tape.Send, Message: b})
	return w.party.send(b)
}

func (w *witnessed) closeSend() {
	w.by.add(tape.Event{Kind: tape.CloseSend})
	w.party.closeSend()
}

func (w *witnessed) next() tape.Event {
	e := w.party.next()
	w.by.add(e)
	return e
}

func (w *witnessed) real() bool { return isReal(w.party) }

func (w *witnessed) refused() *tape.Event {
	r, ok := w.party.(refuser)
	if !ok {
		return nil
	}
	e := r.refused()
	if e != nil {
		w.by.add(*e)
	}
	return e
}
