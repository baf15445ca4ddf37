// What the journal and the log get of calls.

package grpcreplay

import (
	"fmt"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/journal"
)

// The ends of a call in a journal.
const (
	clientEnd = "client"
	serverEnd = "server"
)

// notes write what happens into a journal and to a log; nil into neither.
type notes struct {
	journal *journal.Journal
	log     func(format string, args ...any)

	number func(place int) int // of a recorded call, as people call it

	mu    sync.Mutex
	calls int
}

// newNotes returns notes for a Config; nil if nobody reads them.
func newNotes(c Config) *notes {
	if c.Journal == nil && c.Log == nil {
		return nil
	}
	return &notes{journal: c.Journal, log: c.Log}
}

// A story is one call in the notes. Its zero value notes nothing.
type story struct {
	notes   *notes
	subject string
	last    int // the journal's number of its latest event
	known   bool
}

// begin notes that a call begins.
func (n *notes) begin(method string, pairs []tape.Pair) story {
	if n == nil {
		return story{}
	}
	n.mu.Lock()
	n.calls++
	s := story{notes: n, subject: fmt.Sprintf("%s#%d", strings.TrimPrefix(method, "/"), n.calls)}
	n.mu.Unlock()
	s.put(journal.Event{Kind: "grpc.call", Where: clientEnd, Peer: serverEnd, Notes: notesOf(pairs)})
	return s
}

// client notes what the client did.
func (s *story) client(k tape.Kind, b []byte) {
	if s.notes != nil {
		s.put(eventOf(&tape.Event{Kind: k, Message: b}))
	}
}

// event notes what either end did; by which recorded call, if call is not
// negative.
func (s *story) event(call int, e *tape.Event) {
	if s.notes == nil {
		return
	}
	if !s.known && call >= 0 {
		s.known = true
		s.logf("%s is answered by recorded call %d", s.subject, s.notes.number(call))
	}
	s.put(eventOf(e))
}

// miss notes that nothing fits.
func (s *story) miss(err *MismatchError) {
	if s.notes != nil {
		s.logf("%v", err)
		s.put(journal.Event{Kind: "grpc.miss", Where: clientEnd, Peer: serverEnd,
			Notes: []journal.Note{{Key: "why", Value: err.Error()}}})
	}
}

// stall notes that an answer came without its causes.
func (s *story) stall(err *StallError) {
	if s.notes != nil {
		s.logf("%v", err)
		s.put(journal.Event{Kind: "grpc.stall", Where: serverEnd, Peer: clientEnd,
			Notes: []journal.Note{{Key: "waited", Value: strings.Join(err.Waiting, ", ")}}})
	}
}

func (s *story) put(e journal.Event) {
	if s.notes.journal == nil {
		return
	}
	e.Subject, e.Cause = s.subject, s.last
	s.last = s.notes.journal.Append(e)
}

func (s *story) logf(format string, args ...any) {
	if s.notes.log != nil {
		s.notes.log(format, args...)
	}
}

// kindOf returns the kind of a journal's event for a recorded one.
func kindOf(k tape.Kind) journal.Kind { return journal.Kind("grpc." + k.String()) }

// eventOf returns a recorded event as a journal's.
func eventOf(e *tape.Event) journal.Event {
	j := journal.Event{Kind: kindOf(e.Kind), Where: serverEnd, Peer: clientEnd, Size: len(e.Message)}
	if e.Kind.FromClient() {
		j.Where, j.Peer = j.Peer, j.Where
	}
	if e.Kind == tape.Send || e.Kind == tape.Recv {
		j.Body = e.Message
		if j.Body == nil {
			j.Body = []byte{}
		}
	}
	if e.Kind == tape.End {
		j.Notes = append(j.Notes, journal.Note{Key: "code", Value: codes.Code(e.Status.Code).String()})
		if e.Status.Message != "" {
			j.Notes = append(j.Notes, journal.Note{Key: "message", Value: e.Status.Message})
		}
	}
	j.Notes = append(j.Notes, notesOf(e.Pairs)...)
	return j
}

// notesOf returns metadata as notes.
func notesOf(pairs []tape.Pair) []journal.Note {
	var notes []journal.Note
	for _, p := range pairs {
		notes = append(notes, journal.Note{Key: p.Key, Value: p.Value})
	}
	return notes
}
