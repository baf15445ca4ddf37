// What the package is for.

// Package grpcreplay records gRPC calls and answers them again.
package grpcreplay
