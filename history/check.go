// Checking the history of a log: what is gathered, and in which order it is judged.

package history

import (
	"cmp"
	"fmt"
	"slices"
)

// A LogConfig says what is expected of a log. The zero LogConfig expects
// everything.
type LogConfig struct {
	// Start is the first offset that is to be there: retention may have taken
	// what is below it, and nothing is said of that. If 0, the whole log.
	Start int64

	// Behind lets a node's final log end before another's, as that of a node
	// that has only just come back. If false, it is Divergent.
	Behind bool

	// AllowEmpty lets a history pass in which there is nothing to check. If
	// false it does not, because a test that checks nothing proves nothing.
	AllowEmpty bool

	// Keep is how many findings of each kind are kept; the others are only
	// counted. If not positive, 10: one cause often has many.
	Keep int
}

// Check judges the history so far, and tells every way in which it cannot be:
// see [Kind]. Operations that are not ended are unknown: they may have
// happened and need not have. It takes O(n log n) time for n operations and
// records.
func (l *Log) Check(config LogConfig) Report {
	c := logCheck{LogConfig: config, keep: config.Keep, ops: l.Ops()}
	if c.keep <= 0 {
		c.keep = 10
	}
	c.report.counts = map[Kind]int{}
	if n := l.Dropped(); n > 0 {
		c.report.err = errDropped(n)
		return c.report
	}
	if c.report.err = c.gather(); c.report.err != nil {
		return c.report
	}
	c.sweep()
	c.diverge()
	c.judge()
	c.skips()
	c.report.sort()
	return c.report
}

// A source is what tells that a record is at an offset.
type source int8

const (
	acked source = iota // a produce that returned
	final               // what the final logs agree on
	read                // a read
)

// A sight is a record at an offset as one operation saw it. A million
// operations make many, so it is small and has no pointers.
type sight struct {
	offset int64
	value  int32 // its number
	op     int32 // index in ops
	from   source
}

type logCheck struct {
	LogConfig
	keep   int
	report Report
	ops    []Op[LogOp, LogResult]

	numbers map[string]int32 // of the values
	homes   []home           // by number: who produced it, and where it was seen
	sights  []sight          // by offset, source, operation
	reads   []int            // the reads that returned, in order
	finals  []int            // the last look at each node, by node
	reaches []reach          // what each session read through, by its beginning

	seen []sight // one for each offset that a read must not pass over, ascending
}

// A reach is how far a session read: from the lowest From to the highest
// record.
type reach struct {
	from int64
	top  mark
}

// gather sorts the operations by what they tell.
func (c *logCheck) gather() error {
	c.numbers = make(map[string]int32, len(c.ops))
	c.homes = make([]home, 0, len(c.ops))
	c.sights = make([]sight, 0, 2*len(c.ops))
	last := map[string]int{} // a node's place in finals
	sessions := map[string]int{}
	for i := range c.ops {
		op := &c.ops[i]
		switch {
		case op.In.Kind == LogProduce:
			if err := c.gatherProduce(i); err != nil {
				return err
			}
		case op.Outcome != Returned:
		case op.In.Kind == LogRead:
			c.gatherRead(i, sessions)
		case op.In.Kind == LogFinal:
			c.report.Observed += len(op.Out.Records)
			if at, ok := last[op.Client]; ok {
				c.finals[at] = i
				continue
			}
			last[op.Client] = len(c.finals)
			c.finals = append(c.finals, i)
		default:
			return fmt.Errorf("operation %v is of no kind that a log knows", op)
		}
	}
	slices.SortStableFunc(c.reaches, func(a, b reach) int { return cmp.Compare(a.from, b.from) })
	slices.SortFunc(c.finals, func(a, b int) int { return cmp.Compare(c.ops[a].Client, c.ops[b].Client) })
	for _, i := range c.finals {
		c.ascending(i)
	}
	if c.report.Produced == 0 || len(c.reads)+len(c.finals) == 0 {
		return c.nothing()
	}
	return nil
}

// number returns a value's number, a new one if it has none.
func (c *logCheck) number(value string) int32 {
	n, ok := c.numbers[value]
	if !ok {
		n = int32(len(c.homes))
		c.numbers[value] = n
		c.homes = append(c.homes, home{value: value, producer: nobody})
	}
	return n
}

func (c *logCheck) nothing() error {
	if c.AllowEmpty {
		return nil
	}
	return fmt.Errorf("%w: %d produces, %d reads that returned, %d final logs",
		ErrNothing, c.report.Produced, len(c.reads), len(c.finals))
}

func (c *logCheck) gatherProduce(i int) error {
	op := &c.ops[i]
	c.report.Produced++
	value := c.number(op.In.Value)
	producer := &c.homes[value].producer
	switch {
	case *producer == nobody || c.ops[*producer].Outcome == Failed:
		*producer = int32(i)
	case op.Outcome != Failed:
		return fmt.Errorf("two operations produce the same value, and cannot be told apart: %v; %v",
			c.ops[*producer], op)
	}
	if op.Outcome == Returned && op.Out.Offset >= c.Start {
		c.sights = append(c.sights, sight{op.Out.Offset, value, int32(i), acked})
	}
	return nil
}

// gatherRead gathers what a read tells. The sessions hold each client's place
// in reaches.
func (c *logCheck) gatherRead(i int, sessions map[string]int) {
	op := &c.ops[i]
	at, ok := sessions[op.Client]
	if !ok {
		at = len(c.reaches)
		sessions[op.Client] = at
		c.reaches = append(c.reaches, reach{op.In.From, mark{-1, i}})
	}
	session := &c.reaches[at]
	session.from = min(session.from, op.In.From)
	session.top.raise(lastOffset(op), i)
	c.reads = append(c.reads, i)
	c.report.Observed += len(op.Out.Records)
	for _, r := range op.Out.Records {
		if r.Offset >= c.Start {
			c.sights = append(c.sights, sight{r.Offset, c.number(r.Value), int32(i), read})
		}
	}
	c.ascending(i)
}

// ascending wants one operation's records from its From on, in order.
func (c *logCheck) ascending(i int) {
	op := &c.ops[i]
	if at := descent(op); at >= 0 {
		c.add(Finding{Kind: NonMonotonic, Offset: op.Out.Records[at].Offset, Op: op.ID},
			"out of order in one answer: %v", op)
	}
}

// descent returns the place of the first record that is not behind the one
// before it, or lies before where the read was to begin; -1 if there is none.
func descent(op *Op[LogOp, LogResult]) int {
	before := op.In.From - 1
	for at, r := range op.Out.Records {
		if r.Offset <= before {
			return at
		}
		before = r.Offset
	}
	return -1
}

func compareSights(a, b sight) int {
	switch {
	case a.offset != b.offset:
		return cmp.Compare(a.offset, b.offset)
	case a.from != b.from:
		return cmp.Compare(a.from, b.from)
	default:
		return cmp.Compare(a.op, b.op)
	}
}
