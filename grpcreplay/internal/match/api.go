// What the caller says and is told.

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

// A Turn is what the server does next. Call, Index and Event are set when it
// is Ready; the event is part of the tape and not to be changed.
type Turn struct {
	State State
	Call  int         // the call's place on the tape
	Index int         // the event's place among the call's events
	Event *tape.Event // what to deliver
}

// A Near is a recorded call that resembles a live one that nothing answers.
type Near struct {
	Call   int      // its place on the tape; of a method that only sounds alike, its first call
	Method string   // its method
	Used   bool     // a live call has it already
	Same   int      // how many of the client's events agree, from the first
	Keys   []string // the keys that must be equal and are not
}

// A Left is a call that a replay did not use, or not wholly.
type Left struct {
	Call      int
	Used      bool // a live call had it, but not to its end
	Delivered int  // how many of the server's events were delivered
	Of        int  // how many there are
	Seen      int  // how many of the client's messages and half-closes came
	Sent      int  // how many there are
	Cancelled bool // the recorded client ended the call itself
}
