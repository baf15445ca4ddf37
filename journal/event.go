// One event: what happened, where, with whom, and why.

package journal

import (
	"bytes"
	"slices"
	"time"
)

// A Kind names what happened, in two words joined by a dot: "net.send",
// "fault.part". The set is open: each room adds its own and documents them.
type Kind string

// A Note is one named detail of an event. Notes keep their order.
type Note struct {
	Key, Value string
}

// An Event is one thing that happened. The zero value of every field means
// that there is nothing to say.
type Event struct {
	Seq     int           // position, from 1; Append sets it
	Step    int           // the network's step, 0 before the first
	At      time.Duration // since the journal began; Append sets it when zero
	Kind    Kind
	Where   string // the host where it happened
	Peer    string // the host at the other end
	Subject string // connection, partition, method, ...
	Cause   int    // Seq of the event that led to this one; 0 for none
	Size    int    // bytes of payload; Append sets it from Body when zero
	Body    []byte // the payload; nil when it was never kept or was let go
	Notes   []Note
}

// Shape returns the event without time and payload: who, whom, what and how
// much. Two runs whose shapes are equal did the same things in the same order.
func (e Event) Shape() Event {
	e.At, e.Body = 0, nil
	return e
}

// Equal reports whether e and o are the same in every field. A payload that
// was kept and is empty differs from one that is not there.
func (e Event) Equal(o Event) bool {
	return e.Seq == o.Seq && e.Cause == o.Cause && e.Step == o.Step && e.At == o.At &&
		e.resembles(o) &&
		(e.Body == nil) == (o.Body == nil) && bytes.Equal(e.Body, o.Body)
}

// resembles reports whether e and o tell the same thing, whatever their
// numbers, time and payload.
func (e Event) resembles(o Event) bool {
	return e.Kind == o.Kind && e.Where == o.Where && e.Peer == o.Peer &&
		e.Subject == o.Subject && e.Size == o.Size && slices.Equal(e.Notes, o.Notes)
}

// Note returns the value of the first note named key, or "".
func (e Event) Note(key string) string {
	for _, n := range e.Notes {
		if n.Key == key {
			return n.Value
		}
	}
	return ""
}
