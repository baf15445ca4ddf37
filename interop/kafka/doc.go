// The package of Kafka's clients: what it is for.

// Package kafka holds tests that run Kafka clients of several languages,
// unmodified, against kafkatest: each client produces, consumes, joins groups,
// transacts, administers and logs in as it does with a real cluster.
//
// Clients in Go run in the test's process, on loopback and on the virtual
// network; the others are programs, which are skipped where they are not
// installed. What every client asked, API by API and version by version, is
// gathered into docs/kafka-support.md.
package kafka
