// Answers that rules give, and faults that they make.

package grpcreplay

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/rule"
)

// An Answer is what a rule decides of a call. The zero Answer is OK, without
// a message.
type Answer struct {
	// Pass leaves the answer to the recording or the real service; Delay and
	// CutAfter apply to it, and Status where it is cut. If false, it is given here.
	Pass bool

	// Header, Messages and Trailer are what the server sends. Raw are messages as
	// wire bytes, sent after Messages. If nil, none is sent.
	Header   metadata.MD
	Messages []proto.Message
	Raw      [][]byte
	Trailer  metadata.MD

	// Status is how the call ends, with its details. If nil, OK, or Unavailable
	// where the call is cut.
	Status *status.Status

	// Delay passes before anything is sent. If 0, none.
	Delay time.Duration

	// CutAfter ends the call with Status after so many messages of the server.
	// If 0, it goes to its end.
	CutAfter int
}

// Answering returns an Answer of these messages.
func Answering(messages ...proto.Message) Answer { return Answer{Messages: messages} }

// Failing returns an Answer of a status, such as status.New gives.
func Failing(s *status.Status) Answer { return Answer{Status: s} }

// Method is true of calls whose method matches a pattern, as path.Match
// has it: "/pay.v1.Pay/*".
func Method(pattern string) rule.When[*Call] {
	if _, err := path.Match(pattern, ""); err != nil {
		panic("grpcreplay: Method: " + pattern + ": " + err.Error())
	}
	return func(c *Call) bool {
		ok, _ := path.Match(pattern, c.Method)
		return ok
	}
}

// Having is true of calls whose first request, as JSON, holds a text.
func Having(text string) rule.When[*Call] {
	return func(c *Call) bool { return strings.Contains(c.RequestJSON(0), text) }
}

// silence is how long a rule waits for a call's first message: a service
// that speaks first waits so long to do so, if there are rules.
const silence = 20 * time.Millisecond

// A scripted is a party that asks the rules once, when the client's first
// message or half-close has come or nothing of the kind does, and then answers
// as they say or leaves the call to another party.
type scripted struct {
	ctx    context.Context
	call   *Call
	decide func(*Call) (Answer, bool)
	pass   func() party
	tell   func() *tale // of the answer that a rule gives or changes
	excuse func(*Call)  // a recorded call like this one may be left over

	acted chan struct{} // closed when the client's first act is handed on, or not waited for
	first sync.Once     // closes acted
	lock  turnstile
	inner party // who answers, once that is known
}

func (x *scripted) send(b []byte) bool {
	p := x.asked(func(c *Call) { c.Requests = append(c.Requests, b) })
	sent := p.send(b)
	if m := x.call.schema.Method(x.call.Method); m == nil || m.IsStreamingClient() { // else the half-close is next
		x.acts()
	}
	return sent
}

func (x *scripted) closeSend() {
	x.asked(func(c *Call) { c.Closed = true }).closeSend()
	x.acts()
}

// acts lets next go on: what the client did first is handed on.
func (x *scripted) acts() { x.first.Do(func() { close(x.acted) }) }

// asked returns who answers, asking the rules if nobody has, with what the
// client did added to the call. The lock is not held while the answering party
// acts: the real one may take a message only when answers are taken from it.
func (x *scripted) asked(did func(*Call)) party {
	x.lock.enter()
	defer x.lock.leave()
	if x.inner == nil {
		did(x.call)
		x.ask()
	}
	return x.inner
}

func (x *scripted) next() tape.Event {
	select {
	case <-x.acted:
	default:
		x.listen()
	}
	return x.asked(func(*Call) {}).next()
}

// listen waits for what the client does first, for a while.
func (x *scripted) listen() {
	t := time.NewTimer(silence)
	defer t.Stop()
	select {
	case <-x.acted:
	case <-x.ctx.Done():
	case <-t.C:
	}
	x.acts()
}

func (x *scripted) abandon() {
	x.lock.enter()
	inner := x.inner
	x.lock.leave()
	if inner != nil {
		inner.abandon()
	}
}

// real tells whether the real service answers in the end.
func (x *scripted) real() bool {
	x.lock.enter()
	defer x.lock.leave()
	return x.inner != nil && isReal(x.inner)
}

