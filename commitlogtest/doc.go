// What the package is for.

// Package commitlogtest starts clusters of commit logs in a test, ready to be
// broken: agents with gRPC, Raft, Serf, mutual TLS and access rules, in a
// bubble of virtual time, on loopback, or as processes, as package clustertest
// has it.
//
//	func TestTheLogOutlivesItsLeader(t *testing.T) {
//		commitlogtest.Run(t, commitlogtest.Config{}, func(t *testing.T, c *commitlogtest.Cluster) {
//			c.AwaitVoters(3)
//			first := c.Leader()
//			c.Produce("one")
//			first.Crash()
//			c.Leader(first)
//			c.Produce("two")
//			first.Start()
//			c.AwaitEverywhere("one", "two")
//		})
//	}
//
// In a bubble that takes some twenty milliseconds, and is the same each time.
package commitlogtest
