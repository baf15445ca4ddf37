// What the package is for.

// Package commitlog is a replicated commit log: records in one order, on the
// disks of several nodes, that no crash of fewer than half of them loses.
//
//	files, err := wal.Dir("log")
//	...
//	node, err := commitlog.New(commitlog.Config{
//		Name: "n0", Bootstrap: true, FS: files,
//		Listener: listener, Dial: dialer.DialContext,
//	})
//	...
//	go node.Run(ctx)
//	pos, err := node.Produce(ctx, commitlog.Batch{Records: []commitlog.Record{{Value: []byte("hello")}}})
//	...
//	for r, err := range node.Read(ctx, pos.Offset, commitlog.ReadOptions{Follow: true}) {
//		fmt.Println(r.Offset, string(r.Value), err)
//	}
//
// A [Node] is a library: it has a network and a disk that it is given, and knows
// neither gRPC nor how nodes find each other. Package agent makes a service of
// it, package client is that service's client, package wal is the log alone.
//
// # What is promised
//
//  1. A batch that Produce has acknowledged is on the disks of a quorum, synced,
//     and stays at its offset. All its records are there, one behind the other.
//  2. Offsets begin at 0, have no holes, and are equal on every node.
//  3. A producer with an ID and sequences may send a batch again: it is in the
//     log once, and told where. The last five batches of the last ten thousand
//     producers are remembered.
//  4. A [Linearizable] read sees every batch that was acknowledged before it
//     began, on any node. Other reads see what their node has applied, never
//     what may still be replaced.
//  5. What is read was checked against its checksum. A log that is damaged is
//     refused with its place; a write that a crash has torn is cut off.
//  6. After a write or a sync that failed, a node acknowledges nothing more until
//     it is restarted ([Latched]). A full disk only makes it wait ([Full]).
//
// Not promised: that a batch which was not acknowledged is not in the log
// ([Uncertain]); that time stamps are right, only that they never go back.
//
// # Waiting
//
// Nothing needs to be polled for: WaitLeader, WaitMembers, WaitCommitted,
// WaitDurable, WaitApplied and WaitOffset return when it is so, WatchLeader and
// Events tell what happens as it does.
//
// # Members
//
// A node is the cluster's by its ID, which is new for each directory: one that
// has lost its disk comes back as another, which [Node.Join] puts in the old
// one's place. A member that fails stays one. It is a majority of the voters
// that decides, so two nodes bear no failure, three bear one, five two.
package commitlog
