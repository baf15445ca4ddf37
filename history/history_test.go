// Keeping operations: positions, outcomes, the limit, the journal.

package history_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/journal"
)

func TestOperationsKeepTheirOrderAndTheirOutcome(t *testing.T) {
	var h history.History[string, int]
	a, b := h.Call("a", "ask"), h.Call("b", "ask")
	c, d := h.Call("c", "ask"), h.Call("d", "ask")
	b.Return(7)
	a.Fail(errors.New("refused"))
	c.Unknown()
	_ = d
	want := []string{
		"#1 a: ask failed: refused [1,6]", "#2 b: ask = 7 [2,5]", "#3 c: ask = ? [3,-]", "#4 d: ask = ? [4,-]",
	}
	for i, op := range h.Ops() {
		if op.String() != want[i] || op.ID != i+1 {
			t.Errorf("operation %d is %v, want %s", op.ID, op, want[i])
		}
	}
}

func TestUnknownCanBeDeferred(t *testing.T) {
	var h history.History[string, int]
	func() {
		op := h.Call("a", "ask")
		defer op.Unknown()
		op.Return(1)
	}()
	if op := h.Ops()[0]; op.Outcome != history.Returned {
		t.Errorf("a deferred Unknown overwrote the return: %v", op)
	}
}

func TestAnOperationEndsOnce(t *testing.T) {
	var h history.History[string, int]
	for name, again := range map[string]func(*history.Call[string, int]){
		"return": func(c *history.Call[string, int]) { c.Return(2) },
		"fail":   func(c *history.Call[string, int]) { c.Fail(errors.New("late")) },
	} {
		op := h.Call("a", "ask")
		op.Unknown()
		func() {
			defer func() {
				if told := fmt.Sprint(recover()); told != "history: a's operation ask ended twice" {
					t.Errorf("%s after unknown: panicked with %q", name, told)
				}
			}()
			again(op)
		}()
	}
}

func TestALimitKeepsTheFirstAndCountsTheRest(t *testing.T) {
	h := history.History[string, int]{Limit: 2}
	for range 5 {
		h.Call("a", "ask").Return(1)
	}
	if h.Len() != 2 || h.Dropped() != 3 {
		t.Errorf("kept %d, dropped %d; want 2, 3", h.Len(), h.Dropped())
	}
	if err := h.Save(new(strings.Builder)); err == nil {
		t.Error("a history that is not whole was saved")
	}
}

func TestTheJournalIsToldWhoAskedWhatAndWhatCameOfIt(t *testing.T) {
	var j journal.Journal
	h := history.History[string, int]{Journal: &j}
	a := h.Call("a", "ask")
	b := h.Call("b", "beg")
	b.Fail(errors.New("refused"))
	a.Return(7)
	c := h.Call("c", "cry")
	c.Unknown()
	c.Unknown()
	want := []string{
		"op.call a ask 0 ", "op.call b beg 0 ", "op.fail b beg 2 refused",
		"op.return a ask 1 7", "op.call c cry 0 ", "op.unknown c cry 5 ",
	}
	var got []string
	for e := range j.Events(1) {
		got = append(got, fmt.Sprintf("%s %s %s %d %s", e.Kind, e.Where, e.Subject, e.Cause, e.Body))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if op := h.Ops()[2]; op.Event != 5 {
		t.Errorf("the third call is event %d, want 5", op.Event)
	}
}

func TestAnyGoroutineMayCall(t *testing.T) {
	var h history.History[int, int]
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 100 {
				h.Call(fmt.Sprint(g), i).Return(i)
			}
		})
	}
	all.Wait()
	ends := map[int]bool{}
	before := 0
	for _, op := range h.Ops() {
		if op.Called <= before || op.Returned <= op.Called || ends[op.Returned] || op.In != op.Out {
			t.Fatalf("%v came after position %d", op, before)
		}
		before = op.Called
		ends[op.Returned] = true
	}
	if h.Len() != 800 {
		t.Errorf("kept %d of 800", h.Len())
	}
}
