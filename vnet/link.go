// Links: how long bytes take from one host to another, and whether they get there.

package vnet

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A LinkConfig says how one host's bytes reach another. The zero LinkConfig
// is a perfect link. It is comparable.
type LinkConfig struct {
	Latency   time.Duration // one way
	Jitter    time.Duration // added at random: at least 0, less than Jitter
	Bandwidth int           // bytes a second; if 0, unlimited
	Queue     int           // bytes of datagrams that wait for bandwidth; if 0, unlimited
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

// A Link is one direction between two hosts. A host's link to itself is
// perfect and cannot be cut.
type Link struct {
	net      *Network
	from, to *Host
	plain    atomic.Bool // perfect, uncut, both hosts up: bytes arrive at once
	cfg      atomic.Pointer[LinkConfig]
	cuts     atomic.Int32

	number int // among the network's links, from 0

	mu   sync.Mutex
	busy time.Duration // until when bandwidth is taken
	last time.Duration // when the newest datagram arrives
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
		cfg := n.cfg.Link
		if from == to {
			cfg = LinkConfig{}
		}
		l.cfg.Store(&cfg)
		l.refresh()
		n.links[key] = l
	}
	return l
}

// Config returns how the link is set now.
func (l *Link) Config() LinkConfig { return *l.cfg.Load() }

// Set changes the link from now on; what travels already keeps its time.
func (l *Link) Set(c LinkConfig) {
	if l.from == l.to {
		panic("vnet: a host's link to itself cannot be set")
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

// refresh finds out anew whether bytes arrive at once.
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
	resent int  // times it was lost and sent again
	lost   bool // for ever: retransmissions outlasted Config.GiveUp
}

// The first timeout of a retransmission, as on Linux; each next is twice it.
const (
	firstResend    = 200 * time.Millisecond
	firstResendSyn = time.Second
)

// carry decides when size bytes, sent now, arrive at the far end of a stream.
// Loss shows as the delay of being sent again.
func (l *Link) carry(size int, d draws, resend time.Duration) fate {
	c := l.Config()
	f := fate{delay: l.queueing(size, c.Bandwidth) + c.Latency + d.jitter(c.Jitter)}
	for try := uint64(0); c.Loss > 0 && d.chance(saltLoss+try, c.Loss); try++ {
		if f.delay += resend; f.delay > l.net.cfg.GiveUp {
			return fate{lost: true}
		}
		f.resent++
		resend *= 2
	}
	return f
}

// queueing takes bandwidth for size bytes and returns how long until the last
// of them has left.
func (l *Link) queueing(size, bandwidth int) time.Duration {
	if bandwidth <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.net.now()
	l.busy = max(l.busy, now) + time.Duration(float64(size)/float64(bandwidth)*float64(time.Second))
	return l.busy - now
}

// instant returns the delay after which a datagram arrives that takes at least
// d: behind those before it, and at a moment that belongs to this link alone.
// Jitter thus never changes the order; Reorder does.
func (l *Link) instant(d time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.net.now()
	l.last = nextInstant(max(now+d, l.last+1), instants-1-l.number%(instants/2))
	return l.last - now
}

// backlogged returns how many bytes wait for bandwidth.
func (l *Link) backlogged(bandwidth int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int((l.busy - l.net.now()).Seconds() * float64(bandwidth))
}
