// The same run again: how often, and what counts as the same.

package interop_test

import (
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnettest"
)

// rounds is how often a run is repeated: 25 times, or as often as
// $REHEARSE_ROUNDS says.
func rounds(t *testing.T) int {
	said := os.Getenv("REHEARSE_ROUNDS")
	if said == "" {
		return 25
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 2 {
		t.Fatalf("REHEARSE_ROUNDS=%q is not a number of at least 2", said)
	}
	return n
}

// same says how much alike two runs must be.
type same int

const (
	inShape    same = iota // who, whom, what and how much
	throughout             // time and payload too
)

// everyTime runs f over and over, each round as a test of its own, and fails
// unless all rounds leave the same journal.
func (s same) everyTime(t *testing.T, config func() vnettest.Config, f func(*vnettest.T)) {
	var first []journal.Event
	whole, shape := map[string]int{}, map[string]int{}
	for i := range rounds(t) {
		var events []journal.Event
		ok := t.Run(strconv.Itoa(i), func(t *testing.T) {
			vnettest.Run(t, config(), func(t *vnettest.T) {
				f(t)
				events = slices.Collect(t.Journal.Events(0))
			})
		})
		if !ok || len(events) == 0 {
			t.Fatalf("round %d failed, after %d events", i, len(events))
		}
		if first == nil {
			first = events
		}
		whole[written(t, slices.Values(events))]++
		shape[written(t, journal.Shapes(slices.Values(events)))]++
		if s.broken(len(shape), len(whole)) && !t.Failed() {
			t.Errorf("round %d differs:\n%s", i, journal.Diff(slices.Values(first), slices.Values(events)))
		}
	}
	t.Logf("%d rounds of %d events: %d distinct journals, %d distinct shapes",
		rounds(t), len(first), len(whole), len(shape))
}

func (s same) broken(shapes, journals int) bool {
	return shapes > 1 || s == throughout && journals > 1
}

// written is the text form of a journal, by which two are compared.
func written(t *testing.T, events iter.Seq[journal.Event]) string {
	t.Helper()
	var b strings.Builder
	if err := journal.Write(&b, journal.Header{}, events); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
