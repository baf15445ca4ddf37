// Links: how long bytes take from one host to another, and whether they get there.

package vnet

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
)

// A LinkConfig says how one host's bytes reach another. The zero LinkConfig
// is a perfect link. It is comparable.
type LinkConfig struct {
	Latency   time.Duration // one way
	Jitter    time.Duration // added at random: at least 0, less than Jitter
	Bandwidth int           // bytes a second; if 0, unlimited
	Queue     int           // bytes that wait for bandwidth before datagrams are lost; if 0, unlimited
	Loss      float64       // chance that a transmission is lost; streams send again
	Duplicate float64       // chance that a datagram arrives twice
	Reorder   float64       // chance that a datagram is held back behind later ones
	Corrupt   float64       // chance that one bit of a datagram flips
}

// String tells what differs from a perfect link: "latency=10ms loss=0.01".
func (c LinkConfig) String() string {
	var parts []string
	add := func(set bool, name string, v any) {
		if set {
			parts = append(parts, fmt.Sprintf("%s=%v", name, v))
		}
	}
	add(c.Latency != 0, "latency", c.Latency)
	add(c.Jitter != 0, "jitter", c.Jitter)
	add(c.Bandwidth != 0, "bandwidth", c.Bandwidth)
	add(c.Queue != 0, "queue", c.Queue)
	add(c.Loss != 0, "loss", c.Loss)
	add(c.Duplicate != 0, "duplicate", c.Duplicate)
	add(c.Reorder != 0, "reorder", c.Reorder)
	add(c.Corrupt != 0, "corrupt", c.Corrupt)
	if parts == nil {
		return "perfect"
	}
	return strings.Join(parts, " ")
}

// check tells what is wrong with a link that cannot be.
func (c LinkConfig) check() error {
	for _, v := range [...]struct {
		name string
		n    int64
	}{
		{"latency", int64(c.Latency)}, {"jitter", int64(c.Jitter)},
		{"bandwidth", int64(c.Bandwidth)}, {"queue", int64(c.Queue)},
	} {
		if v.n < 0 {
			return fmt.Errorf("a %s of %d: it must not be negative", v.name, v.n)
		}
	}
	for _, v := range [...]struct {
		name string
		p    float64
	}{{"loss", c.Loss}, {"duplicate", c.Duplicate}, {"reorder", c.Reorder}, {"corrupt", c.Corrupt}} {
		if !(v.p >= 0 && v.p <= 1) {
			return fmt.Errorf("a %s of %v: a chance lies between 0 and 1", v.name, v.p)
		}
	}
	return nil
}

// A Link is one direction between two hosts. A host's link to itself is
// perfect and cannot be cut.
type Link struct {
	net      *Network
	from, to *Host
	number   int         // among the network's links, from 0
	plain    atomic.Bool // perfect, uncut, both hosts up: bytes arrive at once
	cfg      atomic.Pointer[LinkConfig]
	cuts     atomic.Int32

	mu     sync.Mutex
	own    LinkConfig    // what Set says
	faults []*LinkConfig // of kind "link"; the last one counts
	busy   time.Duration // until when bandwidth is taken
	sky    sky
}

// Link returns the direction from one host to another; both are added when
// they are new.
func (n *Network) Link(from, to string) *Link {
	a, b := n.Host(from), n.Host(to)
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.link(a, b)
}

// link finds or makes a link; net.mu is held.
func (n *Network) link(from, to *Host) *Link {
	key := [2]*Host{from, to}
	l := n.links[key]
	if l == nil {
		l = &Link{net: n, from: from, to: to, number: len(n.links)}
		if from != to {
			l.own = n.cfg.Link
		}
		for _, p := range n.parts {
			if p.crosses(l) {
				l.cuts.Add(1)
			}
		}
		l.settled()
		n.links[key] = l
	}
	return l
}

// Config returns how the link is set now.
func (l *Link) Config() LinkConfig { return *l.cfg.Load() }

