// What the package is for.

// Package etcd hunts in etcd, its server and its client, unmodified: one
// server is crashed, parted and paused while clients put, get, watch and keep
// leases alive. What they were told must be one linearizable history, in which
// a watch misses nothing and no put happens twice.
package etcd
