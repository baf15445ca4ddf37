// The package's documentation.

// Package cluster measures whole clusters of real programs: the examples'
// tests, as they are, in a bubble and on real sockets.
package cluster
