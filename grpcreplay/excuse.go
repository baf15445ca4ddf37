// Recorded calls that rules keep from being made, or from their end.

package grpcreplay

import (
	"bytes"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// An excuse is a call that a rule answered, cut or held up too long: one
// recorded call that begins like it may be left over.
type excuse struct {
	method  string
	opening []byte // the first message in canonical form; nil: there was none
}

// excuse notes what a rule did to a call.
func (p *player) excuse(c *Call) {
	e := excuse{method: c.Method}
	if len(c.Requests) > 0 {
		b, _ := p.before(c.Method, c.Requests[0])
		e.opening = p.opening(c.Method, p.secret.message(c.Method, b))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.excuses = append(p.excuses, e)
}

// opening returns a first message in canonical form, never nil.
func (p *player) opening(method string, b []byte) []byte { return p.canons.append(method, []byte{}, b) }

// excused tells whether one of the excuses is for a recorded call, and takes
// that out.
func (p *player) excused(excuses *[]excuse, c *tape.Call) bool {
	var first []byte
	for i := range c.Events {
		if c.Events[i].Kind == tape.Send {
			first = p.opening(c.Method, c.Events[i].Message)
			break
		}
	}
	at := slices.IndexFunc(*excuses, func(e excuse) bool {
		return e.method == c.Method && (e.opening == nil || bytes.Equal(e.opening, first))
	})
	if at < 0 {
		return false
	}
	*excuses = slices.Delete(*excuses, at, at+1)
	return true
}
