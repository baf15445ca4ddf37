// Keyed chance: every draw a function of the seed, the fault's number and a count.

package faults

import (
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
)

// dice are the chances of one fault. No two faults share a generator, so that
// how much one of them draws never moves what another does.
type dice struct{ key, count uint64 }

// below returns a number of at least 0 and less than n.
func (d *dice) below(n int) int {
	d.count++
	return int(chance.Mix(d.key+d.count*chance.Golden) % uint64(n))
}

// time returns a time of that mean, at least one step and at most four means.
func (d *dice) time(mean time.Duration) time.Duration {
	steps := max(1, mean/step)
	one, other := d.below(int(2*steps+1)), d.below(int(2*steps+1))
	return step * max(1, time.Duration(one)*time.Duration(other)/steps)
}

// shuffled returns names in an order drawn.
func (d *dice) shuffled(names []string) []string {
	names = slices.Clone(names)
	for i := len(names) - 1; i > 0; i-- {
		j := d.below(i + 1)
		names[i], names[j] = names[j], names[i]
	}
	return names
}

// pick returns k of names, and the rest, each in the order of names.
func (d *dice) pick(k int, names []string) (picked, rest []string) {
	chosen := d.shuffled(names)[:k]
	picked = among(names, chosen)
	rest = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(chosen, n) })
	return picked, rest
}

// some returns mostly one of names, and at times any number, so that all of
// them go down at once now and then.
func (d *dice) some(names []string) []string {
	k := 1
	if d.below(4) == 0 {
		k = 1 + d.below(len(names))
	}
	picked, _ := d.pick(k, names)
	return picked
}
