// What can go wrong between nodes, as types.

package peer

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by what was closed here, not by the other side.
var ErrClosed = errors.New("peer: closed")

// A Refused is what a dialer gets whom the node at Addr has turned away.
type Refused struct {
	Addr string // whom it dialed
	Why  string // in the other's words, at most a kilobyte of printable text
}

// Error says who refuses and why.
func (e Refused) Error() string {
	return fmt.Sprintf("peer: the node at %s refuses us: %s", e.Addr, e.Why)
}

// A WrongNode answers at an address where another one was looked for: the
// address was given to a new node, or the node has lost its disk.
type WrongNode struct {
	Addr       string
	Want, Have uint64
}

// Error says which node is where another should be.
func (e WrongNode) Error() string {
	return fmt.Sprintf("peer: at %s is node %x, not %x", e.Addr, e.Have, e.Want)
}

// A Malformed is what the other side sent that has not the form it must have.
// The connection is closed: nothing after it can be understood.
type Malformed struct {
	What string // what it should have been: "frame", "hello", "message", ...
	Why  string
}

// Error says what is malformed and how.
func (e Malformed) Error() string { return fmt.Sprintf("peer: malformed %s: %s", e.What, e.Why) }

// An Oversized piece has more bytes than are allowed. Nothing was allocated
// for it.
type Oversized struct {
	What         string
	Bytes, Limit int
}

// Error says how large it is and how large it may be.
func (e Oversized) Error() string {
	return fmt.Sprintf("peer: a %s of %d bytes; at most %d are allowed", e.What, e.Bytes, e.Limit)
}

// A StreamFailed ends a stream whose server could not go on.
type StreamFailed struct{ Addr, Why string }

// Error says what the server said.
func (e StreamFailed) Error() string {
	return fmt.Sprintf("peer: the node at %s broke its stream off: %s", e.Addr, e.Why)
}

// A Broken stream ended before its end. It never is io.EOF.
type Broken struct {
	Addr  string
	After int64 // bytes that arrived whole and were checked
	Why   error
}

// Error says how far the stream came and what broke it.
func (e Broken) Error() string {
	return fmt.Sprintf("peer: the stream from %s broke after %d bytes: %v", e.Addr, e.After, e.Why)
}

// Unwrap returns how it broke: io.ErrUnexpectedEOF, a network's error, a
// Malformed, a context's error or ErrClosed.
func (e Broken) Unwrap() error { return e.Why }
