// What has happened during a replay.

package cause

import "github.com/rehearse-go/rehearse/grpcreplay/internal/tape"

// A Board knows what the clients of a replay have done, and so what an event
// of a server still waits for. It takes four bytes a call.
type Board struct {
	done []int32 // by call: how many of its client's events have happened
}

// NewBoard returns the board of a replay of t in which nothing has happened.
func NewBoard(t *tape.Tape) *Board { return &Board{done: make([]int32, t.Len())} }

// Mark notes that a client's event happened, and with it those before it in
// its call. To mark it again changes nothing.
func (b *Board) Mark(r tape.Ref) {
	if b.knows(r) {
		b.done[r.Call] = max(b.done[r.Call], clamp(r.Nth))
	}
}

// Missing returns what of after has not happened yet; nil means go. A
// reference to a call that the tape does not have names nothing, and nothing
// waits for it.
func (b *Board) Missing(after []tape.Ref) (missing []tape.Ref) {
	for _, r := range after {
		if !b.Has(r) {
			missing = append(missing, r)
		}
	}
	return missing
}

// Has tells whether a client's event has happened, or names nothing.
func (b *Board) Has(r tape.Ref) bool { return !b.knows(r) || b.done[r.Call] >= clamp(r.Nth) }

// Forgive lets what waits for these events, and for those before them in
// their calls, wait no longer: they are as good as done.
func (b *Board) Forgive(after []tape.Ref) {
	for _, r := range after {
		b.Mark(r)
	}
}

func (b *Board) knows(r tape.Ref) bool { return r.Call >= 0 && r.Call < len(b.done) }

// clamp keeps a number from a file within what the board counts in.
func clamp(nth int) int32 { return int32(max(0, min(nth, 1<<31-1))) }
