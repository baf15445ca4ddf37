// One channel of etcd's client that a bubble cannot see through.

package etcd_test

import (
	_ "unsafe" // for go:linkname

	_ "go.etcd.io/etcd/client/v3"
)

// never is what all watches of the client wait on besides their own contexts.
// It is made when the process starts, and nobody ever sends on it or closes
// it. A goroutine that waits on what was made outside its bubble is not taken
// to rest, and the bubble's clock would stand still; on nil one waits just as
// long, and rests.
//
//go:linkname never go.etcd.io/etcd/client/v3.valCtxCh
var never chan struct{}

func init() { never = nil }
