// Repeat: the same run again, many times, held to be the same.

package vnettest

import (
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

// Same says how much alike two runs must be.
type Same int

const (
	InShape    Same = iota // who, whom, what and how much
	Throughout             // time and payload too
)

// DefaultRounds is how often Repeat repeats.
const DefaultRounds = 25

// Repeat runs f again and again, each round a subtest with a bubble and a
// network of its own, and fails the test with the first difference unless all
// rounds leave the same journal. There are DefaultRounds rounds, or as many as
// $REHEARSE_ROUNDS says. c.Net.Journal must be nil.
func Repeat(t *testing.T, c Config, same Same, f func(*T)) {
	t.Helper()
	if c.Net.Journal != nil {
		t.Fatal("vnettest: Repeat makes a journal for each round; leave Config.Net.Journal nil")
	}
	var first []journal.Event
	whole, shapes := map[string]int{}, map[string]int{}
	n := rounds(t)
	for i := range n {
		events := oneRound(t, c, i, f)
		if first == nil {
			first = events
		}
		whole[written(t, slices.Values(events))]++
		shapes[written(t, journal.Shapes(slices.Values(events)))]++
		if len(shapes) > 1 || same == Throughout && len(whole) > 1 {
			t.Fatalf("vnettest: round %d is another run than round 0:\n%s", i, difference(same, first, events))
		}
	}
	t.Logf("%d rounds of %d events: %d distinct journals, %d distinct shapes", n, len(first), len(whole), len(shapes))
}

// difference is the first difference in what must be the same.
func difference(same Same, first, events []journal.Event) string {
	if same == InShape {
		return journal.Diff(journal.Shapes(slices.Values(first)), journal.Shapes(slices.Values(events)))
	}
	return journal.Diff(slices.Values(first), slices.Values(events))
}

// rounds returns how often to repeat.
func rounds(t *testing.T) int {
	said := os.Getenv("REHEARSE_ROUNDS")
	if said == "" {
		return DefaultRounds
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 2 {
		t.Fatalf("vnettest: $REHEARSE_ROUNDS is %q, not a number of at least 2", said)
	}
	return n
}

// oneRound runs f and returns what happened.
func oneRound(t *testing.T, c Config, i int, f func(*T)) (events []journal.Event) {
	t.Helper()
	ok := t.Run(strconv.Itoa(i), func(t *testing.T) {
		Run(t, c, func(t *T) {
			f(t)
			events = slices.Collect(t.Journal.Events(0))
		})
	})
	if !ok {
		t.FailNow()
	}
	return events
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
