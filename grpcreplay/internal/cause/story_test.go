// Recordings told line by line, for the tests.

package cause_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A story makes calls of lines, one for each thing that happened, in order:
//
//	w Watch stream a    the call w begins; the method, its shape, the first message
//	w send b            its client sends another
//	w close, w cancel   its client half-closes, cancels
//	w header            the server's header comes
//	w recv x            a message comes
//	w end, w end why    the status comes: OK, or Aborted
//	p Put unary a -> x  all of a unary call at once
//
// A unary call, and one of shape "server", sends and half-closes as it begins.
func story(t *testing.T, text string) (calls []*tape.Call, names []string) {
	t.Helper()
	s := &teller{known: map[string]*tape.Call{}}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if err := s.tell(strings.Fields(line)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return s.calls, s.names
}

type teller struct {
	order int
	calls []*tape.Call
	names []string
	known map[string]*tape.Call
}

var shapes = map[string]tape.Shape{
	"unary": tape.Unary, "server": tape.ServerStream, "stream": tape.Bidi, "unknown": tape.Unknown,
}

var kinds = map[string]tape.Kind{
	"send": tape.Send, "close": tape.CloseSend, "cancel": tape.Cancel,
	"header": tape.Header, "recv": tape.Recv, "end": tape.End,
}

func (s *teller) tell(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("too short")
	}
	rest := append(words[2:], "", "", "")
	if c := s.known[words[0]]; c != nil {
		kind, ok := kinds[words[1]]
		if !ok {
			return fmt.Errorf("nothing is called %q", words[1])
		}
		s.add(c, kind, rest[0])
		return nil
	}
	shape, ok := shapes[rest[0]]
	if !ok {
		return fmt.Errorf("no shape is called %q", rest[0])
	}
	s.order++
	c := &tape.Call{Method: "/s.S/" + words[1], Shape: shape, Order: s.order}
	s.calls, s.names, s.known[words[0]] = append(s.calls, c), append(s.names, words[0]), c
	s.begin(c, rest[1:])
	return nil
}

func (s *teller) begin(c *tape.Call, rest []string) {
	if rest[0] == "" {
		return
	}
	s.add(c, tape.Send, rest[0])
	if c.Shape != tape.Bidi {
		s.add(c, tape.CloseSend, "")
	}
	if rest[1] == "->" {
		s.add(c, tape.Header, "")
		s.add(c, tape.Recv, rest[2])
		s.add(c, tape.End, "")
	}
}

func (s *teller) add(c *tape.Call, kind tape.Kind, text string) {
	s.order++
	e := tape.Event{Kind: kind, Order: s.order}
	switch {
	case kind == tape.Send || kind == tape.Recv:
		e.Message = []byte(text)
	case kind == tape.End && text != "":
		e.Status = tape.Status{Code: 10, Message: text}
	}
	c.Events = append(c.Events, e)
}

// clauses prints the events that wait, one a line: "w recv x: p1 q2".
func clauses(calls []*tape.Call, names []string) string {
	var b strings.Builder
	for i, c := range calls {
		for _, e := range c.Events {
			if e.After == nil {
				continue
			}
			fmt.Fprintf(&b, "%s %s:", strings.TrimSpace(names[i]+" "+e.Kind.String()), e.Message)
			for _, r := range e.After {
				b.WriteString(" " + names[r.Call] + strconv.Itoa(r.Nth))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
