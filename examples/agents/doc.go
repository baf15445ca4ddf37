// What the package is for.

// Package agents is a program to rehearse with, of the size that services are:
// agents of a replicated log. They find each other by hashicorp/serf, agree by
// hashicorp/raft, and serve gRPC, everything under mutual TLS but the gossip.
//
// The libraries are used as they come. What an [Agent] asks of the world, it
// is handed by its [Config], so that the test beside it can run three of them
// on a network that parts and heals, in a few milliseconds.
package agents
