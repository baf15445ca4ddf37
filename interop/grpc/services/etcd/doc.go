// The package of etcd: what it is for.

// Package etcd holds the tests with etcd and its client.
package etcd
