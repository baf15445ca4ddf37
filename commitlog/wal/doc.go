// What the package is for.

// Package wal is a log on disk: entries of a replicated log in segments, with
// the records in them.
package wal
