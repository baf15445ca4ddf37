// What this package is for.

// Package kafka holds benchmarks of kafkatest beside the stand-ins that Go's
// clients bring along, franz-go's kfake and sarama's MockBroker, all in one
// run and with one client. It has nothing to import; README.md, a directory
// above, says how to run it and what was measured.
package kafka
