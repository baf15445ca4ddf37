// What the package is for.

// Package state is a Kafka cluster as a plain value: brokers, topics, groups
// and transactions, and a method for every request. It has no goroutine, no
// lock, no clock and no I/O. The shell enters it under one lock, hands in the
// time, and wakes whoever got an answer meanwhile; ids come from the seed. The
// same requests in the same order at the same times make the same answers.
//
// Each family of APIs has a file with its handlers; what needs no knowledge of
// the others (logs, groups, transactions, security, settings) lies in packages
// beside this one, and is joined to it here.
package state
