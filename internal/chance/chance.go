// Draws: the chances of one occasion, each by its number.

package chance

import "time"

// Golden is 2^64 divided by the golden ratio: odd, and far from any pattern.
const Golden = 0x9e3779b97f4a7c15

// Mix is the finaliser of splitmix64 (Steele, Lea and Flood, 2014).
func Mix(z uint64) uint64 {
	z += Golden
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Name returns the key of something named, below another key or a seed.
func Name(key uint64, name string) uint64 {
	for i := range len(name) {
		key = Mix(key ^ uint64(name[i]))
	}
	return key
}

// Draws are the chances of one occasion.
type Draws struct{ key uint64 }

// Keyed returns the chances of the count-th occasion of a key.
func Keyed(key, count uint64) Draws { return Draws{Mix(key ^ count*Golden)} }

// With returns the chances of one part of the occasion.
func (d Draws) With(part uint64) Draws { return Draws{Mix(d.key ^ part)} }

// Number returns the k-th number of d.
func (d Draws) Number(k uint64) uint64 { return Mix(d.key + (k+1)*Golden) }

// The numbers of one transmission are kept apart by what they are about.
const (
	Jitter = iota << 8
	Loss
	Duplicate
	Reorder
	Corrupt
	Bit
)

// Hits tells whether something of probability p happens, by the k-th number.
func (d Draws) Hits(k uint64, p float64) bool {
	return p > 0 && float64(d.Number(k)>>11)/(1<<53) < p
}

// Jitter returns a duration of at least 0 and less than most.
func (d Draws) Jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(d.Number(Jitter) % uint64(most))
}
