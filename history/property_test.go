// Properties: what is right passes, and each damage is found as what it is.

package history_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/history"
)

func TestARightLogPasses(t *testing.T) {
	for seed := range uint64(300) {
		log := generate(seed, 20+int(seed)).replay()
		if err := log.Check(history.LogConfig{AllowEmpty: true}).Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestARightLogPassesWithoutFinalLogs(t *testing.T) {
	for seed := range uint64(300) {
		s := generate(seed, 20+int(seed))
		s.finals = nil
		if err := s.replay().Check(history.LogConfig{AllowEmpty: true}).Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestEachDamageIsFoundAsWhatItIs(t *testing.T) {
	for _, d := range damages {
		t.Run(string(d.kind), func(t *testing.T) {
			planted := 0
			for seed := range uint64(300) {
				s := generate(seed, 200)
				if !d.plant(s) {
					continue
				}
				planted++
				report := s.replay().Check(history.LogConfig{})
				if got := kindsOf(report); got != string(d.kind) {
					t.Fatalf("seed %d: found %q: %v", seed, got, report.Err())
				}
			}
			if planted < 100 {
				t.Errorf("planted in %d of 300 histories only", planted)
			}
			t.Logf("planted and found %d times", planted)
		})
	}
}

// kindsOf names the kinds of a report's findings, as "lost stale".
func kindsOf(r history.Report) string {
	var kinds []string
	for _, f := range r.Findings {
		kinds = append(kinds, string(f.Kind))
	}
	return strings.Join(slices.Compact(kinds), " ")
}
