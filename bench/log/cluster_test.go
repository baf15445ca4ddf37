// Three nodes: what is measured, and the rows.

package log_test

import (
	"fmt"
	"testing"
)

// A cluster is three nodes of one kind in this process. They meet on TCP
// loopback, and each has a directory of its own on the same disk.
type cluster interface {
	// Produce gives the leader a record and returns when a majority has it,
	// as durably as the cluster's subject says. Many may call it at once.
	Produce(record []byte) error

	// Stop stops a node that does not lead.
	Stop() error

	// Restart starts the node that was stopped, and returns when it has all
	// that was produced, and what its own disk must have is there.
	Restart() error

	// Records returns what a node, 0 to 2, has, in order.
	Records(node int) ([][]byte, error)

	Close() error
}

// A clusterSubject is one kind of cluster. Open makes one in a directory that
// is empty, or starts again the one that was closed in it.
type clusterSubject struct {
	name string
	open func(dir string) (cluster, error)
}

// clusters are compared with the first.
var clusters = []clusterSubject{
	{"commitlog", openCommitCluster},
	{"hashicorp raft", openHashicorp},
	{"JetStream", openJetStreamCluster},
	{"etcd raft", openEtcd},
}

// BenchmarkReplicated has so many clients, each with one record under way.
// One operation is one record, from its client to its acknowledgement.
func BenchmarkReplicated(b *testing.B) {
	dir := scratch(b)
	for _, size := range sizes {
		for _, clients := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s from %d", size.name, clients), func(b *testing.B) {
				record := records(1, size.bytes)[0]
				for _, s := range clusters {
					runCluster(b, s, dir, func(b *testing.B, c cluster) {
						load(b, clients, 1, len(record), func() error { return c.Produce(record) })
					})
				}
			})
		}
	}
}

// catchUpBytes is how far behind a follower is when it starts again.
const catchUpBytes = 128 << 20

// BenchmarkCatchUp measures how fast a follower that was down gets what it has
// missed. One operation is one life of the follower: from its start, its own
// files' opening included, until it has everything.
func BenchmarkCatchUp(b *testing.B) {
	dir := scratch(b)
	for _, size := range sizes[1:] {
		b.Run(size.name, func(b *testing.B) {
			record := records(1, size.bytes)[0]
			for _, s := range clusters {
				runCluster(b, s, dir, func(b *testing.B, c cluster) {
					b.SetBytes(catchUpBytes)
					for range b.N {
						b.StopTimer()
						check(b, c.Stop())
						check(b, produceAll(c, catchUpBytes/len(record), func(int) []byte { return record }))
						b.StartTimer()
						check(b, c.Restart())
					}
				})
			}
		})
	}
}

// runCluster keeps one cluster through all of the benchmark's attempts to find
// its number of operations.
func runCluster(b *testing.B, s clusterSubject, dir string, run func(*testing.B, cluster)) {
	var c cluster
	b.Run(s.name, func(b *testing.B) {
		if c == nil {
			var err error
			c, err = s.open(subdirectory(b, dir))
			check(b, err)
		}
		run(b, c)
	})
	if c != nil {
		check(b, c.Close())
	}
}
