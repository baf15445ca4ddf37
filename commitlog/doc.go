// What the package is for.

// Package commitlog is a replicated commit log: records in one order, on the
// disks of several nodes.
package commitlog
