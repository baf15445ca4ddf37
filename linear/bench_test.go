// What a search costs, when it is easy and when it is not.

package linear_test

import (
	"fmt"
	"testing"

	"github.com/rehearse-go/rehearse/linear"
)

func BenchmarkCheckRegister(b *testing.B) {
	for _, steps := range []int{300, 3000, 6000} {
		b.Run(fmt.Sprint(steps/3), func(b *testing.B) {
			h := simulate(1, 0, steps)
			b.ReportAllocs()
			for b.Loop() {
				r := linear.Check(h, linear.Register(), linear.Limits{})
				b.ReportMetric(float64(r.Steps), "steps")
			}
		})
	}
}

func BenchmarkCheckThatIsUndecided(b *testing.B) {
	h := hard()
	b.ReportAllocs()
	for b.Loop() {
		if r := linear.Check(h, linear.Register(), linear.Limits{Steps: 1_000_000}); r.Verdict != linear.Undecided {
			b.Fatal(r.Verdict)
		}
	}
}
