// The sockets of a host, as the network knows them: who listens where.

package loopback

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/rehearse-go/rehearse/journal"
)

// A socket is a listener or a packet connection.
type socket struct {
	id      int // counts the network's
	host    *Host
	proto   string         // "tcp" or "udp"
	addr    netip.AddrPort // virtual
	remote  netip.AddrPort // virtual; of a packet connection that was dialled
	real    netip.AddrPort // where it really is
	foreign bool           // its program knows nothing of this package, and it outlasts its host's ends
	owner   *control       // whose it is; nil in this process
	near    shutter        // what the program holds; nil if it is elsewhere
}

// A shutter is a socket that the network can close.
type shutter interface{ shut() }

// name is how events call it: "api:80", "udp api:53".
func (s *socket) name() string {
	name := hostPort(s.host, s.addr)
	if s.proto == "udp" {
		return "udp " + name
	}
	return name
}

// hostPort prints an end as "api:80".
func hostPort(h *Host, a netip.AddrPort) string { return h.name + ":" + strconv.Itoa(int(a.Port())) }

// openSocket registers s for what m asks, a listener or packet connection, and
// gives it its number and address.
func (n *Network) openSocket(s *socket, m message) *failure {
	e, err := parseEndpoint(m.Network, m.Address)
	if err != nil {
		return failureOf(netip.AddrPort{}, err)
	}
	s.proto, s.real = e.family.proto, m.Real
	n.mu.Lock()
	fail := n.place(s, e)
	n.mu.Unlock()
	if fail != nil && fail.Errno == "EADDRINUSE" && n.bury(s.host, s.proto) {
		n.mu.Lock()
		fail = n.place(s, e)
		n.mu.Unlock()
	}
	if fail == nil && !s.remote.IsValid() {
		n.append(journal.Event{Kind: "net.listen", Where: s.host.name, Subject: s.name()})
	}
	return fail
}

// openPacket registers a packet connection that is dialled.
func (n *Network) openPacket(s *socket, m message) *failure {
	e, err := parseEndpoint(m.Network, m.Address)
	if err != nil {
		return failureOf(netip.AddrPort{}, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	to, err := n.resolve(e)
	if err != nil {
		return failureOf(netip.AddrPort{}, err)
	}
	if to.IsUnspecified() {
		to = here
	}
	s.proto, s.real, s.remote = e.family.proto, m.Real, netip.AddrPortFrom(to, e.port)
	e.host, e.port = s.host.source(to).String(), 0
	return n.place(s, e)
}

// place gives s the address that e stands for, unless it is taken; mu is held.
func (n *Network) place(s *socket, e endpoint) *failure {
	h := s.host
	a, err := n.resolve(e)
	if err != nil {
		return failureOf(netip.AddrPort{}, err)
	}
	addr := netip.AddrPortFrom(a, e.port)
	switch {
	case n.closed:
		return failureOf(addr, net.ErrClosed)
	case h.down() && !s.foreign:
		return fails(addr, "bind", "ENETDOWN")
	case !h.owns(a):
		return fails(addr, "bind", "EADDRNOTAVAIL")
	}
	for tries := 0; addr.Port() == 0 && tries < portCount; tries++ {
		if free := netip.AddrPortFrom(a, h.nextPort()); !h.taken(s.proto, free) {
			addr = free
		}
	}
	if addr.Port() == 0 || h.taken(s.proto, addr) {
		return fails(addr, "bind", "EADDRINUSE")
	}
	n.sockets++
	s.id, s.addr = n.sockets, addr
	h.sockets = append(h.sockets, s)
	return nil
}

// taken tells whether a socket of h is where addr would clash; net.mu is held.
func (h *Host) taken(proto string, addr netip.AddrPort) bool {
	return slices.ContainsFunc(h.sockets, func(s *socket) bool { return s.proto == proto && clash(s.addr, addr) })
}

// find returns the socket that receives at addr what from sends, if there is
// one; net.mu is held.
func (h *Host) find(proto string, addr, from netip.AddrPort) (found *socket) {
	for _, s := range h.sockets {
		if s.proto != proto || s.addr.Port() != addr.Port() || s.remote.IsValid() && s.remote != from {
			continue
		}
		if s.addr.Addr() == addr.Addr().Unmap() {
			return s
		}
		if s.addr.Addr().IsUnspecified() {
			found = s
		}
	}
	return found
}

// bury forgets sockets of other processes whose process has ended, before its
// control connection has told so, and tells whether there were any: who was
// killed and started again must find its ports free. Such a process's real
// ports can be bound again.
func (n *Network) bury(h *Host, proto string) bool {
	n.mu.Lock()
	candidates := slices.DeleteFunc(slices.Clone(h.sockets), func(s *socket) bool {
		return s.owner == nil || s.proto != proto
	})
	n.mu.Unlock()
	dead := slices.DeleteFunc(candidates, func(s *socket) bool { return !free(s.proto, s.real) })
	for _, s := range dead {
		n.closeSocket(s)
	}
	return len(dead) > 0
}

// free tells whether nobody has a real address.
func free(proto string, real netip.AddrPort) bool {
	var c closer
	var err error
	if proto == "udp" {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(real))
	} else {
		c, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(real))
	}
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// closeSocket forgets a socket; it does nothing for one that is forgotten.
func (n *Network) closeSocket(s *socket) {
	n.mu.Lock()
	i := slices.Index(s.host.sockets, s)
	if i >= 0 {
		s.host.sockets = slices.Delete(s.host.sockets, i, i+1)
	}
	n.mu.Unlock()
	if i >= 0 && !s.remote.IsValid() {
		n.append(journal.Event{Kind: "net.unlisten", Where: s.host.name, Subject: s.name()})
	}
}

// takeSockets takes all sockets off a host, but for foreign ones.
func (n *Network) takeSockets(h *Host) (taken []*socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h.sockets = slices.DeleteFunc(h.sockets, func(s *socket) bool {
		if !s.foreign {
			taken = append(taken, s)
		}
		return !s.foreign
	})
	return taken
}

// shutAll closes what programs hold of sockets.
func shutAll(sockets []*socket) {
	for _, s := range sockets {
		if s.near != nil {
			s.near.shut()
		}
	}
}
