// Keyed chance: every draw a function of seed, connection and count.

package loopback

import "time"

// draws names the chances of one transmission: no generator is shared, so that
// what happens on one connection never moves another's chances.
type draws struct{ key uint64 }

// Salts keep the chances of one transmission apart.
const (
	saltJitter = iota << 8
	saltLoss
	saltDuplicate
	saltReorder
	saltCorrupt
	saltBit
)

// key returns what the chances of the named direction begin from.
func (n *Network) key(direction string) uint64 {
	h := n.cfg.Seed
	for i := range len(direction) {
		h = mix(h ^ uint64(direction[i]))
	}
	return h
}

// keyed returns the chances of the count-th transmission of a key's direction.
func keyed(key, count uint64) draws { return draws{mix(key ^ count*golden)} }

func (d draws) number(salt uint64) uint64 { return mix(d.key + (salt+1)*golden) }

// chance tells whether something of probability p happens.
func (d draws) chance(salt uint64, p float64) bool {
	return p > 0 && float64(d.number(salt)>>11)/(1<<53) < p
}

// jitter returns a duration of at least 0 and less than most.
func (d draws) jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(d.number(saltJitter) % uint64(most))
}

const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z += golden
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