// ask asks the rules. The caller is within the lock.
func (x *scripted) ask() {
	a, ok := x.decide(x.call)
	switch {
	case !ok:
		x.inner = x.pass()
	case a.Pass:
		x.tell().rule(a)
		x.inner = &faulty{party: x.pass(), ctx: x.ctx, answer: a, excuse: func() { x.excuse(x.call) }}
	default:
		x.excuse(x.call)
		t := x.tell()
		t.rule(a)
		x.inner = &witnessed{&answering{ctx: x.ctx, answer: a, events: a.events()}, t}
	}
}

// events returns what an answer sends.
func (a Answer) events() []tape.Event {
	events := []tape.Event{{Kind: tape.Header, Pairs: pairsOf(a.Header)}}
	raw := make([][]byte, 0, len(a.Messages)+len(a.Raw))
	for _, m := range a.Messages {
		b, err := proto.Marshal(m)
		if err != nil {
			bad := status.Errorf(codes.Internal, "grpcreplay: a rule's answer: %v", err)
			return []tape.Event{{Kind: tape.End, Status: statusOf(bad)}}
		}
		raw = append(raw, b)
	}
	for i, b := range append(raw, a.Raw...) {
		if a.CutAfter > 0 && i == a.CutAfter {
			break
		}
		events = append(events, tape.Event{Kind: tape.Recv, Message: b})
	}
	if len(events) == 1 && a.Header == nil {
		events = nil // trailers-only
	}
	end := tape.Event{Kind: tape.End, Pairs: pairsOf(a.Trailer)}
	if a.CutAfter > 0 || a.Status != nil {
		end.Status = a.status()
	}
	return append(events, end)
}

// status is how a call ends that fails here.
func (a Answer) status() tape.Status {
	if a.Status == nil {
		return tape.Status{Code: uint32(codes.Unavailable), Message: "cut by a rule"}
	}
	return statusOf(a.Status.Err())
}

// An answering is a party whose answer is given.
type answering struct {
	ctx    context.Context
	answer Answer
	events []tape.Event
	begun  bool
}

func (x *answering) send([]byte) bool { return true }
func (x *answering) closeSend()       {}
func (x *answering) abandon()         {}

func (x *answering) next() tape.Event {
	if !x.begun {
		x.begun = true
		pass(x.ctx, x.answer.Delay)
	}
	if err := x.ctx.Err(); err != nil {
		return tape.Event{Kind: tape.End, Status: statusOf(err)}
	}
	e := x.events[0]
	if len(x.events) > 1 {
		x.events = x.events[1:]
	}
	return e
}

// A faulty is a party that answers as another does, later, and not to its end.
type faulty struct {
	party
	ctx    context.Context
	answer Answer
	begun  bool
	seen   int
	end    *tape.Event
	excuse func() // what is left of the call may be left over
}

func (x *faulty) next() tape.Event {
	if !x.begun {
		x.begun = true
		pass(x.ctx, x.answer.Delay)
		if x.ctx.Err() != nil {
			x.excuse()
		}
	}
	if x.end != nil {
		return *x.end
	}
	if cut := x.answer.CutAfter; cut > 0 && x.seen >= cut {
		x.end = &tape.Event{Kind: tape.End, Status: x.answer.status()}
		x.party.abandon()
		x.excuse()
		return *x.end
	}
	e := x.party.next()
	if e.Kind == tape.Recv {
		x.seen++
	}
	return e
}

func (x *faulty) real() bool { return isReal(x.party) }

// String says what the answer is, for the journal.
func (a Answer) String() string {
	var parts []string
	if a.Delay > 0 {
		parts = append(parts, "after "+a.Delay.String())
	}
	if a.Pass {
		parts = append(parts, "as it would be")
	} else {
		parts = append(parts, fmt.Sprintf("%d messages", len(a.Messages)+len(a.Raw)))
	}
	if a.CutAfter > 0 {
		parts = append(parts, fmt.Sprintf("cut after %d", a.CutAfter))
	}
	if a.Status != nil {
		parts = append(parts, a.Status.Code().String())
	}
	return strings.Join(parts, ", ")
}

// pass lets time pass, or the context end.
func pass(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
