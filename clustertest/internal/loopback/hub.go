// The hub: every datagram comes in here, and what its link leaves of it goes on.

package loopback

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// hubBuffer is what the hub's socket asks the kernel to hold, in bytes: all
// hosts' datagrams pass through it. The kernel may give less.
const hubBuffer = 4 << 20

// A hub carries datagrams between the real sockets of programs, each of which
// talks to the hub alone.
type hub struct {
	net   *Network
	conn  *net.UDPConn
	addr  netip.AddrPort
	woken chan struct{} // somebody has put a datagram into the sky

	mu      sync.Mutex
	senders map[netip.AddrPort]*socket // by real address, also closed ones: what they sent may still come
	sky     []gram                     // by due; what is due at once is never here
}

// A gram is a datagram on its way.
type gram struct {
	from, to   netip.AddrPort // virtual
	at, target *Host          // where it was sent, and where to
	back       netip.AddrPort // the sender's real address
	link       *link
	data       []byte
	due        time.Time
	cause      int
}

func openHub(n *Network) (*hub, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	c.SetReadBuffer(hubBuffer)
	return &hub{
		net: n, conn: c, addr: addrPort(c.LocalAddr()), woken: make(chan struct{}, 1),
		senders: map[netip.AddrPort]*socket{},
	}, nil
}

// know notes whose a real address is.
func (h *hub) know(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.senders[s.real] = s
}

func (h *hub) sender(real netip.AddrPort) *socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.senders[real]
}

// receive takes datagrams until the hub is closed. What comes from a socket
// that is not registered is let go.
func (h *hub) receive() {
	b := make([]byte, 64<<10)
	for {
		n, from, err := h.conn.ReadFromUDPAddrPort(b)
		if err != nil && h.net.ctx.Err() != nil {
			return
		}
		s := h.sender(unmapped(from))
		kind, to, payload, ok := parseGram(b[:n])
		if err == nil && ok && kind == gramData && s != nil {
			h.carry(s, to, payload)
		}
	}
}

// carry sends one datagram over its link.
func (h *hub) carry(s *socket, to netip.AddrPort, payload []byte) {
	n := h.net
	g := gram{at: s.host, from: s.sourceFor(to), to: to, back: s.real, data: payload}
	n.mu.Lock()
	g.target = n.at(s.host, to.Addr())
	if g.target == nil || s.host.down() {
		n.mu.Unlock()
		return // nobody has that address: a router would drop it
	}
	g.link = n.link(s.host, g.target)
	n.mu.Unlock()
	g.cause = h.note("net.packet", g, "")
	if g.link.plain.Load() {
		h.land(g)
		return
	}
	for _, copied := range h.brave(g) {
		if copied.due.IsZero() {
			h.land(copied)
			continue
		}
		copied.data = slices.Clone(copied.data)
		h.launch(copied)
	}
}

// brave sends a datagram over a link that is not perfect, and returns the
// copies that will arrive.
func (h *hub) brave(g gram) []gram {
	n, l, now := h.net, g.link, time.Now()
	n.mu.Lock()
	c, blocked := l.config(), l.blocked() && l.config().Loss < 1
	l.count++
	d := chance.Keyed(n.key("udp "+l.name()), l.count)
	queued := int(max(0, l.busy.Sub(now)).Seconds() * float64(c.Bandwidth))
	full := c.Queue > 0 && c.Bandwidth > 0 && queued+len(g.data) > c.Queue
	why := ""
	switch {
	case blocked:
		why = "cut"
	case d.Hits(chance.Loss, c.Loss):
		why = "loss"
	case full:
		why = "queue"
	}
	var delay time.Duration
	if why == "" {
		delay = l.queueing(now, len(g.data), c.Bandwidth) + c.Latency + d.Jitter(c.Jitter)
	}
	n.mu.Unlock()
	if why != "" {
		h.note("net.drop", g, why)
		return nil
	}
	return h.bend(g, c, d, delay)
}

