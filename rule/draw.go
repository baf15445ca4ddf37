// Keyed randomness: each draw a function of its seed and its number.

package rule

// golden is 2^64 divided by the golden ratio: odd, and far from any pattern.
const golden = 0x9e3779b97f4a7c15

// draw returns the k-th number of the sequence that seed names, at least 0
// and less than 1. There is no generator to share, so none to disturb.
func draw(seed, k uint64) float64 {
	return float64(mix(mix(seed+golden)+k*golden)>>11) / (1 << 53)
}

// mix is the finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014). The seed goes through it before k
// is added, else neighbouring seeds would name the same sequence, shifted.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
