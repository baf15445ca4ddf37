// What the journal gets of calls that no recording answers.

package grpcreplay

import (
	"fmt"
	"sync"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/journal"
)

// A tale tells the journal of one call, without its secrets. Nil tells
// nothing.
type tale struct {
	method string
	veil   secrets

	mu    sync.Mutex
	story story
}

// veiled returns the rules by which the journal is told: those of the
// recording that is made or replayed.
func (s *Service) veiled() (secrets, error) {
	head := tape.Head{}
	switch {
	case s.recorder != nil:
		head = s.recorder.head
	case s.recording != nil:
		head = s.recording.tape.Head
	default:
		rules := s.config.Redact.rules()
		head.Redact = rules.Lines(saltOf(s.config.File))
	}
	veil, err := newSecrets(head, s.book.set())
	if err != nil {
		return veil, fmt.Errorf("grpcreplay: Config.Redact: %w", err)
	}
	return veil, nil
}

// tale begins to tell of a call.
func (s *Service) tale(method string, pairs []tape.Pair) *tale {
	if s.note == nil {
		return nil
	}
	return &tale{method: method, veil: s.veil, story: s.note.begin(method, s.veil.pairs(pairs))}
}

// add tells what happened.
func (t *tale) add(e tape.Event) {
	if t == nil || e.Kind == tape.Lost {
		return
	}
	e = t.veil.event(t.method, e)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.story.event(-1, &e)
}

// rule tells what a rule decided.
func (t *tale) rule(a Answer) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.story.put(journal.Event{Kind: "grpc.rule", Where: serverEnd, Peer: clientEnd,
		Notes: []journal.Note{{Key: "answer", Value: a.String()}}})
}
