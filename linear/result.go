// The verdict, and what it tells.

package linear

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Limits bound a check. The zero Limits are those of each field. Those of what
// is searched are looked at between two steps: no limit interrupts a Step that
// takes long.
type Limits struct {
	Ops     int           // for one key; if 0, 2,000: beyond, a search rarely ends
	Steps   int           // of the model; if 0, 20 million, about ten seconds
	Memory  int           // for states seen, in bytes, roughly; if 0, 512 MiB
	Time    time.Duration // of the clock; if 0, 10 s; does not pass in a synctest bubble
	Picture int           // the largest picture, in bytes; if 0, 5 MiB: browsers show no more
}

func (l Limits) complete() Limits {
	return Limits{
		Ops:     cmp.Or(l.Ops, 2000),
		Steps:   cmp.Or(l.Steps, 20e6),
		Memory:  cmp.Or(l.Memory, 512<<20),
		Time:    cmp.Or(l.Time, 10*time.Second),
		Picture: cmp.Or(l.Picture, 5<<20),
	}
}

// A Verdict is what a check came to.
type Verdict int

// The verdicts. The zero Verdict is Undecided, which is never a pass.
const (
	Undecided    Verdict = iota // a limit was reached, or there was nothing to check
	Linearizable                // every answer can be explained
	Violation                   // no order explains the answers
)

// String returns the verdict in a word.
func (v Verdict) String() string {
	switch v {
	case Linearizable:
		return "linearizable"
	case Violation:
		return "violation"
	default:
		return "undecided"
	}
}

// A Result is the outcome of a check. The zero Result is undecided.
type Result struct {
	Verdict Verdict
	Model   string // its name
	Ops     int    // operations judged, those left out not counted
	Keys    int    // independent objects among them
	Steps   int    // of the model
	Key     string // which object is violated or undecided
	Why     string // if undecided: the limit, and what helps
	Op      int    // if violated: the ID of the first operation whose answer cannot be

	// Around is what was under way and what came last before Op's return, one
	// operation an entry, Op's own marked with ">". Answers that came later
	// are not yet known there.
	Around []string

	picture func(io.Writer) error
}

// Err returns nil if the history is linearizable, and only then. Else it says
// why not, or why nobody knows.
func (r Result) Err() error {
	key := ""
	if r.Key != "" {
		key = fmt.Sprintf(" (key %q)", r.Key)
	}
	switch r.Verdict {
	case Linearizable:
		return nil
	case Violation:
		return fmt.Errorf("linear: not linearizable as a %s%s: no order of these explains the answer marked >:\n\t%s",
			r.Model, key, strings.Join(r.Around, "\n\t"))
	default:
		return fmt.Errorf("linear: undecided, which is no pass%s: %s", key, cmp.Or(r.Why, "nothing was checked"))
	}
}

// Picture writes a page of HTML that shows the operations up to the violation,
// and how far orders of them get. It returns an error if there is no
// violation, or if the page would be larger than the limit.
func (r Result) Picture(w io.Writer) error {
	if r.picture == nil {
		return errors.New("linear: there is a picture of a violation only")
	}
	return r.picture(w)
}
