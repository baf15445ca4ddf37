// Draws stay what they are: a seed that failed must fail again in years.

package chance_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
)

func TestMixIsSplitmix64(t *testing.T) {
	// The first numbers of splitmix64 from the seed 0, as its authors' code gives them.
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := chance.Mix(uint64(i) * 0x9e3779b97f4a7c15); got != want {
			t.Errorf("number %d is %#x, want %#x", i, got, want)
		}
	}
}

func TestWhatHappensComesAsOftenAsItShould(t *testing.T) {
	happened := 0
	for count := range uint64(10_000) {
		d := chance.Keyed(chance.Name(1, "a>b"), count)
		if d.Hits(chance.Loss, 0.3) {
			happened++
		}
		if d.Hits(chance.Loss, 0) || !d.Hits(chance.Loss, 1) {
			t.Fatal("never happens, or always does not")
		}
		if j := d.Jitter(time.Second); j < 0 || j >= time.Second {
			t.Fatalf("a jitter of %v", j)
		}
	}
	if happened < 2800 || happened > 3200 {
		t.Errorf("3 in 10 happened %d times in 10,000", happened)
	}
}
