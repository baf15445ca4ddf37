// What a group is made of: its Config, its members, who is told.

package gossip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/hashicorp/memberlist"
)

// ClusterTag is the tag that tells clusters apart. Two nodes that both have it
// and do not agree refuse each other. A node that has none yet may join any.
const ClusterTag = "cluster"

// ErrClosed is returned by a group that was closed.
var ErrClosed = errors.New("gossip: closed")

// Config configures a [Group].
type Config struct {
	Name string // unique in the cluster; letters, digits, "-", "_", "."; if "", the host's name

	// Bind is where to listen, for streams and packets; if "", 127.0.0.1:8401.
	// Port 0 takes one that is free for both.
	Bind string

	// Advertise is where others reach this node; if "", where it listens. A
	// host's name is resolved once. Its port may be 0, or missing, for the one
	// that is listened on.
	Advertise string

	Tags map[string]string // what others learn of this node; together at most about 500 bytes
	Join []string          // addresses of others, tried in the background until one answers; if none, nobody is

	// Key encrypts gossip, with 16, 24 or 32 bytes (AES). If nil, gossip is
	// plain. Packets without it, or of another, are ignored.
	Key []byte

	Handler Handler      // who is told; if nil, nobody
	Logger  *slog.Logger // for what matters, and at debug for what Serf says; if nil, nobody's

	// Listen waits for streams; if nil, as net.ListenConfig does.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)

	// ListenPacket waits for packets; if nil, as net.ListenConfig does.
	ListenPacket func(ctx context.Context, network, address string) (net.PacketConn, error)

	// Dial opens streams, to members by IP address, and to Join's addresses as
	// they are; if nil, as net.Dialer does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Resolve turns the host in Advertise into addresses; if nil, the
	// operating system does. Hosts in Join are left to Dial.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// A Handler is told what happens, one thing at a time, in order, from one
// goroutine of the group, which waits for it. This node itself is not told
// of. If a Handler falls far behind, it is told only the last of several
// things about the same member. It must not close the group.
type Handler interface {
	Joined(Member)         // is there, for the first time or again
	Updated(Member)        // has changed its tags or its address
	Left(Member)           // has gone, and said so
	Failed(Member)         // does not answer; Serf keeps trying
	Refused(Member, error) // is turned away: [WrongCluster], [NameTaken]
}

// A State is what is known of a member.
type State int

// The states.
const (
	Alive State = iota
	Leaving
	Gone     // it has left
	NotThere // it does not answer
)

// String returns the state's name: "alive", "leaving", "left", "failed".
func (s State) String() string { return [...]string{"alive", "leaving", "left", "failed"}[s] }

// A Member is a node that was heard of.
type Member struct {
	Name  string
	Addr  string // where it gossips: an IP address and a port
	Tags  map[string]string
	State State
}

// A WrongCluster is the error when nodes of two clusters meet.
type WrongCluster struct {
	Member       Member
	Ours, Theirs string // the clusters, as their tags say
}

// Error says who is of which cluster, and what to do.
func (e WrongCluster) Error() string {
	return fmt.Sprintf("gossip: %s at %s is of cluster %q, this node of cluster %q; mend the addresses to join, "+
		"or give the node that is to move an empty directory", e.Member.Name, e.Member.Addr, e.Theirs, e.Ours)
}

// A NameTaken is the error when two nodes have one name. It is met for some
// seconds, too, by a node that comes back at another address, until the others
// notice that it is gone from the old one.
type NameTaken struct {
	Name        string
	Here, There string // the two addresses
}

// Error says where the two nodes are.
func (e NameTaken) Error() string {
	return fmt.Sprintf("gossip: the name %s is taken: by the node at %s, and at %s; names must be unique",
		e.Name, e.There, e.Here)
}

// nameForm is that of names of nodes; it keeps them apart from addresses.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// with returns c with defaults filled in, or what is wrong with it.
func (c Config) with() (Config, error) {
	if c.Name == "" {
		name, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("gossip: Config.Name is empty, and the host's name is not known: %w", err)
		}
		c.Name = name
	}
	if !nameForm.MatchString(c.Name) {
		return c, fmt.Errorf(`gossip: the name %q; want 1 to 128 letters, digits, "-", "_" and "."`, c.Name)
	}
	if n := len(c.Key); n != 0 && n != 16 && n != 24 && n != 32 {
		return c, fmt.Errorf("gossip: the key has %d bytes; want 16, 24 or 32, or none, for plain gossip", n)
	}
	c.Bind = cmp.Or(c.Bind, "127.0.0.1:8401")
	c.Tags = maps.Clone(c.Tags)
	for _, address := range c.Join {
		if err := checkAddress(address); err != nil {
			return c, err
		}
	}
	if c.Handler == nil {
		c.Handler = nobody{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.network()
	return c, checkTags(c.Tags)
}

func (c *Config) network() {
	var listen net.ListenConfig
	if c.Listen == nil {
		c.Listen = listen.Listen
	}
	if c.ListenPacket == nil {
		c.ListenPacket = listen.ListenPacket
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
}

// checkTags refuses tags that Serf cannot send, which is by their size in msgpack.
func checkTags(tags map[string]string) error {
	size := 1 + 3
	for key, value := range tags {
		size += 3 + len(key) + 3 + len(value)
	}
	if size > memberlist.MetaMaxSize {
		return fmt.Errorf("gossip: the tags need %d bytes; at most %d are allowed", size, memberlist.MetaMaxSize)
	}
	return nil
}

// checkAddress refuses what is no address to join. Serf gives "/" a meaning.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" || port == "0" || strings.Contains(address, "/") {
		return fmt.Errorf("gossip: %q is no address to join; want a host and a port, as in n0:8401", address)
	}
	return nil
}

// nobody is told nothing.
type nobody struct{}

func (nobody) Joined(Member)         {}
func (nobody) Updated(Member)        {}
func (nobody) Left(Member)           {}
func (nobody) Failed(Member)         {}
func (nobody) Refused(Member, error) {}
