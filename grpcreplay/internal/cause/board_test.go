// What a board knows.

package cause_test

import (
	"math"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func newBoard(calls int) *cause.Board {
	t := &tape.Tape{}
	for range calls {
		t.Add(&tape.Call{Method: "/s.S/M"})
	}
	return cause.NewBoard(t)
}

func refs(numbers ...int) (all []tape.Ref) {
	for i := 0; i < len(numbers); i += 2 {
		all = append(all, tape.Ref{Call: numbers[i], Nth: numbers[i+1]})
	}
	return all
}

func TestWhatHasNotHappenedIsMissing(t *testing.T) {
	b := newBoard(3)
	after := refs(0, 1, 2, 2)
	steps := []struct {
		mark tape.Ref
		want []tape.Ref
	}{
		{tape.Ref{Call: 1, Nth: 1}, refs(0, 1, 2, 2)},
		{tape.Ref{Call: 2, Nth: 1}, refs(0, 1, 2, 2)},
		{tape.Ref{Call: 0, Nth: 1}, refs(2, 2)},
		{tape.Ref{Call: 0, Nth: 1}, refs(2, 2)},
		{tape.Ref{Call: 2, Nth: 3}, nil},
		{tape.Ref{Call: 2, Nth: 1}, nil},
	}
	for _, s := range steps {
		b.Mark(s.mark)
		if got := b.Missing(after); !slices.Equal(got, s.want) {
			t.Errorf("after %v there miss %v, want %v", s.mark, got, s.want)
		}
	}
}

func TestNothingIsMissingWhereNothingIsAwaited(t *testing.T) {
	if got := newBoard(1).Missing(nil); got != nil {
		t.Errorf("there miss %v", got)
	}
}

func TestWhatIsForgivenIsWaitedForNoLonger(t *testing.T) {
	b := newBoard(2)
	b.Forgive(refs(0, 2))
	if got := b.Missing(refs(0, 1, 0, 2, 0, 3, 1, 1)); !slices.Equal(got, refs(0, 3, 1, 1)) {
		t.Errorf("there miss %v", got)
	}
}

func TestAReferenceToNoCallNamesNothing(t *testing.T) {
	b := newBoard(1)
	wild := refs(1, 1, -1, 1, math.MaxInt, math.MaxInt, 0, math.MinInt)
	if got := b.Missing(wild); got != nil {
		t.Errorf("there miss %v", got)
	}
	for _, r := range wild {
		b.Mark(r)
	}
	b.Forgive(wild)
	if got := b.Missing(refs(0, 1)); len(got) != 1 {
		t.Errorf("wild marks count: there miss %v", got)
	}
	b.Mark(tape.Ref{Nth: math.MaxInt})
	if got := b.Missing(refs(0, math.MaxInt)); got != nil {
		t.Errorf("the highest number is marked and misses %v", got)
	}
}
