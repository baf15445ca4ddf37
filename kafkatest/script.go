// Scripts: what a test tells a broker to answer.

package kafkatest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Handler answers requests. A nil answer is silence. The answer's version is
// set to the request's, whatever it says; the answer may be one that was
// returned before. A Handler is called without any lock held and by several
// connections at once; if it may wait, let it wait for the Context of the
// Exchange too.
type Handler func(Exchange) kmsg.Response

// A script is what one broker was told.
type script struct {
	told atomic.Bool // anything at all: brokers that were told nothing ask no lock

	mu       sync.Mutex // never held while a test's function runs
	handlers map[int16]Handler
	byKey    map[int16][]kmsg.Response
	used     map[int16]int // replies taken from byKey, ever
	next     []kmsg.Response
	when     []*conditional
}

// A conditional is a queue of replies for the exchanges a condition chooses.
type conditional struct {
	when    rule.When[Exchange]
	replies []kmsg.Response
}

// Handle has h answer the requests to an API from now on: on a scripted broker
// and, in the cluster's place, on one with state. A nil h takes the handler
// away.
func (b *Broker) Handle(key kmsg.Key, h Handler) {
	s := &b.script
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.Store(true)
	if h == nil {
		delete(s.handlers, key.Int16())
		return
	}
	if s.handlers == nil {
		s.handlers = map[int16]Handler{}
	}
	s.handlers[key.Int16()] = h
}

// Reply queues answers to the next requests of their API, one each, before any
// Handler. The queue has no bound. Replies that are not asked for until the
// end are reported. Reply panics if an answer is nil, since nil is of no API.
func (b *Broker) Reply(replies ...kmsg.Response) {
	if slices.Contains(replies, nil) {
		panic("kafkatest: Reply of nil; ReplyNext takes nil, for silence")
	}
	s := &b.script
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.Store(true)
	if s.byKey == nil {
		s.byKey, s.used = map[int16][]kmsg.Response{}, map[int16]int{}
	}
	for _, r := range replies {
		s.byKey[r.Key()] = append(s.byKey[r.Key()], r)
	}
}

// ReplyNext queues answers to whatever comes next, in that order; nil is
// silence. A request of another API than the answer whose turn it is, is
// unexpected; a scripted broker answers ApiVersions on the way by itself.
func (b *Broker) ReplyNext(replies ...kmsg.Response) {
	s := &b.script
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.Store(true)
	s.next = append(s.next, replies...)
}

// ReplyWhen queues answers to the next requests for which when holds, one
// each, before all other replies; nil is silence.
func (b *Broker) ReplyWhen(when rule.When[Exchange], replies ...kmsg.Response) {
	s := &b.script
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.Store(true)
	s.when = append(s.when, &conditional{when, slices.Clone(replies)})
}

// Sequence returns a Handler that gives the answers in turn, and the last one
// again and again. nil is silence.
func Sequence(replies ...kmsg.Response) Handler {
	replies = slices.Clone(replies)
	var given atomic.Int64
	return func(Exchange) kmsg.Response {
		if len(replies) == 0 {
			return nil
		}
		n := given.Add(1) - 1
		return replies[min(n, int64(len(replies)-1))]
	}
}

// answer returns what the script has for an exchange: an answer, of which nil
// is silence, or the Handler to ask; false if it has nothing to say.
func (s *script) answer(e Exchange) (r kmsg.Response, told bool, h Handler, err error) {
	if !s.told.Load() {
		return nil, false, nil, nil
	}
	if r, told = s.conditionally(e); told {
		return r, true, nil, fits(r, e)
	}
	return s.queued(e)
}

// conditionally returns the first reply of a queue whose condition holds.
func (s *script) conditionally(e Exchange) (r kmsg.Response, told bool) {
	s.mu.Lock()
	queues := slices.Clone(s.when)
	s.mu.Unlock()
	for _, q := range queues {
		if !s.waiting(q) || !q.when.Holds(e) {
			continue
		}
		if r, told = s.take(q); told {
			return r, true
		}
	}
	return nil, false
}

func (s *script) waiting(q *conditional) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(q.replies) > 0
}

func (s *script) take(q *conditional) (r kmsg.Response, told bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(q.replies) == 0 {
		return nil, false
	}
	r, q.replies = q.replies[0], q.replies[1:]
	return r, true
}

// queued returns a reply of the queues, or else the handler.
func (s *script) queued(e Exchange) (r kmsg.Response, told bool, h Handler, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := e.Request.Key()
	if q := s.byKey[key]; len(q) > 0 {
		s.byKey[key] = q[1:]
		s.used[key]++
		return q[0], true, nil, nil
	}
	h = s.handlers[key]
	if len(s.next) == 0 {
		return nil, false, h, nil
	}
	head := s.next[0]
	if head == nil || head.Key() == key {
		s.next = s.next[1:]
		return head, true, nil, nil
	}
	if h != nil || key == int16(kmsg.ApiVersions) {
		return nil, false, h, nil
	}
	return nil, false, nil, fmt.Errorf("it came where the next reply is to %s", kmsg.NameForKey(head.Key()))
}

// fits says what is wrong with an answer to another request than was made.
func fits(r kmsg.Response, e Exchange) error {
	if r == nil || r.Key() == e.Request.Key() {
		return nil
	}
	return fmt.Errorf("it was to be answered with an answer to %s", kmsg.NameForKey(r.Key()))
}

// unmet says which replies were never asked for.
func (s *script) unmet() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range int16(kmsg.MaxKey + 1) {
		if n := len(s.byKey[key]); n > 0 {
			lines = append(lines, fmt.Sprintf("%s to %s never asked for", replies(n), kmsg.NameForKey(key)))
		}
	}
	if n := len(s.next); n > 0 {
		what := "silence"
		if s.next[0] != nil {
			what = kmsg.NameForKey(s.next[0].Key())
		}
		lines = append(lines, fmt.Sprintf("%s to whatever comes next never asked for, the first of them %s",
			replies(n), what))
	}
	left := 0
	for _, q := range s.when {
		left += len(q.replies)
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("%s under a condition never asked for", replies(left)))
	}
	return lines
}

func replies(n int) string {
	if n == 1 {
		return "1 reply"
	}
	return fmt.Sprintf("%d replies", n)
}

// nearest says what the broker was told that is nearest to a request.
func (s *script) nearest(key int16) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.used[key]; n > 0 {
		return fmt.Sprintf("%s to it, and no more, had been queued", replies(n))
	}
	var told []string
	for k := range int16(kmsg.MaxKey + 1) {
		switch {
		case s.handlers[k] != nil:
			told = append(told, kmsg.NameForKey(k)+" (a handler)")
		case len(s.byKey[k]) > 0:
			told = append(told, fmt.Sprintf("%s (%s)", kmsg.NameForKey(k), replies(len(s.byKey[k]))))
		}
	}
	for _, q := range s.when {
		if len(q.replies) > 0 {
			told = append(told, fmt.Sprintf("%s under a condition that did not hold", replies(len(q.replies))))
		}
	}
	if told == nil {
		return "the broker was told nothing"
	}
	return "the broker was told " + strings.Join(told, ", ")
}
