// Suites in their whole length, which takes minutes.

//go:build suites

package kafka_test

// whole asks for the whole of each suite.
const whole = true
