// Links: whether bytes get from one host to another, and how long that takes.

package loopback

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/vnet"
)

// A link is one direction between two hosts. A host's link to itself is
// perfect and cannot be cut.
type link struct {
	net      *Network
	from, to *Host
	plain    atomic.Bool // perfect, and both hosts as usual: nobody needs to look closer

	// Guarded by net.mu.
	cuts   int
	faults []*vnet.LinkConfig // of kind "link"; the last one counts
	busy   time.Time          // until when bandwidth is taken
	count  uint64             // datagrams so far
}

// link finds or makes a link; mu is held.
func (n *Network) link(from, to *Host) *link {
	key := [2]*Host{from, to}
	l := n.links[key]
	if l == nil {
		l = &link{net: n, from: from, to: to}
		for _, p := range n.parts {
			if p.crosses(l) {
				l.cuts++
			}
		}
		n.links[key] = l
		l.refresh()
	}
	return l
}

func (l *link) name() string { return l.from.name + ">" + l.to.name }

// config returns how the link is set now; mu is held.
func (l *link) config() vnet.LinkConfig {
	if k := len(l.faults); k > 0 {
		return *l.faults[k-1]
	}
	if l.from == l.to {
		return vnet.LinkConfig{}
	}
	return l.net.cfg.Link
}

// refresh finds out anew whether the link is plain; mu is held.
func (l *link) refresh() {
	l.plain.Store(l.config() == vnet.LinkConfig{} && !l.blocked() && len(l.to.rates) == 0)
}

// blocked tells that nothing gets through: it waits for that to end. A link
// that loses everything is blocked, too, since senders send again until it
// does not. mu is held.
func (l *link) blocked() bool {
	if l.from == l.to {
		return l.from.pauses > 0 || l.from.crashes > 0
	}
	return l.cuts > 0 || l.from.pauses+l.to.pauses > 0 || l.from.crashes+l.to.crashes > 0 || l.config().Loss >= 1
}

// errGaveUp says that something has waited for Config.GiveUp.
var errGaveUp = errors.New("loopback: gave up")

// pass waits until bytes get through l. It fails with errGaveUp when that takes
// too long, or when ctx ends.
func (l *link) pass(ctx context.Context) error {
	if l.plain.Load() || l.net.open(l) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.net.cfg.GiveUp, errGaveUp)
	defer cancel()
	return l.net.opened(ctx, l)
}

// open returns nil if all links let something through, and otherwise what is
// closed when that may have changed.
func (n *Network) open(links ...*link) (turned <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.ContainsFunc(links, (*link).blocked) {
		return n.turned
	}
	return nil
}

// opened waits until all links let something through at once, or ctx ends.
func (n *Network) opened(ctx context.Context, links ...*link) error {
	for turned := n.open(links...); turned != nil; turned = n.open(links...) {
		select {
		case <-turned:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// fate is what a link does to one transmission.
type fate struct {
	delay  time.Duration
	losses int  // times it was lost, also when it is for ever
	lost   bool // for ever: sending it again outlasted Config.GiveUp
}

// The first timeout of a retransmission, as on Linux; each next is twice it,
// up to the last.
const (
	firstResend    = 200 * time.Millisecond
	firstResendSyn = time.Second
	lastResend     = 120 * time.Second
)

// carry decides when size bytes of a stream, sent now, arrive. Loss shows as
// the delay of being sent again.
func (l *link) carry(size int, d chance.Draws, resend time.Duration) fate {
	l.net.mu.Lock()
	c := l.config()
	f := fate{delay: l.queueing(time.Now(), size, c.Bandwidth) + c.Latency + d.Jitter(c.Jitter)}
	l.net.mu.Unlock()
	if c.Loss >= 1 {
		return f // it waits at the link
	}
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
// until the last of them has left; mu is held.
func (l *link) queueing(now time.Time, size, bandwidth int) time.Duration {
	if bandwidth <= 0 {
		return 0
	}
	if l.busy.Before(now) {
		l.busy = now
	}
	l.busy = l.busy.Add(time.Duration(float64(size) / float64(bandwidth) * float64(time.Second)))
	return l.busy.Sub(now)
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
