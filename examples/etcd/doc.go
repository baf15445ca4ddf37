// What the package is for.

// Package etcd is a program to rehearse with that others wrote: a whole etcd
// server, of one member, as an etcd binary runs it, with its write-ahead log and
// its bbolt database in a real directory. Only the listener is handed in. The
// test beside it crashes the server, and lets leases expire without waiting.
package etcd
