// What the package is for.

// Package waltest holds the tests of commitlog/wal on disks that forget: what
// a crash, a failed sync, a full disk and decay may do to a log. It has nothing
// to import.
package waltest
