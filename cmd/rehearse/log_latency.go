// How long things took: a count of each, to a few percent, in a place of fixed size.

package main

import (
	"math"
	"math/bits"
	"time"
)

// latencies count durations: each power of two is parted into 32, so a
// duration is told to 3 percent. The zero latencies are empty.
type latencies struct {
	counts [64 * 32]uint64
	total  uint64
	max    time.Duration
}

// add counts a duration.
func (l *latencies) add(d time.Duration) {
	d = max(d, 0)
	l.counts[place32(uint64(d))]++
	l.total++
	l.max = max(l.max, d)
}

// join adds what others have counted.
func (l *latencies) join(o *latencies) {
	for i, n := range o.counts {
		l.counts[i] += n
	}
	l.total += o.total
	l.max = max(l.max, o.max)
}

// place32 is where a number is counted: below 64 by itself, else by its five
// highest bits behind the first.
func place32(n uint64) int {
	if n < 64 {
		return int(n)
	}
	shift := bits.Len64(n) - 6
	return shift*32 + int(n>>shift)
}

// value32 is the largest number counted at a place.
func value32(place int) uint64 {
	if place < 64 {
		return uint64(place)
	}
	shift := place/32 - 1
	return (uint64(place%32+32)+1)<<shift - 1
}

// at is the duration that a share of all did not exceed.
func (l *latencies) at(share float64) time.Duration {
	due := uint64(math.Ceil(share * float64(l.total)))
	seen := uint64(0)
	for place, n := range l.counts {
		if seen += n; n > 0 && seen >= due {
			return min(time.Duration(value32(place)), l.max).Round(time.Microsecond)
		}
	}
	return 0
}
