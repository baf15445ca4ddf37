// What the package is for.

// Package kafka hunts in Kafka's clients, unmodified: brokers of package
// kafkatest are the nodes of a cluster that breaks, protocol errors and lost
// answers come on top, and what clients were told is checked against what the
// partitions hold.
package kafka
