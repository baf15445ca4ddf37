// What a read may see of the bytes that arrived.

package flow

type mode uint8

const (
	anyhow mode = iota
	exactly
	atMost
	atLeast
)

// A Policy cuts what arrived into deliveries. The zero Policy lets every read
// see all there is. A number below 1 counts as 1: no policy waits for ever.
type Policy struct {
	mode mode
	n    int
}

// Exactly delivers n bytes at a time, once n are there.
func Exactly(n int) Policy { return Policy{exactly, max(n, 1)} }

// AtMost delivers up to n bytes at a time, as soon as there are any.
func AtMost(n int) Policy { return Policy{atMost, max(n, 1)} }

// AtLeast delivers everything, once n bytes are there.
func AtLeast(n int) Policy { return Policy{atLeast, max(n, 1)} }

// Limit returns the policy with its number at most n.
func (p Policy) Limit(n int) Policy { return Policy{p.mode, min(p.n, max(n, 1))} }

// Mode returns the policy's name and number, for printing.
func (p Policy) Mode() (name string, n int) {
	return [...]string{"any", "exactly", "at most", "at least"}[p.mode], p.n
}

// next returns the size of the next delivery when unread bytes are there; 0
// means wait. When the stream has ended the remainder passes.
func (p Policy) next(unread int, ended bool) int {
	switch {
	case p.mode == atMost:
		return min(p.n, unread)
	case unread < p.n && !ended:
		return 0
	case p.mode == exactly:
		return min(p.n, unread)
	default:
		return unread
	}
}
