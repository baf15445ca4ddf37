// The models: classic histories, those that can be and those that cannot.

package linear_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/linear"
)

// value is a register's answer to a read.
func value(v string) linear.RegisterResult { return linear.RegisterResult{Value: v} }

var (
	done    = linear.RegisterResult{}
	swapped = linear.RegisterResult{Swapped: true}
)

// registerCases are what clients tell of registers, and whether that can be.
var registerCases = []struct {
	name string
	tell func(h *linear.RegisterHistory)
	want linear.Verdict
	op   int // the first answer that cannot be
}{
	{"a read after a write", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Write("x", "1")).Return(done)
		h.Call("b", linear.Read("x")).Return(value("1"))
	}, linear.Linearizable, 0},
	{"a read of what was there before", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Write("x", "1")).Return(done)
		h.Call("b", linear.Read("x")).Return(value(""))
		h.Call("b", linear.Read("x")).Return(value("1"))
	}, linear.Violation, 2},
	{"another key", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Write("x", "1")).Return(done)
		h.Call("b", linear.Read("y")).Return(value(""))
	}, linear.Linearizable, 0},
	{"reads beside a write", func(h *linear.RegisterHistory) {
		w := h.Call("a", linear.Write("x", "1"))
		h.Call("b", linear.Read("x")).Return(value(""))
		h.Call("b", linear.Read("x")).Return(value("1"))
		w.Return(done)
	}, linear.Linearizable, 0},
	{"reads beside a write, new before old", func(h *linear.RegisterHistory) {
		w := h.Call("a", linear.Write("x", "1"))
		h.Call("b", linear.Read("x")).Return(value("1"))
		h.Call("c", linear.Read("x")).Return(value(""))
		w.Return(done)
	}, linear.Violation, 3},
	{"an unknown write that happened, late", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Write("x", "1")).Unknown()
		h.Call("b", linear.Write("x", "2")).Return(done)
		h.Call("b", linear.Read("x")).Return(value("2"))
		h.Call("b", linear.Read("x")).Return(value("1"))
	}, linear.Linearizable, 0},
	{"an unknown write that did not happen", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Write("x", "1")).Unknown()
		h.Call("b", linear.Read("x")).Return(value(""))
	}, linear.Linearizable, 0},
	{"an unknown write that happened and is undone", func(h *linear.RegisterHistory) {
		_ = h.Call("a", linear.Write("x", "1"))
		h.Call("b", linear.Read("x")).Return(value("1"))
		h.Call("b", linear.Read("x")).Return(value(""))
	}, linear.Violation, 3},
	{"a failed write that is seen", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Write("x", "1")).Fail(errors.New("refused"))
		h.Call("b", linear.Read("x")).Return(value("1"))
	}, linear.Violation, 2},
	{"an unknown read", func(h *linear.RegisterHistory) {
		h.Call("b", linear.Read("x")).Unknown()
		h.Call("a", linear.Write("x", "1")).Return(done)
	}, linear.Linearizable, 0},
	{"a swap that takes place", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Swap("x", "", "1")).Return(swapped)
		h.Call("b", linear.Swap("x", "", "2")).Return(done)
		h.Call("b", linear.Read("x")).Return(value("1"))
	}, linear.Linearizable, 0},
	{"two swaps of one value", func(h *linear.RegisterHistory) {
		a, b := h.Call("a", linear.Swap("x", "", "1")), h.Call("b", linear.Swap("x", "", "2"))
		a.Return(swapped)
		b.Return(swapped)
	}, linear.Violation, 2},
	{"an unknown swap", func(h *linear.RegisterHistory) {
		h.Call("a", linear.Swap("x", "", "1")).Unknown()
		h.Call("a", linear.Swap("x", "1", "2")).Return(swapped)
	}, linear.Linearizable, 0},
	{"what a register does not know", func(h *linear.RegisterHistory) {
		h.Call("a", linear.RegisterOp{Kind: "clear"}).Return(done)
	}, linear.Violation, 1},
}

func TestRegisters(t *testing.T) {
	for _, c := range registerCases {
		t.Run(c.name, func(t *testing.T) {
			var h linear.RegisterHistory
			c.tell(&h)
			expect(t, linear.Check(&h, linear.Register(), linear.Limits{}), c.want, c.op)
		})
	}
}

func expect(t *testing.T, r linear.Result, want linear.Verdict, op int) {
	t.Helper()
	if r.Verdict != want || r.Op != op || (r.Err() == nil) != (want == linear.Linearizable) {
		t.Errorf("got %v at operation %d, want %v at %d: %v", r.Verdict, r.Op, want, op, r.Err())
	}
}

