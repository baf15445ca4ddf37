// The network: its configuration, its hosts, and its end.

package loopback

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// A Config describes a network. The zero Config has perfect links and records
// nothing.
type Config struct {
	Seed    uint64           // decides every chance of links; what is late decides the rest
	Link    vnet.LinkConfig  // of every link between two hosts
	GiveUp  time.Duration    // after which unanswered dials and bytes are given up; if 0, 2m7s as vnet
	Journal *journal.Journal // where everything is recorded; if nil, nowhere
}

// A Network is a set of hosts that reach each other through relays on
// 127.0.0.1. All methods may be called from any goroutine.
type Network struct {
	cfg   Config
	start time.Time
	gate  *net.TCPListener // dials and children come here
	hub   *hub             // datagrams come here
	ctx   context.Context  // until Close
	end   context.CancelFunc
	owned sync.WaitGroup // every goroutine of the network's
	once  sync.Once

	mu      sync.Mutex
	closed  bool
	turned  chan struct{} // closed, and made anew, when a link or host has changed
	hosts   map[string]*Host
	order   []*Host // as they were added
	links   map[[2]*Host]*link
	parts   []*partition
	numbers map[route]int
	sockets int // opened so far
	relays  []*relay
	guests  map[net.Conn]bool // that wait for a relay, or are a child's control
	foreign []closer
}

// closer is what is closed with the network, last.
type closer interface{ Close() error }

// route is what connections are numbered by.
type route struct {
	from, to *Host
	port     uint16
}

// New opens a network without hosts. It fails when 127.0.0.1 cannot be
// listened on, and when c asks for what cannot be.
func New(c Config) (*Network, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("loopback: Config: %w", err)
	}
	c.GiveUp = cmp.Or(c.GiveUp, 127*time.Second)
	n := &Network{
		cfg: c, start: time.Now(), turned: make(chan struct{}),
		hosts: map[string]*Host{}, links: map[[2]*Host]*link{}, numbers: map[route]int{},
		guests: map[net.Conn]bool{},
	}
	n.ctx, n.end = context.WithCancel(context.Background())
	var err error
	if n.gate, err = listenHere(); err != nil {
		return nil, fmt.Errorf("loopback: opening the gateway: %w", err)
	}
	if n.hub, err = openHub(n); err != nil {
		n.gate.Close()
		return nil, fmt.Errorf("loopback: opening the gateway of datagrams: %w", err)
	}
	n.run(n.welcome)
	n.run(n.hub.receive)
	n.run(n.hub.fly)
	return n, nil
}

// check tells what is wrong with a Config that cannot be; of its Link, what
// vnet says.
func (c Config) check() error {
	if c.GiveUp < 0 {
		return fmt.Errorf("a GiveUp of %v: it must not be negative", c.GiveUp)
	}
	_, err := vnet.ParseFault(vnet.Fault{Kind: "link", A: "a", B: "b", Link: c.Link}.String())
	return err
}

// listenHere listens on a free port of 127.0.0.1.
func listenHere() (*net.TCPListener, error) {
	return net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

// run starts a goroutine that Close waits for; on a closed network it does
// nothing and says so.
func (n *Network) run(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.owned.Go(f)
	return true
}

// Host returns the host of that name, which is added when it is new, with the
// address 10.0.0.1 if it is the first, and so on. It panics when no host can
// be called so.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.hosts[name]; h != nil {
		return h
	}
	if name == "" || name == "localhost" || strings.ContainsAny(name, " ,:>#|/\t\n") {
		panic(fmt.Sprintf("loopback: a host cannot be named %q", name))
	}
	h := newHost(n, name, len(n.order)+1)
	n.hosts[name] = h
	n.order = append(n.order, h)
	return h
}

// Conns returns the names of the connections that are open, "app>api:80#0",
// in the order they were made.
func (n *Network) Conns() (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.relays {
		names = append(names, r.name)
	}
	return names
}

// Close ends the network: every connection is reset, every listener and
// packet connection closed, and every goroutine of the network's is waited
// for. It is idempotent and returns nil.
func (n *Network) Close() error {
	n.once.Do(func() {
		n.append(journal.Event{Kind: "net.close"}) // what follows is no program's doing
		n.mu.Lock()
		n.closed = true
		guests, relays, foreign := n.guests, slices.Clone(n.relays), n.foreign
		n.guests, n.foreign = nil, nil
		order := slices.Clone(n.order)
		n.mu.Unlock()
		n.end()
		n.gate.Close()
		n.hub.conn.Close()
		for c := range guests {
			reset(c)
		}
		for _, r := range relays {
			r.cut()
		}
		for _, c := range foreign {
			c.Close()
		}
		for _, h := range order {
			shutAll(n.takeSockets(h))
		}
	})
	n.owned.Wait()
	return nil
}

// append adds an event to the journal, if there is one and the network is
// open, and returns its Seq.
func (n *Network) append(e journal.Event) int {
	if n.cfg.Journal == nil || n.ctx.Err() != nil {
		return 0
	}
	return n.cfg.Journal.Append(e)
}

// changed lets everybody who waits for a link look again; mu is held.
func (n *Network) changed() {
	for _, l := range n.links {
		l.refresh()
	}
	close(n.turned)
	n.turned = make(chan struct{})
}

// lookup returns the host of a name; case and a dot at the end do not matter,
// as in the domain name system. mu is held.
func (n *Network) lookup(name string) *Host {
	name = strings.TrimSuffix(name, ".")
	if h := n.hosts[name]; h != nil {
		return h
	}
	for _, h := range n.order {
		if strings.EqualFold(h.name, name) {
			return h
		}
	}
	return nil
}

// at returns the host that a leads to, seen from h, or nil; mu is held.
func (n *Network) at(h *Host, a netip.Addr) *Host {
	if a = a.Unmap(); a.IsLoopback() || a.IsUnspecified() {
		return h
	}
	i := slices.IndexFunc(n.order, func(other *Host) bool { return other.ip4 == a })
	if i < 0 {
		return nil
	}
	return n.order[i]
}

// receive notes a connection that is to be closed with the network; on a
// closed one it resets it and says so.
func (n *Network) receive(c net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		reset(c)
		return false
	}
	n.guests[c] = true
	return true
}

// release forgets a connection that somebody else looks after now.
func (n *Network) release(c net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.guests, c)
}

// reset closes a connection so that its peer is reset.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
