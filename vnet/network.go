// The network: its configuration, its hosts and its end.

package vnet

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/rule"
)

// A Config describes a network. The zero Config delivers everything as it is
// written, without delay or loss, and records nothing.
type Config struct {
	Seed    uint64           // decides every chance; the same seed, the same chances
	Link    LinkConfig       // of every link between two hosts that is not set otherwise
	Window  int              // bytes a direction holds before Write blocks; if 0, 256 KiB
	Backlog int              // connections a listener holds before Accept; if 0, 128
	MTU     int              // bytes of the largest datagram; if 0, 65,507 over IPv4 and 65,527 over IPv6
	Queue   int              // bytes of datagrams a socket holds unread; if 0, 208 KiB as Linux
	GiveUp  time.Duration    // after which unanswered bytes and dials time out; if 0, 2m7s
	Order   Order            // which waiting segment Step takes; if nil, ByName
	Journal *journal.Journal // where everything is recorded; if nil, nowhere

	// Settle waits until every goroutine of the program rests: in a
	// testing/synctest bubble it is synctest.Wait. If nil, Hold panics. It is
	// called only on the goroutine that steps.
	Settle func() `json:"-"`
}

// withDefaults returns c with every zero field filled in.
func (c Config) withDefaults() Config {
	c.Window = cmp.Or(c.Window, 256<<10)
	c.Backlog = cmp.Or(c.Backlog, 128)
	c.Queue = cmp.Or(c.Queue, 208<<10)
	c.GiveUp = cmp.Or(c.GiveUp, 127*time.Second)
	return c
}

// check tells what is wrong with a Config that cannot be.
func (c Config) check() error {
	if c.GiveUp < 0 || min(c.Window, c.Backlog, c.MTU, c.Queue) < 0 {
		return fmt.Errorf("%v: nothing of it may be negative", c)
	}
	return c.Link.check()
}

// String tells what differs from the zero Config, on one line, but for what has
// no text: Order, Journal and Settle.
func (c Config) String() string {
	s := fmt.Sprintf("seed=%d", c.Seed)
	add := func(set bool, format string, v any) {
		if set {
			s += " " + fmt.Sprintf(format, v)
		}
	}
	add(c.Link != LinkConfig{}, "%v", c.Link)
	add(c.Window != 0, "window=%d", c.Window)
	add(c.Backlog != 0, "backlog=%d", c.Backlog)
	add(c.MTU != 0, "mtu=%d", c.MTU)
	add(c.Queue != 0, "queue=%d", c.Queue)
	add(c.GiveUp != 0, "giveup=%v", c.GiveUp)
	return s
}

// What a network does beyond delivering at once; bits of Network.mode.
const (
	holding   = 1 << iota // segments wait for the test
	recording             // there is a journal
	ruling                // there are rules
)

// A Network is a set of hosts that reach each other, in memory. It starts no
// goroutine of its own; timers run only for what is delayed. In a
// testing/synctest bubble, make it inside.
//
// Locks are taken in this order: mu, a listener's, a connection's, then the
// leaves (held's, a link's, the journal's). None is held while waiting.
type Network struct {
	cfg   Config
	start time.Time
	mode  atomic.Uint32 // holding, recording, ruling
	step  atomic.Int64
	rules rule.List[Segment, Verdict]

	mu     sync.Mutex
	closed bool
	hosts  map[string]*Host
	order  []*Host // as they were added
	byAddr map[netip.Addr]*Host
	links  map[[2]*Host]*Link
	routes map[route]int // connections so far, for their numbers
	conns  conns
	parts  []*partition      // in force
	stuck  []*attempt        // dials that wait for a link to heal
	dials  map[*attempt]bool // dials whose callers wait

	pass atomic.Int64 // how many may pass a hold
	held held
}

// New returns a network without hosts. It panics when c asks for what cannot
// be: less than nothing, or a chance beyond 1.
func New(c Config) *Network {
	if err := c.check(); err != nil {
		panic("vnet: Config: " + err.Error())
	}
	n := &Network{
		cfg:    c.withDefaults(),
		start:  time.Now(),
		hosts:  map[string]*Host{},
		byAddr: map[netip.Addr]*Host{},
		links:  map[[2]*Host]*Link{},
		routes: map[route]int{},
		dials:  map[*attempt]bool{},
	}
	n.held.wake = make(chan struct{}, 1)
	if c.Journal != nil {
		n.mode.Store(recording)
	}
	return n
}

// now is the time since the network began.
func (n *Network) now() time.Duration { return time.Since(n.start) }

func (n *Network) is(bits uint32) bool { return n.mode.Load()&bits != 0 }

func (n *Network) set(bits uint32, on bool) {
	if on {
		n.mode.Or(bits)
	} else {
		n.mode.And(^bits)
	}
}

// Host returns the host of that name, which is added when it is new, with one
// IPv4 and one IPv6 address: 10.0.0.1 and fd00::1 for the first, and so on.
// Every host reaches itself as localhost, 127.0.0.1 and ::1 too.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.hosts[name]; h != nil {
		return h
	}
	if name == "" || name == "localhost" || strings.ContainsAny(name, " ,:>#|\t\n") {
		panic(fmt.Sprintf("vnet: a host cannot be named %q", name))
	}
	h := newHost(n, name, len(n.order)+1)
	n.hosts[name] = h
	n.order = append(n.order, h)
	n.byAddr[h.ip4], n.byAddr[h.ip6] = h, h
	return h
}

// Hosts yields the hosts in the order they were added.
func (n *Network) Hosts() iter.Seq[*Host] {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Values(slices.Clone(n.order))
}

// Rule adds a rule that is asked of every segment, in the order of adding;
// the first that decides wins. A rule runs outside of every lock and must not
// wait. Calling remove takes it away again.
func (n *Network) Rule(r rule.Rule[Segment, Verdict]) (remove func()) {
	return n.NamedRule("", r)
}

// NamedRule is Rule for a rule with a name, by which RuleStats calls it.
func (n *Network) NamedRule(name string, r rule.Rule[Segment, Verdict]) (remove func()) {
	taken := n.rules.AddNamed(name, r)
	n.set(ruling, true)
	return func() {
		taken()
		n.set(ruling, n.rules.Len() > 0)
	}
}

// RuleStats tells of every rule how often it was asked and how often it
// decided. One that never did usually means that the test does not test what
// it says; vnettest.Run logs those.
func (n *Network) RuleStats() []rule.Stat { return n.rules.Stats() }

// Close ends the network: every connection is reset, every listener and
// packet connection closed, every dial fails with net.ErrClosed. It is
// idempotent and returns nil.
func (n *Network) Close() error {
	n.mu.Lock()
	again := n.closed
	n.closed = true
	dials := slices.Collect(maps.Keys(n.dials))
	n.mu.Unlock()
	if !again && n.is(recording) {
		n.append(journal.Event{Kind: "net.close"}) // what follows is no program's doing
	}
	n.set(holding|recording, false)
	n.held.drop()
	for _, a := range dials {
		a.finish(errClosed)
	}
	for h := range n.Hosts() {
		h.shut()
	}
	n.held.signal()
	return nil
}

func (n *Network) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}
