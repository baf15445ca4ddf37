// What a node is made of.

package commitlog

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A Config describes a [Node]. Name, FS, Listener and Dial are required, the
// rest has defaults that serve.
type Config struct {
	Name string // unique in the cluster; it stays the same over restarts
	Addr string // where other nodes and clients reach the node; if "", the Listener's address

	// Bootstrap founds a cluster of this node alone, unless FS holds a log
	// already: so a node may always be started with it.
	Bootstrap bool

	FS      wal.FS // where the log lies; its root directory is the node's alone
	Segment int64  // bytes of a segment; if 0, 64 MiB: rolling costs a directory sync

	// Listener takes connections of other nodes; the node closes it. There is no
	// default: it carries whatever protects them, TLS for instance.
	Listener net.Listener
	// Dial makes those connections. There is no default, since it protects them
	// as the Listener does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	Retain Retain // zero keeps everything

	// MaxBatch is how many bytes of records one batch may have; if 0, 8 MiB.
	MaxBatch int
	// MaxWaiting is how many bytes of batches may wait to be replicated before
	// Produce blocks; if 0, 64 MiB.
	MaxWaiting int

	// Heartbeat is the length of a tick, in each of which a leader gives a sign
	// of life; if 0, 100 ms, which costs little and outlasts a collection.
	Heartbeat time.Duration
	// Election is after how many ticks without such a sign a follower asks for
	// votes; if 0, 10: a second, so that a slow disk costs nobody its leader.
	Election int

	// Tick makes the node's clock; if nil, a time.Ticker: tests slow it down.
	Tick func(every time.Duration) (ticks <-chan time.Time, stop func())
	// Now tells the time that records get; if nil, time.Now.
	Now func() time.Time

	Logger *slog.Logger // if nil, nothing is logged
}

// Retain says how much of the log is kept. The leader removes whole segments,
// from the oldest; it does so by an entry in the log, so that all nodes tell
// the same first offset.
type Retain struct {
	Bytes int64         // of segments, beyond which the oldest goes; if 0, any number
	Age   time.Duration // of a segment's newest record, beyond which it goes; if 0, any age
}

const (
	defaultSegment    = 64 << 20
	defaultMaxBatch   = 8 << 20
	defaultMaxWaiting = 64 << 20
	defaultHeartbeat  = 100 * time.Millisecond
	defaultElection   = 10
	maxMaxBatch       = 256 << 20 // what a peer takes in one frame
)

// with returns c with its zero fields filled in, or what is wrong with it.
func (c Config) with() (Config, error) {
	switch {
	case c.Name == "":
		return c, errors.New("commitlog: Config.Name is empty; give the node a name that no other node has")
	case c.FS == nil:
		return c, errors.New("commitlog: Config.FS is nil; say where the log lies")
	case c.Listener == nil || c.Dial == nil:
		return c, errors.New("commitlog: Config.Listener and Config.Dial are needed to reach other nodes")
	case c.Segment < 0 || c.MaxBatch < 0 || c.MaxWaiting < 0 || c.Heartbeat < 0 || c.Election < 0:
		return c, errors.New("commitlog: a size or time in Config is negative; 0 is the usual")
	case c.MaxBatch > maxMaxBatch:
		return c, errors.New("commitlog: Config.MaxBatch is more than 256 MiB, which no peer would take")
	case c.Election == 1:
		return c, errors.New("commitlog: Config.Election is 1; it must be more than the heartbeat's one tick")
	}
	c.Addr = cmp.Or(c.Addr, c.Listener.Addr().String())
	c.Segment = cmp.Or(c.Segment, defaultSegment)
	c.MaxBatch = cmp.Or(c.MaxBatch, defaultMaxBatch)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, defaultMaxWaiting)
	c.Heartbeat = cmp.Or(c.Heartbeat, defaultHeartbeat)
	c.Election = cmp.Or(c.Election, defaultElection)
	if c.Tick == nil {
		c.Tick = tick
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func tick(every time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}
