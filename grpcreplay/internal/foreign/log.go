// Reading gRPC's binary log.

package foreign

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// readLog reads a binary log as Go's sink writes it: entries of
// grpc.binarylog.v1, each after its length, big-endian. The log is read twice:
// first for what each call holds, for only then it is known which calls are
// whole.
func readLog(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	l := &logbook{program: program, calls: map[callKey]*logCall{}, details: map[string]bool{}}
	if err := eachLogEntry(b, limits.Message, l.survey); err != nil {
		return nil, err
	}
	l.judge()
	if err := eachLogEntry(b, limits.Message, l.tell); err != nil {
		return nil, err
	}
	return l.finish()
}

func eachLogEntry(b []byte, limit int64, visit func(e *logEntry, here place) error) error {
	for at, n := 0, 1; at < len(b); n++ {
		here := place{offset: int64(at)}
		rec, next, err := record(b, at, binary.BigEndian, limit)
		if err != nil {
			return err
		}
		e, err := parseLogEntry(rec)
		if err != nil {
			return here.fault("entry %d of the log cannot be read: %v", n, err)
		}
		if err := visit(&e, here); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// A logbook is a binary log that is being read.
type logbook struct {
	program *schema.Set
	calls   map[callKey]*logCall
	begun   []*logCall // in the order of their client headers
	adrift  [2]int     // entries, by side, of calls whose client header is not in the log
	server  bool       // the server's side is what is kept
	epoch   time.Time  // of the first entry kept
	order   int
	details map[string]bool // the types of statuses' details
}

// A callKey tells calls apart. Both sides of one call may have the same
// number, for they may be of different processes.
type callKey struct {
	server bool
	id     uint64
}

// A logCall is a call in the log.
type logCall struct {
	callKey
	method     string
	shape      tape.Shape
	sends      int
	recvs      int
	halfCloses int
	ended      bool   // with a trailer
	fault      string // why it is left out
	notes      []string

	deadline time.Duration // 0 if there was none
	packed   []byte
	over     bool // its end is told
}

// timedOut tells whether it was the client's deadline that ended a call: Go's
// client logs that as it logs a status of the server.
func (c *logCall) timedOut(code uint32, at time.Duration) bool {
	const deadlineExceeded = 4
	return !c.server && code == deadlineExceeded && c.deadline > 0 && at >= c.deadline
}

// shift adds two times, neither of which is negative, as far as they go.
func shift(a, b time.Duration) time.Duration {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return 1<<63 - 1
}

// survey is the first reading.
func (l *logbook) survey(e *logEntry, here place) error {
	c := l.calls[e.key()]
	if e.kind == clientHeader {
		if c != nil {
			return here.fault("call %d begins twice: keep the logs of several processes in several files", e.call)
		}
		return l.begin(e, here)
	}
	if c == nil {
		l.adrift[side(e.server)]++
		return nil
	}
	switch e.kind {
	case clientMessage:
		c.sends++
	case serverMessage:
		c.recvs++
	case halfClose:
		c.halfCloses++
	case trailer:
		c.ended = true
	}
	c.note(e)
	return nil
}

func (l *logbook) begin(e *logEntry, here place) error {
	if e.method == "" {
		return here.fault("call %d names no method", e.call)
	}
	c := &logCall{callKey: e.key(), method: e.method}
	l.calls[c.callKey] = c
	l.begun = append(l.begun, c)
	c.note(e)
	return nil
}

// note remembers what the log cut off: a limit of bytes is part of its
// configuration.
func (c *logCall) note(e *logEntry) {
	if !e.truncated {
		return
	}
	switch e.kind {
	case clientMessage, serverMessage:
		c.fault = fmt.Sprintf("of a message with %d bytes the log holds %d", e.length, len(e.data))
	case clientHeader:
		c.notes = append(c.notes, " the log holds only the beginning of its metadata")
	case serverHeader:
		c.notes = append(c.notes, " the log holds only the beginning of its header")
	}
}

func side(server bool) int {
	if server {
		return 1
	}
	return 0
}

// judge decides what is kept: the clients' side if the log has it, and of it
// the calls whose messages are whole.
func (l *logbook) judge() {
	l.server = !slices.ContainsFunc(l.begun, func(c *logCall) bool { return !c.server })
	l.begun = slices.DeleteFunc(l.begun, func(c *logCall) bool { return c.server != l.server })
	for _, c := range l.begun {
		c.shape = shapeOf(l.program, c.method, c.guess())
	}
}

// guess tells the shape of a call from what it held. Go's client logs the
// half-close only where the program asks for it, which it does not when the
// method takes one request.
func (c *logCall) guess() tape.Shape {
	switch {
	case c.server || !c.ended || c.sends != 1 || c.halfCloses > 0:
		return tape.Unknown
	case c.recvs <= 1:
		return tape.Unary
	}
	return tape.ServerStream
}

// tell is the second reading: it puts the entries of calls that are kept to
// their calls.
func (l *logbook) tell(e *logEntry, _ place) error {
	c := l.calls[e.key()]
	if c == nil || c.server != l.server || c.fault != "" || c.over {
		return nil
	}
	if l.epoch.IsZero() {
		l.epoch = e.time
	}
	at := max(0, e.time.Sub(l.epoch))
	if e.kind == clientHeader {
		l.order++
		c.packed = tape.AppendCall(c.packed, &tape.Call{
			Method: c.method, Shape: c.shape, Authority: e.authority, Pairs: e.pairs, Timeout: e.timeout,
			Start: at, Order: l.order, Comments: c.notes,
		})
		if e.timeout > 0 {
			c.deadline = shift(at, e.timeout)
		}
		return nil
	}
	kind := tapeKinds[e.kind]
	if kind == 0 {
		return nil
	}
	if kind == tape.End && c.timedOut(e.status.Code, at) {
		l.add(c, tape.Event{Kind: tape.Cancel, At: at})
	}
	l.add(c, tape.Event{Kind: kind, At: at, Message: e.data, Pairs: e.pairs, Status: e.status})
	for _, d := range e.status.Details {
		l.details[d.Type] = true
	}
	if kind == tape.Send && c.sends == 1 && c.halfCloses == 0 && c.shape.OneRequest() {
		l.add(c, tape.Event{Kind: tape.CloseSend, At: at})
	}
	c.over = kind == tape.End
	return nil
}

var tapeKinds = map[uint64]tape.Kind{
	clientMessage: tape.Send, serverMessage: tape.Recv, serverHeader: tape.Header,
	halfClose: tape.CloseSend, trailer: tape.End, cancel: tape.Cancel,
}

func (l *logbook) add(c *logCall, e tape.Event) {
	l.order++
	e.Order = l.order
	c.packed = tape.AppendCall(c.packed, &tape.Call{Events: []tape.Event{e}})
}

// maxNotes bounds how many calls that are left out are named.
const maxNotes = 20

// finish returns the tape. Its head says which calls it lacks.
func (l *logbook) finish() (*tape.Tape, error) {
	t := &tape.Tape{Head: tape.Head{Source: "binarylog"}}
	var methods, lost []string
	for _, c := range l.begun {
		if c.fault != "" {
			lost = append(lost, fmt.Sprintf("call %d of the log, %s: %s", c.id, c.method, c.fault))
			continue
		}
		packed := tape.AppendCall(c.packed, &tape.Call{Number: t.Len() + 1})
		if err := t.AddPacked(packed); err != nil {
			return nil, place{}.fault("call %d, of %s: %v", c.id, c.method, err)
		}
		c.packed = nil
		methods = append(methods, c.method)
	}
	if t.Len() == 0 && len(lost) > 0 {
		return nil, place{}.fault("no call of the log is whole (%s): log messages without a limit, "+
			"as GRPC_BINARY_LOG_FILTER=* does", lost[0])
	}
	t.Head.Comments = l.notes(lost)
	t.Schema = l.program.Used(methods, slices.Sorted(maps.Keys(l.details)))
	return t, nil
}

func (l *logbook) notes(lost []string) (lines []string) {
	for i, what := range lost {
		if i == maxNotes {
			lines = append(lines, fmt.Sprintf(" and %d more calls", len(lost)-i))
			break
		}
		lines = append(lines, " left out: "+strings.ToValidUTF8(what, "\uFFFD"))
	}
	if n := l.adrift[side(l.server)]; n > 0 {
		lines = append(lines, fmt.Sprintf(" left out: %d entries of calls that began before the log did", n))
	}
	return lines
}
