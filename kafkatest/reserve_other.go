// Ports of stopped brokers, where they cannot be kept.

//go:build !unix

package kafkatest

// reserve does nothing: a port may be taken while its broker is stopped, and
// Restart then fails.
func reserve(string) (release func()) { return func() {} }
