// What the package is for.

// Package status takes the log's errors over the wire of gRPC: [ToStatus] at
// the server, [FromStatus] at the client. What a client may do with each code:
//
//	404 or OutOfRange   OffsetOutOfRange       nothing of that offset is here
//	Unavailable         NotLeader, Latched,    nothing was done; try again, elsewhere
//	                    ErrClosed
//	Aborted             Superseded             another entry stands at the index that was waited for
//	Unknown             Uncertain              it may be in the log: only a numbered batch can be sent again
//	FailedPrecondition  WrongSequence,         trying again does not help
//	                    WrongCluster
//	InvalidArgument     TooLarge               make it smaller
//	ResourceExhausted   Full                   nothing was done; try again when there is room
//	DataLoss            wal.Corrupt            the node's log is damaged there; read elsewhere
//	Canceled, DeadlineExceeded                 the context's own errors
//	Internal            everything else        the outcome is not known
//
// So Unavailable and Aborted from this service are always safe to try again
// blindly, which gRPC's own retry policies do. The same codes from gRPC itself,
// without a detail of ours, are not: a connection may break after a request
// has been taken.
//
// Every error of ours has a detail google.rpc.ErrorInfo, domain "commitlog",
// with a reason ("NOT_LEADER") and its fields as metadata ("leader_addr").
package status
