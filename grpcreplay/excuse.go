// Recorded calls that rules keep from being made, or from their end.

package grpcreplay

import (
	"crypto/sha256"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// An excuse is for a call that a rule answered, cut or held up too long: one
// recorded call that begins like it may be left over.
type excuse struct {
	method  string
	opening string // the sum of the first message in canonical form; "": none came, and any will do
}

// mostExcuses is how many different ones are kept: rules may answer strangers
// for weeks.
const mostExcuses = 1 << 16

// excuse notes what a rule did to a call.
func (p *player) excuse(c *Call) {
	p.mu.Lock()
	full := len(p.excuses) >= mostExcuses
	p.mu.Unlock()
	if full {
		return
	}
	e := excuse{method: c.Method}
	if len(c.Requests) > 0 {
		b, _ := p.before(c.Method, c.Requests[0])
		e.opening = p.opening(c.Method, p.secret.message(c.Method, b))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.excuses == nil {
		p.excuses = make(map[excuse]int)
	}
	p.excuses[e]++
}

// opening returns the sum of a first message in canonical form.
func (p *player) opening(method string, b []byte) string {
	sum := sha256.Sum256(p.canons.append(method, nil, b))
	return string(sum[:])
}

// excused tells whether there is an excuse for a recorded call, and takes it
// out.
func (p *player) excused(excuses map[excuse]int, c *tape.Call) bool {
	if len(excuses) == 0 {
		return false
	}
	e := excuse{method: c.Method}
	for i := range c.Events {
		if c.Events[i].Kind == tape.Send {
			e.opening = p.opening(c.Method, c.Events[i].Message)
			break
		}
	}
	if excuses[e] == 0 {
		e.opening = ""
	}
	if excuses[e] == 0 {
		return false
	}
	excuses[e]--
	return true
}
