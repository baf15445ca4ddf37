// What this package is for.

// Package grpc holds benchmarks of grpcreplay beside what it replaces,
// cloud.google.com/go/rpcreplay and github.com/google/go-replayers/grpcreplay,
// and beside gRPC with nothing between, all in one run and with one client. It
// has nothing to import; README.md, a directory above, says how to run it and
// what was measured.
package grpc
