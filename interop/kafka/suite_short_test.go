// Suites in the length that every check can afford.

//go:build !suites

package kafka_test

// whole asks for the whole of each suite; without it, a few minutes are spent
// on the part that asks most of a cluster.
const whole = false