// bend does to a datagram what chance says: a flipped bit, another place, a
// second copy.
func (h *hub) bend(g gram, c vnet.LinkConfig, d chance.Draws, delay time.Duration) []gram {
	if d.Hits(chance.Corrupt, c.Corrupt) && len(g.data) > 0 {
		g.data = slices.Clone(g.data)
		bit := d.Number(chance.Bit) % uint64(8*len(g.data))
		g.data[bit/8] ^= 1 << (bit % 8)
		h.note("fault.corrupt", g, "")
	}
	if d.Hits(chance.Reorder, c.Reorder) {
		delay += max(c.Latency, time.Millisecond)
		h.note("fault.reorder", g, "")
	}
	if delay > 0 {
		g.due = time.Now().Add(delay)
	}
	if d.Hits(chance.Duplicate, c.Duplicate) {
		h.note("fault.duplicate", g, "")
		return []gram{g, g}
	}
	return []gram{g}
}

// launch lets g travel until it is due.
func (h *hub) launch(g gram) {
	h.mu.Lock()
	i, _ := slices.BinarySearchFunc(h.sky, g.due, func(other gram, due time.Time) int {
		if other.due.After(due) {
			return 1
		}
		return -1 // behind those that are due at the same time
	})
	h.sky = slices.Insert(h.sky, i, g)
	h.mu.Unlock()
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

// fly lands what is due, until the network ends.
func (h *hub) fly() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-h.woken:
		case <-h.net.ctx.Done():
			return
		}
		for _, g := range h.landing() {
			h.land(g)
		}
		if left, any := h.next(); any {
			timer.Reset(left)
		}
	}
}

// landing takes what is due.
func (h *hub) landing() (due []gram) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for len(h.sky) > 0 && !h.sky[0].due.After(now) {
		due = append(due, h.sky[0])
		h.sky[0] = gram{}
		h.sky = h.sky[1:]
	}
	return due
}

// next returns how long until something is due, if anything travels.
func (h *hub) next() (left time.Duration, any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sky) == 0 {
		return 0, false
	}
	return time.Until(h.sky[0].due), true
}

// land brings a datagram to whoever receives at its address, or tells its
// sender that nobody does.
func (h *hub) land(g gram) {
	n := h.net
	n.mu.Lock()
	blocked := g.link.from != g.link.to && g.link.blocked() && g.link.config().Loss < 1
	answers := !n.link(g.target, g.at).blocked()
	s := g.target.find("udp", g.to, g.from)
	n.mu.Unlock()
	switch {
	case blocked:
		h.note("net.drop", g, "cut")
	case s == nil:
		h.note("net.drop", g, "refused")
		if answers {
			h.conn.WriteToUDPAddrPort(appendGram(nil, gramRefused, g.to), g.back)
		}
	default:
		h.note("net.deliver", g, "")
		b := appendGram(make([]byte, 0, gramHeader+len(g.data)), gramData, g.from)
		h.conn.WriteToUDPAddrPort(append(b, g.data...), s.real)
	}
}

// sourceFor returns the address that to sees a datagram of s come from.
func (s *socket) sourceFor(to netip.AddrPort) netip.AddrPort {
	a := s.addr.Addr()
	if a.IsUnspecified() || a.IsLoopback() && !to.Addr().IsLoopback() {
		a = s.host.source(to.Addr())
	}
	return netip.AddrPortFrom(a, s.addr.Port())
}

// note records what became of a datagram; why may be empty.
func (h *hub) note(k journal.Kind, g gram, why string) int {
	if h.net.cfg.Journal == nil {
		return 0
	}
	e := journal.Event{
		Kind: k, Where: g.at.name, Peer: g.target.name, Cause: g.cause, Size: len(g.data),
		Subject: hostPort(g.at, g.from) + ">" + hostPort(g.target, g.to),
	}
	if k == "net.deliver" {
		e.Where, e.Peer = e.Peer, e.Where
	}
	if why != "" {
		e.Notes = []journal.Note{{Key: "why", Value: why}}
	}
	return h.net.append(e)
}