func TestQueues(t *testing.T) {
	got := func(v string) linear.QueueResult { return linear.QueueResult{Value: v} }
	empty := linear.QueueResult{Empty: true}
	for _, c := range []struct {
		name string
		tell func(h *linear.QueueHistory)
		want linear.Verdict
		op   int
	}{
		{"first in, first out", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("q")).Return(got("1"))
			h.Call("b", linear.Dequeue("q")).Return(got("2"))
			h.Call("b", linear.Dequeue("q")).Return(empty)
		}, linear.Linearizable, 0},
		{"last in, first out", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("q")).Return(got("2"))
		}, linear.Violation, 3},
		{"one value twice", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("q")).Return(got("1"))
			h.Call("c", linear.Dequeue("q")).Return(got("1"))
		}, linear.Violation, 4},
		{"empty, and it is not", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("q")).Return(empty)
		}, linear.Violation, 3},
		{"a value, and it is empty", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("other")).Return(got("1"))
		}, linear.Violation, 3},
		{"another queue", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("other")).Return(empty)
		}, linear.Linearizable, 0},
		{"an unknown dequeue that took one", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("q")).Unknown()
			h.Call("c", linear.Dequeue("q")).Return(got("2"))
			h.Call("c", linear.Dequeue("q")).Return(empty)
		}, linear.Linearizable, 0},
		{"an unknown dequeue that took none", func(h *linear.QueueHistory) {
			h.Call("b", linear.Dequeue("q")).Unknown()
			h.Call("c", linear.Dequeue("q")).Return(got("1"))
			h.Call("c", linear.Dequeue("q")).Return(got("2"))
		}, linear.Linearizable, 0},
		{"an unknown enqueue", func(h *linear.QueueHistory) {
			h.Call("a", linear.Enqueue("q", "3")).Unknown()
			h.Call("c", linear.Dequeue("q")).Return(got("1"))
			h.Call("c", linear.Dequeue("q")).Return(got("2"))
			h.Call("c", linear.Dequeue("q")).Return(empty)
			h.Call("c", linear.Dequeue("q")).Return(got("3"))
		}, linear.Linearizable, 0},
		{"what a queue does not know", func(h *linear.QueueHistory) {
			h.Call("a", linear.QueueOp{Kind: "peek", Queue: "q"}).Return(got("1"))
		}, linear.Violation, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h linear.QueueHistory
			h.Call("a", linear.Enqueue("q", "1")).Return(linear.QueueResult{})
			h.Call("a", linear.Enqueue("q", "2")).Return(linear.QueueResult{})
			c.tell(&h)
			expect(t, linear.Check(&h, linear.Queue(), linear.Limits{}), c.want, c.op)
		})
	}
}

func TestLogs(t *testing.T) {
	a, b := history.Record{Offset: 0, Value: "a"}, history.Record{Offset: 1, Value: "b"}
	x := history.Record{Offset: 2, Value: "c"}
	for _, c := range []struct {
		name string
		tell func(l *history.Log)
		want linear.Verdict
		op   int
	}{
		{"reads of all and of some", func(l *history.Log) {
			l.LinearizableRead("r", 0).Return(history.Records(a, b))
			l.LinearizableRead("r", 1).Return(history.Records(b))
			l.LinearizableRead("r", 0).Return(history.Some(a))
			l.LinearizableRead("r", 2).Return(history.Records())
			l.LinearizableRead("r", 9).Return(history.Records())
		}, linear.Linearizable, 0},
		{"a read that misses one", func(l *history.Log) {
			l.LinearizableRead("r", 0).Return(history.Records(a))
		}, linear.Violation, 3},
		{"a read that may miss one, and looks", func(l *history.Log) {
			l.Read("r", 0).Return(history.Records(a))
			l.Final("n", a)
			l.LinearizableRead("r", 0).Return(history.Records(a, b))
		}, linear.Linearizable, 0},
		{"a hole", func(l *history.Log) {
			l.Produce("w", "c").Return(history.At(2))
			l.LinearizableRead("r", 0).Return(history.Records(a, x))
		}, linear.Violation, 4},
		{"an offset that is taken", func(l *history.Log) {
			l.Produce("w", "c").Return(history.At(1))
		}, linear.Violation, 3},
		{"an unknown produce that happened", func(l *history.Log) {
			l.Produce("w", "c").Unknown()
			l.LinearizableRead("r", 0).Return(history.Records(a, b))
			l.LinearizableRead("r", 0).Return(history.Records(a, b, x))
			l.Produce("w", "d").Return(history.At(3))
		}, linear.Linearizable, 0},
		{"a read below the log", func(l *history.Log) {
			l.LinearizableRead("r", -1).Return(history.Records(history.Record{Offset: -1, Value: "a"}))
		}, linear.Violation, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log history.Log
			log.Produce("w", "a").Return(history.At(0))
			log.Produce("w", "b").Return(history.At(1))
			c.tell(&log)
			expect(t, linear.Check(&log.History, linear.Log(), linear.Limits{}), c.want, c.op)
		})
	}
}

func TestAModelOfOnesOwn(t *testing.T) {
	counter := linear.Model[int, string, int]{
		Name: "counter",
		Step: func(s int, _ string, out *int) (int, bool) { return s + 1, out == nil || *out == s+1 },
	}
	var h history.History[string, int]
	h.Call("a", "add").Unknown()
	h.Call("b", "add").Return(2)
	h.Call("b", "add").Return(3)
	expect(t, linear.Check(&h, counter, linear.Limits{}), linear.Linearizable, 0)
	h.Call("b", "add").Return(3)
	r := linear.Check(&h, counter, linear.Limits{})
	expect(t, r, linear.Violation, 4)
	var page strings.Builder
	if err := r.Picture(&page); err != nil || !strings.Contains(page.String(), "#4 b: add = 3") {
		t.Errorf("no picture of it: %v", err)
	}
}

func TestAModelWithoutStepIsMisuse(t *testing.T) {
	defer func() {
		if told := recover(); told != "linear: the model counter has no Step" {
			t.Errorf("panicked with %v", told)
		}
	}()
	var h history.History[string, int]
	linear.Check(&h, linear.Model[int, string, int]{Name: "counter"}, linear.Limits{})
}
