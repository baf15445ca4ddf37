// One datagram on its way: lost, doubled, late, out of order, or there.

package vnet

import (
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/journal"
)

// datagram is one packet under way.
type datagram struct {
	socket   *packetConn // that sent it
	from, to netip.AddrPort
	target   *Host
	link     *Link
	since    time.Duration // when it was sent
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
	g.since = n.now()
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
			f.depart()
		}
	}
	return nil
}

// sealGram makes a held datagram segments that wait: none, one, or two.
func (n *Network) sealGram(g *datagram) {
	for _, f := range n.fly(g) {
		n.held.push(f.entry())
	}
}

// flight is one copy of a datagram on its way, or the news that it was refused
// on its way back.
type flight struct {
	gram    *datagram
	data    []byte
	cause   int
	due     time.Duration // when it arrives; 0 for at once
	refusal bool
}

// entry makes f one of those that wait for the test.
func (f flight) entry() *entry {
	seg := f.gram.segment()
	seg.Data = f.data
	return &entry{seg: seg, due: max(f.due, f.gram.since), cause: f.cause, size: len(f.data), gram: f.gram}
}

// depart lets f arrive now, or when it is due.
func (f flight) depart() {
	if f.due > 0 {
		f.gram.link.launch(f)
		return
	}
	f.gram.socket.net.land(f)
}

// fly asks rules and link what becomes of g: the copies that will arrive.
func (n *Network) fly(g *datagram) []flight {
	f := flight{gram: g, data: g.data}
	f.cause = n.recordGram("net.packet", f, "")
	var late time.Duration
	if n.is(ruling) {
		v, lost := n.ask(g.segment(), 0)
		if lost || v.Reset {
			n.recordGram("net.drop", f, "rule")
			return nil
		}
		if late = v.Delay; v.Replace != nil {
			f.data = v.Replace
		}
	}
	copies := []flight{f}
	if !g.link.plain.Load() {
		copies = n.brave(f)
	}
	for i := range copies {
		if late > 0 {
			copies[i].due = g.link.instant(max(copies[i].due, g.since) + late)
		}
	}
	return copies
}

// brave sends a datagram over a link that is not perfect.
func (n *Network) brave(f flight) []flight {
	g, l := f.gram, f.gram.link
	c, d := l.Config(), n.draw(g.name(), g.number())
	why := ""
	switch {
	case l.blocked():
		why = "cut"
	case d.Hits(chance.Loss, c.Loss):
		why = "loss"
	case c.Queue > 0 && c.Bandwidth > 0 && l.backlogged(g.since, c.Bandwidth)+len(f.data) > c.Queue:
		why = "queue"
	}
	if why != "" {
		n.recordGram("net.drop", f, why)
		return nil
	}
	if delay := l.queueing(g.since, len(f.data), c.Bandwidth) + c.Latency + d.Jitter(c.Jitter); delay > 0 {
		f.due = g.inLine(g.since + delay)
	}
	if d.Hits(chance.Corrupt, c.Corrupt) && len(f.data) > 0 {
		f.data = slices.Clone(f.data)
		bit := d.Number(chance.Bit) % uint64(8*len(f.data))
		f.data[bit/8] ^= 1 << (bit % 8)
		n.recordGram("fault.corrupt", f, "")
	}
	if d.Hits(chance.Reorder, c.Reorder) {
		f.due = l.instant(max(f.due, g.since) + max(c.Latency, time.Millisecond))
		n.recordGram("fault.reorder", f, "")
	}
	if d.Hits(chance.Duplicate, c.Duplicate) {
		n.recordGram("fault.duplicate", f, "")
		return []flight{f, f}
	}
	return []flight{f}
}

// land puts a datagram into the socket that it is for, or sends a refusal back.
func (n *Network) land(f flight) {
	g := f.gram
	n.mu.Lock()
	p := g.target.receiver(g.to, g.from)
	n.mu.Unlock()
	switch {
	case f.refusal:
		g.socket.refuse(g.to)
	case g.link.blocked():
		n.recordGram("net.drop", f, "cut")
	case p == nil:
		n.recordGram("net.drop", f, "refused")
		n.refuse(f)
	case !p.put(g.from, f.data):
		n.recordGram("net.drop", f, "full")
	default:
		n.recordGram("net.deliver", f, "")
	}
}

// refuse carries the news that nobody receives f, unless the link is cut.
func (n *Network) refuse(f flight) {
	n.mu.Lock()
	back := n.link(f.gram.target, f.gram.socket.host)
	n.mu.Unlock()
	if back.blocked() {
		return
	}
	f.refusal = true
	if latency := back.Config().Latency; latency > 0 {
		f.due = back.instant(n.now() + latency)
		back.launch(f)
		return
	}
	n.land(f)
}

// put queues a datagram unless the queue is full. An empty one takes a byte.
func (p *packetConn) put(from netip.AddrPort, b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := max(1, len(b))
	if p.closed || p.bytes+size > p.net.cfg.Queue {
		return false
	}
	p.queue = append(p.queue, received{from, b})
	p.bytes += size
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

// recordGram notes what became of a datagram; why may be empty.
func (n *Network) recordGram(k journal.Kind, f flight, why string) int {
	if !n.is(recording) {
		return 0
	}
	g := f.gram
	e := journal.Event{
		Kind: k, Where: g.socket.host.name, Peer: g.target.name,
		Subject: g.name(), Cause: f.cause, Size: len(f.data),
	}
	if k == "net.deliver" {
		e.Where, e.Peer = e.Peer, e.Where
	}
	if k == "net.packet" {
		e.Body = f.data
	}
	if why != "" {
		e.Notes = []journal.Note{{Key: "why", Value: why}}
	}
	return n.append(e)
}
