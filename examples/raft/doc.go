// What the package is for.

// Package raft is a program to rehearse with: a list of words that its members
// agree on by hashicorp/raft and keep by hashicorp/raft-wal. It holds nothing
// that a test alone would need: what it asks of the world, it is handed by its
// [Config], and the test beside it starts three members, cuts their leader off
// or all of them down, and heals.
package raft
