// A recording as a journal: what the viewers read.

package grpcreplay

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/journal"
)

// Events yields the recording as the events of a journal, in the order in
// which they happened as far as that is known. The body of a message is its
// JSON where its type is known; its size is always that on the wire.
func (r *Recording) Events() iter.Seq[journal.Event] {
	return func(yield func(journal.Event) bool) {
		t := telling{schema: r.schema}
		for place, c := range r.tape.Calls() {
			t.call(place, c)
		}
		t.order()
		for _, e := range t.events() {
			if !yield(e) {
				return
			}
		}
	}
}

// A telling gathers events to be told in order.
type telling struct {
	schema *schema.Set
	told   []told
}

// A told is an event with its place in time, and what it comes after.
type told struct {
	event journal.Event
	at    time.Duration
	ref   tape.Ref   // of a client's event
	after []tape.Ref // of a server's
	call  int
}

// call adds a call's events.
func (t *telling) call(place int, c *tape.Call) {
	subject := fmt.Sprintf("call %d %s", c.Number, strings.TrimPrefix(c.Method, "/"))
	begin := journal.Event{
		Kind: "grpc.call", Where: clientEnd, Peer: serverEnd, Subject: subject, Notes: notesOf(c.Pairs),
	}
	if c.Timeout > 0 {
		begin.Notes = append(begin.Notes, journal.Note{Key: "deadline", Value: c.Timeout.String()})
	}
	t.told = append(t.told, told{event: begin, at: c.Start, call: place})
	nth := 0
	last := c.Start
	for i := range c.Events {
		e := &c.Events[i]
		j := eventOf(e)
		t.show(&j, c, e)
		j.Subject = subject
		last = max(last, e.At)
		x := told{event: j, at: last, after: e.After, call: place}
		if e.Kind.FromClient() {
			nth++
			x.ref = tape.Ref{Call: place, Nth: nth}
		}
		t.told = append(t.told, x)
	}
}

// show makes what types tell of an event part of it: a message as JSON, and
// the details of a status.
func (t *telling) show(j *journal.Event, c *tape.Call, e *tape.Event) {
	md := t.schema.Output(c.Method)
	switch e.Kind {
	case tape.Send:
		md = t.schema.Input(c.Method)
	case tape.Recv:
	default:
		for _, d := range e.Status.Details {
			name := d.Type[strings.LastIndexByte(d.Type, '/')+1:]
			text := showMessage(t.schema, t.schema.Message(name), d.Value)
			j.Notes = append(j.Notes, journal.Note{Key: "detail", Value: name + " " + text})
		}
		return
	}
	if md == nil || c.Codec != "" && c.Codec != "proto" {
		return
	}
	if json, _, err := t.schema.JSON(md, e.Message); err == nil {
		j.Body = json
	}
}

// order sorts by time; what times do not tell stays as it was recorded.
func (t *telling) order() {
	slices.SortStableFunc(t.told, func(a, b told) int { return int(min(1, max(-1, a.at-b.at))) })
}

// events returns the events, numbered, each with its cause: the event before
// it in its call, or the last thing that it waited for.
func (t *telling) events() []journal.Event {
	events := make([]journal.Event, len(t.told))
	last := make(map[int]int)
	seq := make(map[tape.Ref]int)
	for i := range t.told {
		x := &t.told[i]
		e := x.event
		e.Seq, e.At, e.Cause = i+1, x.at, last[x.call]
		for _, r := range x.after {
			e.Cause = max(e.Cause, seq[r])
		}
		last[x.call] = e.Seq
		if x.ref.Nth > 0 {
			seq[x.ref] = e.Seq
		}
		events[i] = e
	}
	return events
}
