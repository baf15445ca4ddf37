// What the package is for.

// Package setting knows Kafka's configs: of brokers, topics, groups and client
// metrics subscriptions, with the types, defaults, bounds and meaning that
// Apache Kafka 4.1 gives them, and resolves the value that holds when several
// layers have one.
//
// A topic's retention.ms, for example, is what was set on the topic; else what
// the broker was told dynamically, for itself or for all brokers, or in its
// file, under the names log.retention.ms, log.retention.minutes or
// log.retention.hours; else the default of those.
//
// # Where it differs from Kafka on purpose
//
//   - group.initial.rebalance.delay.ms is 0 rather than 3000: a test waits for
//     nobody. group.streams.initial.rebalance.delay.ms likewise.
//   - log.dir names a directory that is never touched.
package setting
