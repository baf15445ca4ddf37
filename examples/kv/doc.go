// What the package is for.

// Package kv is a small program to rehearse with, of one's own and on the
// standard library alone: a key-value server that speaks lines over TCP and
// keeps a write-ahead log.
//
// The test beside it runs one body in a bubble, on real sockets and in real
// processes, and lets a storm of crashes look for a put that was acknowledged
// and is gone. There is none, unless Config.SyncEvery is set.
package kv
