// What a check of a log finds, and what it says of it.

package history

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Kind is one way in which a log can be wrong.
type Kind string

// The kinds of findings, in the order in which they are told. One damage can
// be several: a record that took another's place makes that one Lost.
const (
	// Lost: a record was acknowledged, and no final log holds it, or something
	// else was read or acknowledged in its place.
	Lost Kind = "lost"

	// Duplicated: one value was acknowledged, read or kept at two offsets.
	Duplicated Kind = "duplicated"

	// Reordered: a produce returned before another was called, yet its offset
	// is the higher one.
	Reordered Kind = "reordered"

	// Skipped: a read passes over an offset that other reads return, or final
	// logs hold.
	Skipped Kind = "skipped"

	// NonMonotonic: a session read to the end of the log and missed what it
	// had read before, or one read returned offsets that do not ascend.
	NonMonotonic Kind = "non-monotonic"

	// Unobserved: a record was acknowledged and no read ever returned it, but
	// a session that began at or below it read higher ones. A client that
	// jumps ahead on purpose is a session of its own from there.
	Unobserved Kind = "unobserved"

	// NeverProduced: a value was read, or is in a final log, that nobody
	// produced; or it was read before anybody did.
	NeverProduced Kind = "never-produced"

	// Stale: a linearizable read to the end of the log missed a record that
	// was acknowledged, or returned by such a read, before it was called.
	Stale Kind = "stale"

	// Divergent: two nodes' final logs differ at an offset; or two reads do,
	// or a read and the final logs, where nothing was acknowledged.
	Divergent Kind = "divergent"

	// Phantom: a value was read, or is in a final log, whose produce failed.
	Phantom Kind = "phantom"
)

// kinds is the order in which findings are told.
var kinds = []Kind{
	Lost, Duplicated, Reordered, Skipped, NonMonotonic, Unobserved, NeverProduced, Stale, Divergent, Phantom,
}

// A Finding is one thing that cannot be.
type Finding struct {
	Kind   Kind
	Offset int64  // where in the log; the first of several
	Op     int    // the ID of the operation that is wrong, or was wronged
	Other  int    // the ID of the one it contradicts; 0 if there is none
	Text   string // both operations, on one line
}

// String returns the finding as one line: its kind, its offset, both
// operations.
func (f Finding) String() string { return fmt.Sprintf("%s: offset %d: %s", f.Kind, f.Offset, f.Text) }

// ErrNothing is in the error of a report on a history in which there was
// nothing to check: nobody produced, or nobody looked.
var ErrNothing = errors.New("nothing to check")

func errDropped(n int) error {
	return fmt.Errorf("%d operations were dropped beyond the limit: the history is not whole", n)
}

// A Report is the outcome of a check.
type Report struct {
	Findings []Finding // at most LogConfig.Keep of each kind, by kind and offset
	Produced int       // produces, however they ended
	Observed int       // records that reads returned and final logs hold
	counts   map[Kind]int
	err      error // why the check says nothing
}

// Count returns how many findings of a kind there are, also of those that
// were not kept.
func (r Report) Count(k Kind) int { return r.counts[k] }

// Err returns nil if there was something to check and nothing was found, else
// an error that names what was found, one finding a line.
func (r Report) Err() error {
	if r.err != nil {
		return fmt.Errorf("history: %w", r.err)
	}
	if len(r.Findings) == 0 {
		return nil
	}
	var counts []string
	for _, k := range kinds {
		if n := r.counts[k]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, k))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "history: the log cannot be: %s", strings.Join(counts, ", "))
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n\t%v", f)
	}
	return errors.New(b.String())
}

// add counts a finding and keeps it if there is room among its kind.
func (c *logCheck) add(f Finding, format string, args ...any) {
	c.report.counts[f.Kind]++
	if c.report.counts[f.Kind] > c.keep {
		return
	}
	f.Text = fmt.Sprintf(format, args...)
	c.report.Findings = append(c.report.Findings, f)
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(a.Offset, b.Offset))
	})
}
