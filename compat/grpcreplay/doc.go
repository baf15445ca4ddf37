// What the package is for.

// Package grpcreplay is github.com/google/go-replayers/grpcreplay on top of
// rehearse's package of the same name: an existing program changes the import
// line and nothing else, or not even that, with the module in
// compat/replace/go-replayers/grpcreplay.
//
//	import "github.com/rehearse-go/rehearse/compat/grpcreplay" // was "github.com/google/go-replayers/grpcreplay"
//
// Recordings of the original, binary and text, are replayed as they are. What
// is recorded anew is in our text form, and holds what the original leaves
// out: headers, trailers, half-closes, causes. Where a program can tell the
// difference, docs/from-rpcreplay.md says how.
package grpcreplay
