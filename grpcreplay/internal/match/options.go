// What the caller says, and what it is told.

package match

import "github.com/rehearse-go/rehearse/grpcreplay/internal/tape"

// Options say which calls are alike.
type Options struct {
	// Metadata names the keys, in lower case, whose values must be equal, or a
	// call is no candidate.
	Metadata []string
	// Volatile tells which keys do not rank candidates; nil stands for
	// [Volatile].
	Volatile func(key string) bool
	// Canon appends the canonical form of a client's message to dst; two
	// messages are the same if their forms are. Nil: the bytes as they are.
	Canon func(method string, dst, msg []byte) []byte
	// Skip tells which calls are not on offer; nil: none.
	Skip func(call int) bool
}

// A State says what a talk's server does next.
type State uint8

// The states of a talk.
const (
	Ready     State = iota + 1 // the event is to be delivered now
	Client                     // the server waits for the client
	Undecided                  // several calls fit and disagree: ask again when the client acted or the program rests
	Silent                     // nothing more will come
)

// A Turn is what the server does next. When it is Ready, the event is what to
// deliver. When it is Silent since the recorded client ended the call itself,
// the event is the end that client saw, if it saw one. Else there is none, and
// Index is -1. Events are part of the tape and not to be changed.
type Turn struct {
	State State
	Call  int // the call's place on the tape, where there is an event
	Index int // the event's place among the call's events
	Event *tape.Event
}
