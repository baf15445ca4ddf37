// What a list costs where it is asked for every exchange.

package rule_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/rule"
)

func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name  string
		rules []rule.Rule[int, string]
	}{
		{"empty", nil},
		{"one that passes", []rule.Rule[int, string]{rule.Then(all.Not(), "x")}},
		{"one that decides", []rule.Rule[int, string]{rule.Then(all, "x")}},
		{"one that counts", []rule.Rule[int, string]{rule.Then(all.Every(3), "x")}},
		{"one by chance", []rule.Rule[int, string]{rule.Then(all.Chance(0.5, 1), "x")}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var l rule.List[int, string]
			for _, r := range c.rules {
				l.Add(r)
			}
			b.ReportAllocs()
			for b.Loop() {
				l.Decide(1)
			}
		})
	}
}
