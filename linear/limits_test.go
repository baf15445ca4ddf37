// Limits: what is undecided, says why, and never passes.

package linear_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/linear"
)

// hard is a history that no search ends on soon: so many writes may have
// happened in so many orders, and none of them explains the last read.
func hard() *linear.RegisterHistory {
	var h linear.RegisterHistory
	for i := range 40 {
		h.Call(fmt.Sprint("c", i), linear.Write("x", fmt.Sprint(i))).Unknown()
	}
	h.Call("r", linear.Read("x")).Return(value("something else"))
	return &h
}

func TestASearchThatComesToALimitIsUndecided(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits linear.Limits
		why    string
	}{
		{"steps", linear.Limits{Steps: 1000}, "after 1000 steps: give the model a Key, use fewer clients"},
		{"memory", linear.Limits{Memory: 1 << 20}, "after 1 MiB of states: give the model a Key"},
		{"time", linear.Limits{Time: time.Millisecond}, "after 1ms: give the model a Key"},
		{"operations", linear.Limits{Ops: 40}, "41 operations of one key, more than the 40 that are searched: " +
			"give the model a Key, make the history shorter, or raise Limits.Ops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := linear.Check(hard(), linear.Register(), c.limits)
			err := r.Err()
			if r.Verdict != linear.Undecided || err == nil || !strings.Contains(err.Error(), c.why) ||
				!strings.Contains(err.Error(), `undecided, which is no pass (key "x")`) {
				t.Errorf("got %v: %v", r.Verdict, err)
			}
		})
	}
}

func TestALimitOfMemoryCountsWhatIsKept(t *testing.T) {
	var h linear.RegisterHistory
	for i := range 200 {
		w := h.Call("a", linear.Write("x", fmt.Sprint(i)))
		h.Call("b", linear.Read("x")).Return(value(fmt.Sprint(i)))
		w.Return(done)
	}
	// Each operation is taken once, and each state takes 210 bytes.
	if r := linear.Check(&h, linear.Register(), linear.Limits{Memory: 400 * 220}); r.Verdict != linear.Linearizable {
		t.Error(r.Err())
	}
	if r := linear.Check(&h, linear.Register(), linear.Limits{Memory: 200 * 200}); r.Verdict != linear.Undecided {
		t.Errorf("got %v, want undecided", r.Verdict)
	}
}

func TestStatesThatAreSeenAgainAreNotKeptAgain(t *testing.T) {
	const n = 12 // writes: 1 state for each set of them and each of its members as the last
	var h linear.RegisterHistory
	for i := range n {
		h.Call(fmt.Sprint("c", i), linear.Write("x", fmt.Sprint(i))).Unknown()
	}
	h.Call("r", linear.Read("x")).Return(value("something else"))
	r := linear.Check(&h, linear.Register(), linear.Limits{Memory: n << (n - 1) * 170})
	expect(t, r, linear.Violation, n+1)
}

func TestInABubbleTheCountedLimitsHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := linear.Check(hard(), linear.Register(), linear.Limits{Steps: 50_000, Time: time.Nanosecond})
		if r.Verdict != linear.Undecided || !strings.Contains(r.Why, "50000 steps") {
			t.Errorf("got %v: %v", r.Verdict, r.Err())
		}
		var h linear.RegisterHistory
		h.Call("a", linear.Write("x", "1")).Return(done)
		h.Call("b", linear.Read("x")).Return(value("2"))
		if r := linear.Check(&h, linear.Register(), linear.Limits{}); r.Verdict != linear.Violation {
			t.Errorf("got %v: %v", r.Verdict, r.Err())
		}
		if passed := time.Since(start); passed != 0 {
			t.Errorf("the bubble's clock went on by %v", passed)
		}
	})
}

