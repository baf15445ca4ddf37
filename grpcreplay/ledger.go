// The calls that were made, for assertions.

package grpcreplay

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A ledger keeps the calls that were made, in the order of their start.
type ledger struct {
	began time.Time
	most  int64                                        // bytes to keep; 0: all
	tell  func(method string, pairs []tape.Pair) *tale // of calls that nobody else tells of; nil: of none

	mu      sync.Mutex
	calls   []*made
	count   int           // of all calls ever, but those of server reflection
	size    int64         // of calls
	changed chan struct{} // closed and made anew when something was added
}

// newLedger returns a ledger that keeps what the Config lets it.
func newLedger(c Config) *ledger {
	most := c.Limits.Calls
	if most == 0 && c.test == "" {
		most = callsLimit
	}
	return &ledger{began: time.Now(), most: most, changed: make(chan struct{})}
}

// callsLimit is Limits.Calls for a service that is no test's.
const callsLimit = 64 << 20

// What a call and an event take in a ledger beside their bytes, about.
const (
	callSize  = 512
	eventSize = 64
)

// A made is a call that was made. The ledger's mu guards what changes.
type made struct {
	ledger    *ledger
	tale      *tale // nil: somebody else tells the journal
	call      Call
	size      int64
	forgotten bool // the ledger had no room for it any more
}

// begin adds a call.
func (l *ledger) begin(method string, pairs []tape.Pair, set *schema.Set) *made {
	m := &made{ledger: l, call: Call{
		Method: method, Metadata: metadataOf(pairs), Start: time.Since(l.began), InFlight: true, schema: set,
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !unrecorded(method) {
		l.count++
	}
	l.calls = append(l.calls, m)
	l.grow(m, callSize+sizeOf(pairs))
	l.change()
	return m
}

// grow counts bytes of a call, and forgets the oldest calls if that is too
// much. The caller holds mu.
func (l *ledger) grow(m *made, size int64) {
	m.size += size
	l.size += size
	for l.most > 0 && l.size > l.most {
		oldest := l.calls[0]
		l.calls[0] = nil
		l.calls = l.calls[1:]
		l.size -= oldest.size
		oldest.forgotten = true
		oldest.call.Requests, oldest.call.Responses = nil, nil // it may be under way for long yet
	}
}

// sizeOf returns the bytes in metadata.
func sizeOf(pairs []tape.Pair) (size int64) {
	for _, p := range pairs {
		size += int64(len(p.Key) + len(p.Value))
	}
	return size
}

// change wakes those who wait. The caller holds mu.
func (l *ledger) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// add adds what happened in the call.
func (m *made) add(e tape.Event) {
	m.tale.add(e)
	m.ledger.mu.Lock()
	defer m.ledger.mu.Unlock()
	e.At = time.Since(m.ledger.began)
	late := !m.call.InFlight && e.Kind != tape.CloseSend // which an answer may overtake
	if late || m.forgotten {
		return
	}
	m.call.add(&e)
	m.ledger.grow(m, eventSize+int64(len(e.Message))+sizeOf(e.Pairs))
	m.ledger.change()
}

// snapshot returns the call as it is now.
func (m *made) snapshot() *Call {
	m.ledger.mu.Lock()
	defer m.ledger.mu.Unlock()
	return m.copied()
}

// copied is snapshot for a caller that holds the ledger's mu.
func (m *made) copied() *Call {
	c := m.call
	c.Requests, c.Responses = slices.Clone(c.Requests), slices.Clone(c.Responses)
	return &c
}

// Calls are calls that were made, in the order of their start.
type Calls []*Call

// Called returns the calls made so far of methods that match a pattern, as
// path.Match has it: "/pay.v1.Pay/*"; of all methods if it is "". Those that
// Limits.Calls left no room for are not among them.
func (s *Service) Called(method string) Calls {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	var calls Calls
	for _, m := range s.ledger.calls {
		if matches(method, m.call.Method) {
			calls = append(calls, m.copied())
		}
	}
	return calls
}

// Made returns how many calls were made so far, also those that Called has not
// any more. Calls of server reflection do not count: they say nothing of what
// the service does, and are not recorded by Conn and Addr.
func (s *Service) Made() int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.count
}

// Await returns Called(method) as soon as at least n of them are over, or an
// error that says what was made when the context ends. It does not poll.
func (s *Service) Await(ctx context.Context, method string, n int) (Calls, error) {
	for {
		s.ledger.mu.Lock()
		changed := s.ledger.changed
		s.ledger.mu.Unlock()
		calls := s.Called(method)
		over := 0
		for _, c := range calls {
			if !c.InFlight {
				over++
			}
		}
		if over >= n {
			return calls, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return calls, fmt.Errorf("grpcreplay: %d calls of %s were awaited, %d made and %d over: %w",
				n, orAny(method), len(calls), over, ctx.Err())
		}
	}
}

// With returns those of the calls that a condition holds for, such as Having.
func (c Calls) With(condition func(*Call) bool) Calls {
	return slices.DeleteFunc(slices.Clone(c), func(call *Call) bool { return !condition(call) })
}

// Times fails the test unless there are n calls, and lists those there are.
func (c Calls) Times(tb TB, n int) Calls {
	tb.Helper()
	if len(c) != n {
		tb.Errorf("grpcreplay: %d calls, want %d%s", len(c), n, c.list())
	}
	return c
}

// Within fails the test unless the last call ended no later than d after the
// first began.
func (c Calls) Within(tb TB, d time.Duration) Calls {
	tb.Helper()
	var last time.Duration
	for _, call := range c {
		last = max(last, call.Start+call.Duration)
	}
	if len(c) > 0 && last-c[0].Start > d {
		tb.Errorf("grpcreplay: the calls took %v, want at most %v%s", last-c[0].Start, d, c.list())
	}
	return c
}

// list lists calls, one on a line.
func (c Calls) list() string {
	s := ""
	for i, call := range c {
		if i == 20 {
			return s + fmt.Sprintf("\n  and %d more", len(c)-i)
		}
		s += "\n  " + call.String()
	}
	return s
}

func matches(pattern, method string) bool {
	if pattern == "" {
		return true
	}
	ok, _ := path.Match(pattern, method)
	return ok
}

func orAny(method string) string {
	if method == "" {
		return "any method"
	}
	return method
}
