// A recorded call, its events, and what they hold.

package tape

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind says what happened in an Event.
type Kind uint8

// The kinds of events: three of the client, three of the server.
const (
	Send      Kind = iota + 1 // the client sent a message
	CloseSend                 // the client will send no more
	Cancel                    // the client cancelled, or its deadline passed
	Header                    // the server's initial metadata came
	Recv                      // a message of the server came
	End                       // the status came: the call is over
	Lost                      // the message sent last was too late: the call was over; only while recording
)

// FromClient tells whether the client is who acts.
func (k Kind) FromClient() bool { return k == Send || k == CloseSend || k == Cancel }

// String returns the kind's name.
func (k Kind) String() string {
	if k < Send || k > Lost {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return [...]string{"send", "close", "cancel", "header", "recv", "end", "lost"}[k-1]
}

// A Pair is one key and value of metadata. Keys are in lower case. Values of
// keys that end in "-bin" are the bytes themselves, not their base64.
type Pair struct{ Key, Value string }

// An Event is one thing that happened in a call.
type Event struct {
	Kind    Kind
	At      time.Duration // since the recording began; 0 if unknown
	Order   int           // its place among all events of the recording, from 1; 0 if unknown
	Message []byte        // of Send and Recv: the bytes of the wire, uncompressed
	Pairs   []Pair        // of Header the header, of End the trailer, sorted by key, values in their order
	Status  Status        // of End
	After   []Ref         // what the clients of other calls did before this; only on the server's events
}

// A Status is how a call ended. The zero Status is OK.
type Status struct {
	Code    uint32
	Message string
	Details []Any
	Plain   bool // the client got an error that was no gRPC status: Message is its text
	Refused bool // a stream was not opened: the client got the error for that, not for receiving
}

// An Any is a detail of a status: bytes and the URL of their type.
type Any struct {
	Type  string
	Value []byte
}

// A Ref names an event of a client: the nth of its call's Send, CloseSend and
// Cancel events, from 1. Call is the call's place on the tape, from 0.
type Ref struct{ Call, Nth int }

// Shape says whether a side of a call may send any number of messages.
type Shape uint8

// The shapes of a call. What a proxy records without a schema is Unknown.
const (
	Unknown Shape = iota
	Unary
	ClientStream
	ServerStream
	Bidi
)

// ShapeOf returns the shape of a method.
func ShapeOf(clientStreams, serverStreams bool) Shape {
	switch {
	case clientStreams && serverStreams:
		return Bidi
	case clientStreams:
		return ClientStream
	case serverStreams:
		return ServerStream
	}
	return Unary
}

// OneRequest tells whether the client sends exactly one message and then
// half-closes, so that its CloseSend tells nothing.
func (s Shape) OneRequest() bool { return s == Unary || s == ServerStream }

// String returns the shape's name; that of Unknown is empty.
func (s Shape) String() string {
	if s > Bidi {
		return fmt.Sprintf("shape %d", uint8(s))
	}
	return [...]string{"", "unary", "client-stream", "server-stream", "bidi"}[s]
}

// A Call is one call of a method, with all that happened in it.
type Call struct {
	Number    int    // how people call it: in the text form "call 7"; from 1
	Method    string // "/pkg.Service/Method"
	Shape     Shape
	Codec     string // the content-subtype; "" is proto
	Authority string // "" if it was the target's own
	Pairs     []Pair // the request's metadata, sorted by key, values in their order
	Timeout   time.Duration
	Start     time.Duration // since the recording began
	Order     int           // the place of the call's start among all events, from 1; 0 if unknown
	Events    []Event
	Comments  []string // lines that stood above it in the text form, without the "#"
}

// Ended returns the call's last event if that is its status, else nil: then
// the call was in flight when the recording ended.
func (c *Call) Ended() *Event {
	if n := len(c.Events); n > 0 && c.Events[n-1].Kind == End {
		return &c.Events[n-1]
	}
	return nil
}

// Settle takes out the messages that were lost, as Lost events say, those
// events, and what stands behind the end. And it takes out what became of a call whose client gave it up by
// chance: what the client tried after that, and the half-close of a stream of
// requests right before it. On its way the one may overtake the other, so that
// nobody can tell whether a server, or a proxy, sees the half-close.
func (c *Call) Settle() {
	settled, over := c.Events[:0], false
	for _, e := range c.Events {
		switch {
		case over && (e.Kind.FromClient() || e.Kind == Lost):
		case e.Kind == Lost:
			settled = withoutLast(settled, Send)
		case e.Kind == Cancel:
			over = true
			if n := len(settled); n > 0 && settled[n-1].Kind == CloseSend && !c.Shape.OneRequest() {
				settled = settled[:n-1]
			}
			settled = append(settled, e)
		default:
			settled = append(settled, e)
		}
	}
	if end := slices.IndexFunc(settled, func(e Event) bool { return e.Kind == End }); end >= 0 {
		settled = settled[:end+1]
	}
	c.Events = settled
}

// withoutLast takes the last event of a kind out.
func withoutLast(events []Event, kind Kind) []Event {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Kind == kind {
			return slices.Delete(events, i, i+1)
		}
	}
	return events
}

// ByClient returns whether the client ended the call: it cancelled, or its
// deadline passed, before a status came.
func (c *Call) ByClient() bool {
	for i := range c.Events {
		if c.Events[i].Kind == Cancel {
			return true
		}
	}
	return false
}

// Service returns the service's full name: "pkg.Service".
func (c *Call) Service() string {
	name := strings.TrimPrefix(c.Method, "/")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return name
}

// Values returns the values of a key of metadata, in their order.
func Values(pairs []Pair, key string) (values []string) {
	for _, p := range pairs {
		if p.Key == key {
			values = append(values, p.Value)
		}
	}
	return values
}
