// What the package is for.

// Package rpcreplay is cloud.google.com/go/rpcreplay on top of package
// grpcreplay: an existing program changes the import line and nothing else.
//
//	import "github.com/rehearse-go/rehearse/compat/rpcreplay" // was "cloud.google.com/go/rpcreplay"
//
// Recordings of the original are replayed as they are. What is recorded anew
// is in grpcreplay's text form, whatever the file is called, and holds what the
// original leaves out: headers, trailers, half-closes, causes. Where a program
// can tell the difference, docs/from-rpcreplay.md says how.
package rpcreplay
