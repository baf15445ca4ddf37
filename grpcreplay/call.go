// Calls as the program's author sees them: of a recording, in rules, in assertions.

package grpcreplay

import (
	"fmt"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Call is one call, recorded or made. It is a view: changing it changes
// nothing else.
type Call struct {
	Number    int    // in the recording, from 1; 0 if it is in none
	Method    string // "/pkg.Service/Method"
	Authority string // "" if it was the target's own
	Metadata  metadata.MD
	Timeout   time.Duration // that the client gave it; 0: none
	Start     time.Duration // since the recording, or the service, began
	Duration  time.Duration // 0 while InFlight, or if unknown

	Requests  [][]byte // the client's messages, as on the wire
	Responses [][]byte // the server's
	Closed    bool     // the client half-closed
	Header    metadata.MD
	Trailer   metadata.MD
	Status    *status.Status // nil while InFlight
	InFlight  bool           // it was under way when the recording ended

	schema *schema.Set
}

// newCall returns the view of a recorded call.
func newCall(c *tape.Call, s *schema.Set) *Call {
	v := &Call{
		Number: c.Number, Method: c.Method, Authority: c.Authority, Metadata: metadataOf(c.Pairs),
		Timeout: c.Timeout, Start: c.Start, InFlight: c.Ended() == nil, schema: s,
	}
	for i := range c.Events {
		v.add(&c.Events[i])
	}
	return v
}

// add adds what happened in the call.
func (c *Call) add(e *tape.Event) {
	switch e.Kind {
	case tape.Send:
		c.Requests = append(c.Requests, e.Message)
	case tape.CloseSend:
		c.Closed = true
	case tape.Header:
		c.Header = metadataOf(e.Pairs)
	case tape.Recv:
		c.Responses = append(c.Responses, e.Message)
	case tape.End:
		c.Trailer, c.Status, c.InFlight = trailerOf(e), grpcStatus(e.Status), false
		c.Duration = max(0, e.At-c.Start)
	}
}

// Described tells whether the types of the call's messages are known.
func (c *Call) Described() bool { return c.schema.Method(c.Method) != nil }

// Request decodes the nth message of the client, from 0: as the program's own
// type if that is linked in, else as a dynamic one.
func (c *Call) Request(n int) (proto.Message, error) {
	return decoded(c.schema.Input(c.Method), "request", c.Requests, n)
}

// Response decodes the nth message of the server, from 0, likewise.
func (c *Call) Response(n int) (proto.Message, error) {
	return decoded(c.schema.Output(c.Method), "response", c.Responses, n)
}

// RequestJSON returns the nth message of the client as JSON, from 0; a sketch
// of its bytes if its type is unknown, and "" if there is none.
func (c *Call) RequestJSON(n int) string {
	return shown(c.schema, c.schema.Input(c.Method), c.Requests, n)
}

// ResponseJSON returns the nth message of the server likewise.
func (c *Call) ResponseJSON(n int) string {
	return shown(c.schema, c.schema.Output(c.Method), c.Responses, n)
}

// String returns the call's number and method, with its first request.
func (c *Call) String() string {
	s := c.Method
	if c.Number > 0 {
		s = fmt.Sprintf("call %d %s", c.Number, s)
	}
	if len(c.Requests) > 0 {
		s += " " + brief(c.RequestJSON(0))
	}
	return s
}

func decoded(md protoreflect.MessageDescriptor, what string, messages [][]byte, n int) (proto.Message, error) {
	if n < 0 || n >= len(messages) {
		return nil, fmt.Errorf("grpcreplay: there is no %s %d: the call has %d", what, n, len(messages))
	}
	if md == nil {
		return nil, fmt.Errorf("grpcreplay: the %s's type is not known: link it in, or set Config.Schema", what)
	}
	m, err := unmarshal(md, messages[n])
	if err != nil {
		return nil, fmt.Errorf("grpcreplay: %s %d: %w", what, n, err)
	}
	return m, nil
}

func shown(s *schema.Set, md protoreflect.MessageDescriptor, messages [][]byte, n int) string {
	if n < 0 || n >= len(messages) {
		return ""
	}
	return showMessage(s, md, messages[n])
}

// showMessage returns a message as JSON, or as a sketch of its bytes.
func showMessage(s *schema.Set, md protoreflect.MessageDescriptor, b []byte) string {
	if md != nil {
		if json, _, err := s.JSON(md, b); err == nil {
			return string(json)
		}
	}
	return s.Sketch(b)
}

// brief cuts what is too long to read in passing.
func brief(s string) string { return cutAt(s, 160) }

// cutAt cuts a text that has more than most bytes, between two characters.
func cutAt(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