// Set changes the link from now on; what travels already keeps its time. While
// a fault of kind "link" lasts, that fault counts, and c counts after it. Set
// panics when c cannot be, and for a host's link to itself.
func (l *Link) Set(c LinkConfig) {
	if l.from == l.to {
		panic("vnet: the link of host " + l.from.name + " to itself cannot be set")
	}
	if err := c.check(); err != nil {
		panic("vnet: link " + l.name() + ": " + err.Error())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = c
	l.settled()
}

// overlay sets the link until undo is called, whatever else is set meanwhile.
func (l *Link) overlay(c LinkConfig) (undo func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, &c)
	l.settled()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.faults = without(l.faults, &c)
		l.settled()
	}
}

// settled makes what was set count; l.mu is held.
func (l *Link) settled() {
	c := l.own
	if k := len(l.faults); k > 0 {
		c = *l.faults[k-1]
	}
	l.cfg.Store(&c)
	l.refresh()
}

// Cut lets nothing through from now on, until heal is called: what is sent
// waits, and times out after Config.GiveUp.
func (l *Link) Cut() (heal func()) { return l.net.OneWay(l.from.name, l.to.name) }

// String returns "app>api latency=10ms", and " cut" when it is.
func (l *Link) String() string {
	s := l.name() + " " + l.Config().String()
	if l.cuts.Load() > 0 {
		s += " cut"
	}
	return s
}

func (l *Link) name() string { return l.from.name + ">" + l.to.name }

// refresh finds out anew whether bytes arrive at once; l.mu is held.
func (l *Link) refresh() { l.plain.Store(l.Config() == LinkConfig{} && !l.blocked()) }

// blocked tells that nothing arrives: bytes wait for it to end.
func (l *Link) blocked() bool {
	if l.from == l.to {
		return l.from.paused.Load()
	}
	return l.cuts.Load() > 0 || l.from.paused.Load() || l.from.crashed.Load() || l.to.crashed.Load()
}

// fate is what a link does to one transmission.
type fate struct {
	delay  time.Duration
	losses int  // times it was lost, also when it is for ever
	lost   bool // for ever: retransmissions outlasted Config.GiveUp
}

// The first timeout of a retransmission, as on Linux; each next is twice it,
// up to the last.
const (
	firstResend    = 200 * time.Millisecond
	firstResendSyn = time.Second
	lastResend     = 120 * time.Second
)

// chancy tells that chance has a say in what becomes of a transmission.
func (l *Link) chancy() bool {
	c := l.cfg.Load()
	return c.Jitter > 0 || c.Loss > 0
}

// carry decides when size bytes, sent now, arrive at the far end of a stream.
// Loss shows as the delay of being sent again.
func (l *Link) carry(size int, d chance.Draws, resend time.Duration) fate {
	c := l.Config()
	if c.Loss >= 1 {
		return fate{losses: 1, lost: true}
	}
	f := fate{delay: l.queueing(l.net.now(), size, c.Bandwidth) + c.Latency + d.Jitter(c.Jitter)}
	for waited := time.Duration(0); d.Hits(chance.Loss+uint64(f.losses), c.Loss); resend = min(2*resend, lastResend) {
		f.losses++
		if resend > l.net.cfg.GiveUp-waited {
			f.lost = true
			return f
		}
		waited += resend
		f.delay += resend
	}
	return f
}

// queueing takes bandwidth for size bytes, sent now, and returns how long
// until the last of them has left.
func (l *Link) queueing(now time.Duration, size, bandwidth int) time.Duration {
	if bandwidth <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = max(l.busy, now) + time.Duration(float64(size)/float64(bandwidth)*float64(time.Second))
	return l.busy - now
}

// backlogged returns how many bytes wait for bandwidth or are being sent.
func (l *Link) backlogged(now time.Duration, bandwidth int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(max(0, l.busy-now).Seconds() * float64(bandwidth))
}
