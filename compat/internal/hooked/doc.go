// What the package is for.

// Package hooked holds what the drop-in packages share: recorders and
// replayers that call back as those of cloud.google.com/go/rpcreplay and
// github.com/google/go-replayers/grpcreplay do. There a callback gets the
// messages of unary calls, in the program's own types, and nothing of streams.
package hooked
