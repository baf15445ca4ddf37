// What the package is for.

// Package gossip finds the other nodes of a cluster, and notices when they
// come, change, leave and fail. It is Serf, over the listeners and dialers that
// it is given.
//
// Without a key, whoever reaches the port can pretend to be a node: beyond
// loopback, give one. What is learned here is a hint; who has a vote is
// decided by the log.
package gossip
