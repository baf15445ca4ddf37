// What the package is for.

// Package kafkatest is a stand-in for a Kafka cluster: programmable to the
// byte, and stateful enough that unmodified clients take it for a real one. It
// runs in the test's process, on real sockets or on a virtual network, and
// starts in less than a millisecond.
package kafkatest
