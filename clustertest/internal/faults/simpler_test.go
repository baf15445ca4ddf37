// One fault made smaller.

package faults_test

import (
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

func TestAFaultIsMadeSimpler(t *testing.T) {
	for text, want := range map[string]string{
		"1s+5s crash a":        "1s+2.5s crash a",
		"1s+1.25s crash a":     "1s+620ms crash a",
		"1s+20ms crash a":      "1s+10ms crash a",
		"1s+15ms crash a":      "1s+10ms crash a",
		"1s+10ms crash a":      "",
		"1s+1ns crash a":       "",
		"1s crash a":           "1s+1s crash a",
		"1s reset a":           "",
		"1s restart a,b":       "1s restart b; 1s restart a",
		"1s+10ms part a,b":     "1s+10ms part b; 1s+10ms part a",
		"1s+10ms part a b,c":   "1s+10ms part a c; 1s+10ms part a b",
		"1s+10ms cut a,b c":    "1s+10ms cut b c; 1s+10ms cut a c",
		"1s+10ms ring a,b,c,d": "",
		"1s+10ms ring a,b,c,d,e": "1s+10ms ring b,c,d,e; 1s+10ms ring a,c,d,e; " +
			"1s+10ms ring a,b,d,e; 1s+10ms ring a,b,c,e; 1s+10ms ring a,b,c,d",
		"1s+10ms disk a,b x y":            "1s+10ms disk b x y; 1s+10ms disk a x y",
		"1s+10ms full a:80":               "",
		"1s+10ms clock a 0.2":             "1s+10ms clock a 0.6",
		"1s+10ms clock a 0.9":             "",
		"1s+10ms clock a 1":               "",
		"1s+10ms clock a 10":              "1s+10ms clock a 5.5",
		"1s+10ms clock a 1.1":             "",
		"1s+10ms slow a 1024":             "1s+10ms slow a 2048",
		"1s+10ms slow a 1048576":          "",
		"1s+10ms link a b perfect":        "",
		"1s+10ms link a b latency=300ms":  "1s+10ms link a b latency=150ms",
		"1s+10ms link a b latency=1ms":    "",
		"1s+10ms link a b loss=0.3":       "1s+10ms link a b loss=0.15",
		"1s+10ms link a b loss=0.15":      "1s+10ms link a b loss=0.07",
		"1s+10ms link a b loss=0.01":      "",
		"1s+10ms link a b bandwidth=1024": "1s+10ms link a b bandwidth=2048",
		"1s+10ms link a b jitter=20ms loss=0.01": "1s+10ms link a b loss=0.01; " +
			"1s+10ms link a b jitter=20ms; 1s+10ms link a b jitter=10ms loss=0.01",
	} {
		f, err := faults.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := faults.List(faults.Simpler(f)).String(); got != want {
			t.Errorf("simpler than %q is\n%q, want\n%q", text, got, want)
		}
	}
	if got := faults.Simpler(faults.Fault{What: "crush a"}); got != nil {
		t.Errorf("what is no fault is made into %v", got)
	}
}

func TestSimplifyingComesToAnEnd(t *testing.T) {
	for seed := range uint64(seeds) {
		drawn := faults.Draw(plan(seed))
		for _, f := range drawn[:min(1, len(drawn))] {
			simplest := simplify(f, 40)
			if simpler := faults.Simpler(simplest); len(simpler) > 0 {
				t.Fatalf("seed %d: %q comes to %q, and there is %q yet", seed, f, simplest, simpler)
			}
		}
	}
}

// simplify makes f simpler so many times, or as long as it can be.
func simplify(f faults.Fault, times int) faults.Fault {
	for range times {
		if simpler := faults.Simpler(f); len(simpler) > 0 {
			f = simpler[len(simpler)-1]
		}
	}
	return f
}

func TestASimplerFaultIsLegalWhereTheOldOneWas(t *testing.T) {
	for seed := range uint64(seeds) {
		p := plan(seed)
		drawn := faults.Draw(p)
		if len(drawn) == 0 {
			continue
		}
		i := int(seed) % len(drawn)
		for _, f := range faults.Simpler(drawn[i]) {
			l := slices.Clone(drawn)
			l[i] = f
			if err := faults.Conflicts(l, p.Nodes); err != nil {
				t.Fatalf("seed %d: %q for %q: %v", seed, f, drawn[i], err)
			}
			if err := faults.Majority(l, p.Nodes); p.Majority && err != nil {
				t.Fatalf("seed %d: %q for %q: %v", seed, f, drawn[i], err)
			}
		}
	}
}
