// The package of rpcreplay's and go-replayers' recordings: what it is for.

// Package rpcreplay holds tests that hold the drop-in packages and the import
// of recordings against the originals: cloud.google.com/go/rpcreplay and
// github.com/google/go-replayers/grpcreplay. What those record is replayed
// here, what is recorded here is exported and replayed there, and their own
// tests are run on the drop-ins.
//
// It is a module of its own, so that what they require moves nobody's
// requirements.
package rpcreplay
