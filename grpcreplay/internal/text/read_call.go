// Reading a call.

package text

import (
	"fmt"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A closing is what a call's lines say of its half-close.
type closing uint8

const (
	unsaid closing = iota // what goes without saying holds
	said                  // it stands there, or it is said that there is none
)

// readCall reads a call: its line, the request's metadata, the events.
func (r *reader) readCall(c *cursor) error {
	n := r.cur.n
	call := &tape.Call{Comments: r.pending, Events: r.events[:0]}
	r.pending, r.call, r.close, r.flight = nil, call, unsaid, false
	if err := r.readCallLine(c); err != nil {
		return r.wrap(n, err)
	}
	for r.advance(); r.inner() && newCursor(r.cur.text).arrow() == 0; r.advance() {
		p, err := newCursor(r.cur.text).pairLine()
		if err != nil {
			return err
		}
		call.Pairs = append(call.Pairs, p)
	}
	for r.inner() {
		if err := r.readEvent(); err != nil {
			return err
		}
	}
	if !r.flight && call.Ended() == nil {
		return &tape.FormatError{Line: n, Msg: fmt.Sprintf("call %d does not end: its last line is a status, "+
			"such as %q, or %q", call.Number, server+" OK", server+" "+wordInFlight)}
	}
	r.impliedClose()
	if err := r.setTimes(call); err != nil {
		return err
	}
	call.Pairs = sorted(call.Pairs)
	r.clients = append(r.clients, clientEvents(call))
	r.tape.Add(call)
	clear(call.Events)
	r.call, r.events = nil, call.Events
	return nil
}

// readCallLine reads number, method and what else stands there.
func (r *reader) readCallLine(c *cursor) (err error) {
	if r.call.Number, err = c.number(); err != nil {
		return fmt.Errorf("call %w: give it one that no other call has", err)
	}
	slash := "/"
	if c.begins(slash) || c.begins(`"`) {
		slash = ""
	}
	if r.call.Method, err = c.word(); err != nil {
		return err
	}
	if r.call.Method == "" {
		return fmt.Errorf("call %d has no method: write pkg.Service/Method behind the number", r.call.Number)
	}
	r.call.Method = slash + r.call.Method
	shaped := false
	for !c.atEnd() {
		if s, ok := shapeOf(c.peek()); ok && !shaped {
			r.call.Shape, shaped = s, true
			c.skip(len(c.peek()))
			continue
		}
		if err := r.readOption(c); err != nil {
			return err
		}
	}
	if md := r.types.Method(r.call.Method); !shaped && md != nil {
		r.call.Shape = tape.ShapeOf(md.IsStreamingClient(), md.IsStreamingServer())
	}
	return nil
}

func shapeOf(word string) (tape.Shape, bool) {
	for s := tape.Unknown; s <= tape.Bidi; s++ {
		if shapeName(s) == word {
			return s, true
		}
	}
	return 0, false
}

// readOption reads key=value in the line of a call.
func (r *reader) readOption(c *cursor) error {
	word := c.peek()
	p, err := c.pair()
	if err != nil {
		return fmt.Errorf("%q is not known in the line of a call%s", word, nearest(word,
			"unary", "client-stream", "server-stream", "bidi", unknownShape))
	}
	switch p.Key {
	case "deadline":
		if r.call.Timeout, err = time.ParseDuration(p.Value); err != nil || r.call.Timeout <= 0 {
			return fmt.Errorf("%q is no deadline: write it like 5s or 1.5ms", p.Value)
		}
	case "authority":
		r.call.Authority = p.Value
	case "codec":
		r.call.Codec = p.Value
	default:
		return fmt.Errorf("%q is not known in the line of a call%s; metadata stands in the lines below, as key: value",
			p.Key, nearest(p.Key, "deadline", "authority", "codec"))
	}
	return nil
}

// impliedClose adds the half-close that goes without saying.
func (r *reader) impliedClose() {
	if r.close == said || !r.call.Shape.OneRequest() {
		return
	}
	isSend := func(e tape.Event) bool { return e.Kind == tape.Send }
	if i := slices.IndexFunc(r.call.Events, isSend); i >= 0 {
		r.call.Events = slices.Insert(r.call.Events, i+1, tape.Event{Kind: tape.CloseSend})
	}
}