func TestNothingIsUndecided(t *testing.T) {
	var none, unanswered linear.RegisterHistory
	unanswered.Call("a", linear.Write("x", "1")).Unknown()
	cut := linear.RegisterHistory{Limit: 1}
	cut.Call("a", linear.Write("x", "1")).Return(done)
	cut.Call("a", linear.Write("x", "2")).Return(done)
	for want, h := range map[string]*linear.RegisterHistory{"nothing to check": &none, "dropped 1 operations": &cut} {
		if r := linear.Check(h, linear.Register(), linear.Limits{}); r.Verdict != linear.Undecided ||
			!strings.Contains(r.Err().Error(), want) {
			t.Errorf("got %v: %v; want %s", r.Verdict, r.Err(), want)
		}
	}
	if r := linear.Check(&unanswered, linear.Register(), linear.Limits{}); r.Verdict != linear.Undecided {
		t.Errorf("nobody was answered, and it is %v", r.Verdict)
	}
	if (linear.Result{}).Err() == nil {
		t.Error("the zero result passes")
	}
}

func TestAViolationOfOneKeyIsFoundBesideAnUndecidedOne(t *testing.T) {
	h := hard()
	h.Call("r", linear.Read("y")).Return(value("1"))
	r := linear.Check(h, linear.Register(), linear.Limits{Ops: 10})
	if r.Verdict != linear.Violation || r.Key != "y" || r.Op != 42 || r.Why != "" {
		t.Errorf("got %v of %q at %d: %v", r.Verdict, r.Key, r.Op, r.Err())
	}
}

func TestTheFirstKeyThatIsUndecidedIsNamed(t *testing.T) {
	var h linear.RegisterHistory
	for _, key := range []string{"z", "y", "x", "y", "z", "w"} {
		h.Call("a", linear.Write(key, "1")).Return(done)
	}
	r := linear.Check(&h, linear.Register(), linear.Limits{Ops: 1})
	if r.Verdict != linear.Undecided || r.Key != "y" || r.Ops != 6 || r.Keys != 4 {
		t.Errorf("got %v of %q, %d operations of %d keys", r.Verdict, r.Key, r.Ops, r.Keys)
	}
}

func TestTheFirstAnswerThatCannotBeIsFoundWhereverItIs(t *testing.T) {
	for at := 1; at <= 40; at++ {
		var h linear.RegisterHistory
		for i := 1; i <= 40; i++ {
			out := value("")
			if i >= at {
				out = value("?")
			}
			h.Call("a", linear.Read("x")).Return(out)
		}
		expect(t, linear.Check(&h, linear.Register(), linear.Limits{}), linear.Violation, at)
	}
}

func TestAViolationIsNarrowedDownToItsFirstAnswer(t *testing.T) {
	var h linear.RegisterHistory
	for i := range 50 {
		h.Call("a", linear.Write("x", fmt.Sprint(i))).Return(done)
	}
	late := h.Call("w", linear.Write("x", "late"))
	h.Call("b", linear.Read("x")).Return(value("48"))
	late.Return(done)
	for range 50 {
		h.Call("b", linear.Read("x")).Return(value("late"))
	}
	r := linear.Check(&h, linear.Register(), linear.Limits{})
	expect(t, r, linear.Violation, 52)
	want := `linear: not linearizable as a register (key "x"): no order of these explains the answer marked >:
	  (41 more)
	  #42 a: write x "41" = "" [83,84]
	  #43 a: write x "42" = "" [85,86]
	  #44 a: write x "43" = "" [87,88]
	  #45 a: write x "44" = "" [89,90]
	  #46 a: write x "45" = "" [91,92]
	  #47 a: write x "46" = "" [93,94]
	  #48 a: write x "47" = "" [95,96]
	  #49 a: write x "48" = "" [97,98]
	  #50 a: write x "49" = "" [99,100]
	  #51 w: write x "late" = ? [101,-]
	> #52 b: read x = "48" [102,103]`
	if got := r.Err().Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCheckCountsWhatItJudged(t *testing.T) {
	var log history.Log
	log.Produce("w", "a").Return(history.At(0))
	log.Read("r", 0).Return(history.Records())
	log.LinearizableRead("r", 0).Unknown()
	r := linear.Check(&log.History, linear.Log(), linear.Limits{})
	if r.Verdict != linear.Linearizable || r.Ops != 1 || r.Keys != 1 || r.Steps == 0 || r.Model != "log" {
		t.Errorf("got %+v", r)
	}
}
