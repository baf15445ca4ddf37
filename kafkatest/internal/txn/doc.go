// What the package is for, and where it parts from Kafka.

// Package txn is the transaction coordinator of a whole cluster as a plain
// state machine: who owns a transactional id, what its transaction has touched,
// and when it commits, aborts, is fenced, times out or is forgotten.
//
// It follows Apache Kafka's coordinator (KIP-98, KIP-360, KIP-588, KIP-664,
// KIP-890), and parts from it in three places, all of them for the sake of
// tests:
//
//   - A transaction completes at once: its markers are written before EndTxn is
//     answered, unless a test holds them back ([Coordinator.HoldCompletion]) or
//     a partition cannot take one yet.
//   - A transaction that is too old aborts at its very deadline, not at the
//     next round of a cleaner.
//   - Producer ids come from the seed and from names, not from a counter.
//
// The package knows the cluster only as the interface [Cluster].
package txn
