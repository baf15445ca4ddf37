// The package of gRPC's suites: what it is for.

// Package grpc holds tests that run the suites by which others prove their
// gRPC implementations, through grpcreplay: recorded, and then replayed with
// the server gone. A suite that cannot tell the difference passes both times.
//
// It is a module of its own, so that what the suites require moves nobody's
// requirements, not even those of the other foreign programs.
package grpc
