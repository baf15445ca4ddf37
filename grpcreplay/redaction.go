// What is redacted of an entry before it is written.

package grpcreplay

import (
	"fmt"

	"google.golang.org/grpc/mem"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A redaction is the writer's view of rules and schemas: a redactor for the
// schemas known so far.
type redaction struct {
	rules redact.Rules
	salt  []byte
	book  *book
	known *schema.Set // what by was made for
	by    *redact.Redactor
	told  map[string]bool // methods whose types stand in the side file
}

// newRedaction returns the redaction by these rules.
func newRedaction(rules redact.Rules, salt []byte, b *book) (*redaction, error) {
	x := &redaction{rules: rules, salt: salt, book: b, told: make(map[string]bool)}
	return x, x.learn("")
}

// learn sees to it that the types of a method are known, if they can be.
func (x *redaction) learn(method string) error {
	known := x.book.set()
	if method != "" {
		known = x.book.learn(method)
	}
	if x.by != nil && known == x.known {
		return nil
	}
	by, err := redact.New(x.rules, known, x.salt)
	if err != nil {
		return fmt.Errorf("grpcreplay: Config.Redact: %w", err)
	}
	x.known, x.by = known, by
	return nil
}

// append appends an entry to a side file, without its secrets.
func (x *redaction) append(b []byte, e *entry, limit int64) ([]byte, error) {
	switch {
	case e.own != nil:
		return spool.AppendInitial(b, e.own), nil
	case e.start != nil:
		return x.appendStart(b, e)
	}
	switch e.event.Kind {
	case tape.Send, tape.Recv:
		if int64(e.body.Len()) > limit {
			return b, fmt.Errorf("a message of %s has %d bytes, more than %d: set Config.Limits.Message",
				e.method, e.body.Len(), limit)
		}
		e.event.Message = x.message(e.method, e.event.Kind, e.body)
	case tape.Header:
		e.event.Pairs = x.by.Pairs(e.event.Pairs)
	case tape.End:
		e.event.Pairs = x.by.Pairs(e.event.Pairs)
		e.event.Status = x.by.Status(e.event.Status)
	}
	return spool.AppendEvent(b, e.id, &e.event), nil
}

// appendStart appends that a call begins.
func (x *redaction) appendStart(b []byte, e *entry) ([]byte, error) {
	if err := x.learn(e.start.Method); err != nil {
		return b, err
	}
	if !x.told[e.start.Method] { // whoever opens the side file of a killed process needs the types
		x.told[e.start.Method] = true
		b = spool.AppendSchema(b, x.known.Used([]string{e.start.Method}, nil))
	}
	c := *e.start
	c.Pairs = x.by.Pairs(c.Pairs)
	if m := x.known.Method(c.Method); m != nil && c.Shape == tape.Unknown {
		c.Shape = tape.ShapeOf(m.IsStreamingClient(), m.IsStreamingServer())
	}
	return spool.AppendStart(b, e.id, &c), nil
}

// message returns a message's bytes without secrets.
func (x *redaction) message(method string, kind tape.Kind, body mem.BufferSlice) []byte {
	b := contiguous(body)
	if kind == tape.Send {
		return x.by.Message(x.known.Input(method), b)
	}
	return x.by.Message(x.known.Output(method), b)
}

// contiguous returns a message's bytes in one piece; of one piece they are
// not copied.
func contiguous(b mem.BufferSlice) []byte {
	if len(b) == 1 {
		return b[0].ReadOnlyData()
	}
	return b.Materialize()
}

// rules returns the rules as they stand in a recording.
func (r Redact) rules() redact.Rules {
	return redact.Rules{
		Off: r.Off, Headers: r.Headers, Names: r.Names, Fields: r.Fields, Keep: r.Keep, Allow: r.Allow,
		Tokens: r.Tokens, NoTokens: r.NoTokens,
	}
}
