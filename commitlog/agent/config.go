// What an agent is made of.

package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"google.golang.org/grpc/stats"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/secure"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A TLS names the files of mutual TLS, in PEM: this side's certificate and its
// key, and the authorities whose certificates the other side must show. They
// are read again when they change. A zero TLS is plaintext.
type TLS struct{ Cert, Key, CA string }

func (t TLS) files() secure.Files { return secure.Files{Cert: t.Cert, Key: t.Key, CA: t.CA} }

// An ACL names the files of Casbin's model and policy: who may produce and
// consume, by the common name of a client's certificate, and which nodes may
// replicate. They are read again when they change. With a zero ACL, the client
// "root" may produce and consume, the node "peer" may replicate, and nobody
// else may do anything.
type ACL struct{ Model, Policy string }

// Gone says what becomes of a member that failed. One that leaves is removed
// at once; one that was shut down, or failed, stays a voter, so that it may
// come back and a cluster never shrinks by accident.
type Gone struct {
	// RemoveAfter is after what time a member that does not answer is removed
	// from the configuration, as long as most of the voters answer; if 0, never.
	RemoveAfter time.Duration
}

// A Config describes an [Agent]. The zero Config is a node that waits, on
// loopback, to be joined to a cluster; with Bootstrap it is a cluster of one.
type Config struct {
	Name string // unique in the cluster; if "", the host's name, which is unique on most networks
	Dir  string // where the log lies; if "", "rehearse-log": never a temporary place

	// Bootstrap founds a cluster, unless Dir holds a log, or one of the nodes in
	// Join has a cluster: so the same command starts the node each time, also
	// with an empty disk.
	Bootstrap bool

	Bind string   // Serf's address, for TCP and UDP; if "", 127.0.0.1:8401
	RPC  string   // the address of gRPC and of Raft; if "", 127.0.0.1:8400
	Join []string // Serf addresses of other nodes, of which one must answer some day

	// Advertise is how others reach RPC, if not by its own address: a name, or a
	// name and a port. If "", RPC's address; beyond loopback it must be told if
	// RPC has no host.
	Advertise string

	ServerTLS TLS    // for clients
	PeerTLS   TLS    // among the nodes; if zero, ServerTLS
	ACL       ACL    // who may do what
	GossipKey []byte // encrypts Serf's traffic: 16, 24 or 32 bytes; if nil, it is not encrypted

	// Plaintext says that RPC may go without TLS beyond loopback, where
	// everybody then may do everything. Without it New refuses that.
	Plaintext bool

	Segment int64            // bytes of a segment; if 0, 64 MiB
	Retain  commitlog.Retain // what of the log is kept; if zero, everything
	Gone    Gone             // what becomes of failed members; if zero, they stay

	Heartbeat time.Duration // Raft's tick; if 0, 100 ms
	Election  int           // ticks without a leader until an election; if 0, 10

	// Canonical answers offsets outside the log with gRPC's code OutOfRange; if
	// false it is 404, as clients of the service this one descends from expect.
	Canonical bool

	// Health is the address of plain HTTP for probes and metrics, /healthz,
	// /readyz and /metrics; if "", there is none: it asks nobody who they are.
	Health string
	// Gateway is the address of JSON over HTTP (POST / and GET /), with
	// ServerTLS and the ACL like gRPC; if "", there is none.
	Gateway string

	// FS is where the log lies; if nil, Dir, as a directory of the operating system.
	FS wal.FS

	// Listen and ListenPacket wait for connections and packets; if nil, on the
	// operating system's network. Who sets one sets both, since Serf needs both.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
	// ListenPacket: see Listen; if nil, the operating system's.
	ListenPacket func(ctx context.Context, network, address string) (net.PacketConn, error)
	// Dial makes connections; if nil, on the operating system's network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve turns the host in Advertise into addresses, since Serf tells
	// others an IP address; if nil, the operating system does.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)

	// Tick makes Raft's clock; if nil, a time.Ticker. Tests slow it down.
	Tick func(every time.Duration) (ticks <-chan time.Time, stop func())
	// Now tells the time of records, and by which certificates hold; if nil, time.Now.
	Now func() time.Time

	StatsHandlers []stats.Handler // of the gRPC server: OpenTelemetry's, for traces
	Logger        *slog.Logger    // if nil, nothing is logged
}

// with returns c with its zero fields filled in.
func (c Config) with() (Config, error) {
	if c.Name == "" {
		name, err := hostname()
		if err != nil {
			return c, fmt.Errorf("agent: Config.Name is empty, and the host has no name: %w", err)
		}
		c.Name = name
	}
	if c.Gone.RemoveAfter < 0 {
		return c, errors.New("agent: Config.Gone.RemoveAfter is negative; 0 never removes")
	}
	c.Dir = cmp.Or(c.Dir, "rehearse-log")
	c.Bind = cmp.Or(c.Bind, "127.0.0.1:8401")
	c.RPC = cmp.Or(c.RPC, "127.0.0.1:8400")
	if c.PeerTLS == (TLS{}) {
		c.PeerTLS = c.ServerTLS
	}
	if c.Listen == nil {
		var l net.ListenConfig
		c.Listen, c.ListenPacket = l.Listen, l.ListenPacket
	}
	if c.Dial == nil {
		var d net.Dialer
		c.Dial = d.DialContext
	}
	if c.ListenPacket == nil {
		return c, errors.New("agent: Config.Listen is set and Config.ListenPacket is not; Serf needs both")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
