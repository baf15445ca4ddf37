// What the order of calls and returns tells: reordered, stale, non-monotonic.

package history

import (
	"cmp"
	"slices"
)

// A moment is a call or a return. At one position calls come first: then the
// operations overlap, and nothing is said of their order.
type moment struct {
	at      int
	op      int
	returns bool
}

// A mark is the highest offset known so far, and who tells of it.
type mark struct {
	offset int64
	op     int
}

func (m *mark) raise(offset int64, op int) {
	if offset > m.offset {
		*m = mark{offset, op}
	}
}

// marks is what is known at one moment.
type marks struct {
	acked    mark             // by produces that returned
	sure     mark             // also by linearizable reads that returned
	sessions map[string]*mark // by the reads of each client
}

func (m *marks) session(client string) *mark {
	s := m.sessions[client]
	if s == nil {
		s = &mark{-1, 0}
		m.sessions[client] = s
	}
	return s
}

// sweep goes through the moments in order and holds each call against what
// had returned before it.
func (c *logCheck) sweep() {
	known := marks{acked: mark{-1, 0}, sure: mark{-1, 0}, sessions: map[string]*mark{}}
	for _, m := range c.moments() {
		isRead := c.ops[m.op].In.Kind == LogRead
		switch {
		case isRead && m.returns:
			c.readReturns(m.op, &known)
		case isRead:
			c.readCalled(m.op, &known)
		case m.returns:
			offset := c.ops[m.op].Out.Offset
			known.acked.raise(offset, m.op)
			known.sure.raise(offset, m.op)
		default:
			c.produceCalled(m.op, known.acked)
		}
	}
}

// moments are the calls and returns of what returned, final logs left out.
func (c *logCheck) moments() []moment {
	all := make([]moment, 0, 2*len(c.ops))
	for i := range c.ops {
		op := &c.ops[i]
		if op.Outcome == Returned && op.In.Kind != LogFinal {
			all = append(all, moment{op.Called, i, false}, moment{op.Returned, i, true})
		}
	}
	slices.SortFunc(all, func(a, b moment) int {
		switch {
		case a.at != b.at:
			return cmp.Compare(a.at, b.at)
		case a.returns != b.returns && a.returns:
			return 1
		case a.returns != b.returns:
			return -1
		default:
			return cmp.Compare(a.op, b.op)
		}
	})
	return all
}

func (c *logCheck) produceCalled(i int, before mark) {
	op := &c.ops[i]
	if before.offset <= op.Out.Offset || op.Out.Offset < c.Start {
		return
	}
	other := &c.ops[before.op]
	c.add(Finding{Kind: Reordered, Offset: op.Out.Offset, Op: op.ID, Other: other.ID},
		"%v; called after the return of %v", op, other)
}

func (c *logCheck) readReturns(i int, known *marks) {
	op := &c.ops[i]
	last := lastOffset(op)
	known.session(op.Client).raise(last, i)
	if op.In.Linearizable {
		known.sure.raise(last, i)
	}
}

// readCalled holds a read that claims to have come to the end of the log
// against what was known to be in it.
func (c *logCheck) readCalled(i int, known *marks) {
	op := &c.ops[i]
	if op.Out.More {
		return
	}
	last := max(lastOffset(op), op.In.From-1, c.Start-1)
	session := known.session(op.Client)
	switch {
	case op.In.Linearizable && known.sure.offset > last:
		other := &c.ops[known.sure.op]
		c.add(Finding{Kind: Stale, Offset: known.sure.offset, Op: op.ID, Other: other.ID},
			"%v; misses %v", op, other)
	case session.offset > last:
		other := &c.ops[session.op]
		c.add(Finding{Kind: NonMonotonic, Offset: session.offset, Op: op.ID, Other: other.ID},
			"%v; the session had read on before: %v", op, other)
	}
}

// lastOffset returns the highest offset of a read, -1 if it has no records.
func lastOffset(op *Op[LogOp, LogResult]) int64 {
	last := int64(-1)
	for _, r := range op.Out.Records {
		last = max(last, r.Offset)
	}
	return last
}
