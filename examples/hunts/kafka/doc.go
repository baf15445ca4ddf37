// What the package is for.

// Package kafka hunts in Kafka's clients, unmodified: brokers of package
// kafkatest are the nodes of a cluster that breaks, protocol errors and lost
// answers come on top, and what clients were told is checked against what the
// partitions hold.
//
// What was found in November 2026, most of it by a sweep within seconds:
//
//   - franz-go v1.22.3: a transactional producer dials without a pause when no
//     broker can be reached (spin_test.go).
//   - kafka-go v0.4.51: a member of a group takes back what another has
//     committed, segmentio/kafka-go#1308, and a reader of committed records
//     delivers aborted ones, segmentio/kafka-go#1332 (commit_test.go).
//   - Kafka's transactions before KIP-890: a late request of one acts in the
//     next, and records are copied twice (late_test.go). With each client of
//     that protocol, and not with the later one.
//
// The tests of these pass while the finding is there. The sweeps beside them
// find nothing. To look longer:
//
//	go test -tags synctests -run 'Idempotent|AGroup' -rehearse.seeds=1000 .
package kafka
