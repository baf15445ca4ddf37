// What the package is for.

// Package client produces to a replicated commit log and consumes from it: it
// finds the cluster's nodes and its leader, follows both as they change, sends
// each call where it belongs, and tries again what is safe to try again.
//
//	c, err := client.New(client.Config{Addrs: []string{"127.0.0.1:8400"}})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	pos, err := c.Produce(ctx, client.Record{Value: []byte("hello")})
//	if err != nil {
//		return err
//	}
//	for r, err := range c.Consume(ctx, pos.Offset, client.Options{MinIndex: pos.Index}) {
//		fmt.Println(r.Offset, string(r.Value), err)
//	}
//
// # Where calls go
//
// Produce, and reads that are [commitlog.Linearizable], go to the leader. Other
// reads go where [Config.Read] says: by default round-robin to the followers,
// to the leader if there are none. Everything else goes to any node that is
// connected. [OnNode] names one node instead.
//
// A [Client] asks one node who is in the cluster and lets it push what changes;
// when that node is lost, another. A node that does not lead says who does, and
// the next attempt goes there at once. While nobody leads, calls wait.
//
// # What is tried again
//
// Reads are, until their context ends. A batch is, while it is certain that it
// is not in the log. A batch whose outcome nobody knows (the leader was lost on
// the way) is sent again only if it has a producer's ID and a sequence, by which
// the log knows it; without, the call fails with [commitlog.Uncertain].
//
// # Errors
//
// What the log says arrives as its own types, for [errors.As] and not for a type
// assertion: [commitlog.OffsetOutOfRange], [commitlog.TooLarge] and others.
// gRPC's code is in them too: status.Code of what the access rules forbid is
// PermissionDenied.
//
// # Other clients
//
// A client generated from the service's file, log.proto, or from that of its
// ancestor, dials any node by itself and needs nothing of this package.
// [Client.Conn] gives such a client this package's connections.
package client
