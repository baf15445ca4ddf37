// One datagram on its way: lost, doubled, late, out of order, or there.

package vnet

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// datagram is one packet under way.
type datagram struct {
	socket   *packetConn // that sent it
	from, to netip.AddrPort
	target   *Host
	link     *Link
	count    uint64 // of its socket, from 1: the key of its chances
	data     []byte
}

// name is how segments and events call it: "app:53>dns:53".
func (g *datagram) name() string {
	return hostPort(g.socket.host, g.from) + ">" + hostPort(g.target, g.to)
}

func (g *datagram) segment() Segment {
	return Segment{
		Conn: g.name(), From: hostPort(g.socket.host, g.from), To: hostPort(g.target, g.to),
		Data: g.data, Datagram: true,
	}
}

// transmit sends g off, or holds it.
func (n *Network) transmit(g *datagram, call string) error {
	n.mu.Lock()
	g.target = g.socket.host.at(g.to.Addr())
	if g.target != nil {
		g.link = n.link(g.socket.host, g.target)
	}
	n.mu.Unlock()
	switch {
	case g.target == nil:
		return errno(call, syscall.EHOSTUNREACH)
	case n.is(holding) && !n.mayPass():
		n.held.addGram(g)
	default:
		for _, f := range n.fly(g) {
			n.later(f.delay, func() { n.land(g, f.data, f.cause) })
		}
	}
	return nil
}

// later does f after d, or now.
func (n *Network) later(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	time.AfterFunc(d, f)
}

// sealGram makes a held datagram segments that wait: none, one, or two.
func (n *Network) sealGram(g *datagram) {
	for _, f := range n.fly(g) {
		seg := g.segment()
		seg.Data = f.data
		n.held.push(&entry{seg: seg, due: n.now() + f.delay, cause: f.cause, size: len(f.data), gram: g})
	}
}

// flight is one copy of a datagram.
type flight struct {
	delay time.Duration
	data  []byte
	cause int
}

// fly asks rules and link what becomes of g: the copies that will arrive.
func (n *Network) fly(g *datagram) []flight {
	cause := n.recordGram("net.packet", g, 0, "")
	one := flight{data: g.data, cause: cause}
	if n.is(ruling) {
		v, lost := n.ask(g.segment(), 0)
		if lost || v.Reset {
			n.recordGram("net.drop", g, cause, "rule")
			return nil
		}
		one.delay = v.Delay
		if v.Replace != nil {
			one.data = v.Replace
		}
	}
	if g.link.plain.Load() {
		return []flight{one}
	}
	return n.brave(g, one)
}

// brave sends one copy over a link that is not perfect.
func (n *Network) brave(g *datagram, one flight) []flight {
	c := g.link.Config()
	d := n.draw(g.name(), g.count)
	why := ""
	switch {
	case g.link.blocked():
		why = "cut"
	case d.chance(saltLoss, c.Loss):
		why = "loss"
	case c.Queue > 0 && c.Bandwidth > 0 && g.link.backlogged(c.Bandwidth)+len(g.data) > c.Queue:
		why = "queue"
	}
	if why != "" {
		n.recordGram("net.drop", g, one.cause, why)
		return nil
	}
	one.delay += g.link.queueing(len(g.data), c.Bandwidth) + c.Latency + d.jitter(c.Jitter)
	if one.delay > 0 {
		one.delay = g.link.instant(one.delay)
	}
	if d.chance(saltCorrupt, c.Corrupt) && len(one.data) > 0 {
		one.data = slices.Clone(one.data)
		bit := d.number(saltBit) % uint64(8*len(one.data))
		one.data[bit/8] ^= 1 << (bit % 8)
		n.recordGram("fault.corrupt", g, one.cause, "")
	}
	if d.chance(saltReorder, c.Reorder) {
		one.delay += max(c.Latency, time.Millisecond)
		n.recordGram("fault.reorder", g, one.cause, "")
	}
	if d.chance(saltDuplicate, c.Duplicate) {
		n.recordGram("fault.duplicate", g, one.cause, "")
		return []flight{one, one}
	}
	return []flight{one}
}

// land puts b into the socket that g is for, or sends a refusal back.
func (n *Network) land(g *datagram, b []byte, cause int) {
	n.mu.Lock()
	p := g.target.receiver(g.to, g.from)
	n.mu.Unlock()
	switch {
	case g.link.blocked():
		n.recordGram("net.drop", g, cause, "cut")
	case p == nil:
		n.recordGram("net.drop", g, cause, "refused")
		if !g.target.crashed.Load() {
			g.socket.refuse(g.to)
		}
	case !p.put(g.from, b):
		n.recordGram("net.drop", g, cause, "full")
	default:
		n.recordGram("net.deliver", g, cause, "")
	}
}

// put queues a datagram unless the queue is full.
func (p *packetConn) put(from netip.AddrPort, b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.bytes+len(b) > p.net.cfg.Queue {
		return false
	}
	p.queue = append(p.queue, received{from, b})
	p.bytes += len(b)
	p.cond.Broadcast()
	return true
}

// refuse tells a dialled socket that nobody receives at to.
func (p *packetConn) refuse(to netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.remote == to {
		p.err = refused
		p.cond.Broadcast()
	}
}

// recordGram notes what became of g; why may be empty.
func (n *Network) recordGram(k journal.Kind, g *datagram, cause int, why string) int {
	if !n.is(recording) {
		return 0
	}
	e := journal.Event{
		Kind: k, Where: g.socket.host.name, Peer: g.target.name,
		Subject: g.name(), Cause: cause, Size: len(g.data),
	}
	if k == "net.deliver" {
		e.Where, e.Peer = e.Peer, e.Where
	}
	if k == "net.packet" {
		e.Body = g.data
	}
	if why != "" {
		e.Notes = []journal.Note{{Key: "why", Value: why}}
	}
	return n.append(e)
}

// cutNames returns the hosts of a segment.
func cutNames(seg Segment) (from, to string, ok bool) {
	from, _, ok = strings.Cut(seg.From, ":")
	to, _, _ = strings.Cut(seg.To, ":")
	return from, to, ok
}
