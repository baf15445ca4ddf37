// What the package is for.

// Package walfs keeps hashicorp/raft-wal, unmodified, on a file system that it
// is handed, so that a test can let the disk forget what was not synced. It
// opens, creates, preallocates and syncs as raft-wal's own package fs does;
// only its metadata is kept in a file that is replaced whole, since BoltDB
// knows real files alone.
package walfs
