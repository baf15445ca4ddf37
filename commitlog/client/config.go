// What a client is told: where the nodes are, how they are reached, what is tried again.

package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"google.golang.org/grpc"
)

// A Preference says which nodes reads go to.
type Preference int

// The preferences. None of them ever fails for want of a node of its kind
// while another node answers, but for ReadLeader.
const (
	// ReadFollowers takes turns among the followers, so that the leader is left
	// to its writes; the leader, if there are none, and learners last.
	ReadFollowers Preference = iota
	// ReadLeader reads from the leader only: the newest, and no spread of load.
	ReadLeader
	// ReadAny takes turns among all nodes.
	ReadAny
)

// A Config describes a [Client]. Addrs is required, the rest has defaults that
// serve.
type Config struct {
	// Addrs are the addresses ("host:port") of some nodes: any of them, since
	// the others are learned from the first that answers.
	Addrs []string

	// TLS protects the connections; the server's name is the host of a node's
	// address, unless TLS.ServerName is set. If nil, connections are plain, and
	// then nodes beyond loopback are refused unless Plaintext says that it is
	// meant: for instance since Dial protects them.
	TLS *tls.Config
	// Plaintext allows that; if false, a forgotten TLS is an error and no leak.
	Plaintext bool

	// Dial makes a connection; if nil, a net.Dialer does. network is "tcp".
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Read says where reads go; if 0, ReadFollowers.
	Read Preference

	// Producer is the ID under which Produce sends; 0 is none. With one, no
	// batch is ever in the log twice, and an outcome becomes certain with time;
	// but the calls of Produce then share one sequence, in the order in which
	// they come. It must never have been used before: see [RandomProducer].
	Producer uint64

	// Retry says how long to wait between attempts; if zero, from 20 ms to 1 s:
	// soon enough for a failover, and no burden on a cluster that is down.
	Retry Retry

	// MaxInFlight is how many sends of one [Producer] may wait or be under way
	// before the next one blocks; if 0, 1,024: enough to fill batches while one
	// is under way.
	MaxInFlight int
	// MaxBatchBytes is up to how many bytes of records that wait are sent as
	// one batch; if 0, 1 MiB. One send is never parted: a larger one is a batch
	// of its own, and nodes refuse what is too large for them.
	MaxBatchBytes int

	// KeepAlive is after how long a silence a connection is asked for a sign of
	// life, with a third of that to answer; without it a node that is cut off
	// is noticed only when the leader changes. If 0, 15 seconds; gRPC takes no
	// less than 10. Negative turns it off.
	KeepAlive time.Duration

	// DialOptions come before the client's own, for instance handlers that
	// trace and count.
	DialOptions []grpc.DialOption

	Logger *slog.Logger // if nil, nothing is logged
}

// Retry says how long to wait between attempts. An attempt is made at once when
// the leader changes or a node says who leads; the wait is for what nobody
// tells. How long to try is the context's business. There is no jitter: it
// would be the one thing of a run that does not repeat.
type Retry struct {
	Min time.Duration // after the first failure; if 0, 20 ms; it doubles
	Max time.Duration // the longest; if 0, 1 s
}

const (
	defaultMin           = 20 * time.Millisecond
	defaultMax           = time.Second
	defaultMaxInFlight   = 1024
	defaultMaxBatchBytes = 1 << 20
	defaultKeepAlive     = 15 * time.Second
	maxMessage           = 257 << 20 // the largest record that a node may be told to take, and its frame
)

// with returns c with its zero fields filled in, or what is wrong with it.
func (c Config) with() (Config, error) {
	if len(c.Addrs) == 0 {
		return c, errors.New(`client: Config.Addrs is empty; give the address of a node, as "127.0.0.1:8400"`)
	}
	for i, a := range c.Addrs {
		if err := c.reachable(a); err != nil {
			return c, fmt.Errorf("client: Config.Addrs[%d]: %w", i, err)
		}
	}
	switch {
	case c.Read < ReadFollowers || c.Read > ReadAny:
		return c, fmt.Errorf("client: Config.Read is %d; it is ReadFollowers, ReadLeader or ReadAny", c.Read)
	case c.MaxInFlight < 0 || c.MaxBatchBytes < 0 || c.Retry.Min < 0 || c.Retry.Max < 0:
		return c, errors.New("client: a size or time in Config is negative; 0 is the usual")
	}
	c.Retry.Min = cmp.Or(c.Retry.Min, defaultMin)
	c.Retry.Max = max(cmp.Or(c.Retry.Max, defaultMax), c.Retry.Min)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultMaxInFlight)
	c.MaxBatchBytes = cmp.Or(c.MaxBatchBytes, defaultMaxBatchBytes)
	c.KeepAlive = cmp.Or(c.KeepAlive, defaultKeepAlive)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// reachable says why no connection may be made to an address.
func (c Config) reachable(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf(`%q is not an address; write "host:port"`, addr)
	}
	if c.TLS == nil && !c.Plaintext && !loopback(host) {
		return fmt.Errorf("%s is beyond loopback and Config.TLS is nil: "+
			"what is sent could be read and changed; set TLS, or Plaintext if that is meant", addr)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
