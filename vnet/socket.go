// The test's handle on a packet socket: what arrived, and what the test puts there.

package vnet

import (
	"fmt"
	"net/netip"

	"github.com/rehearse-go/rehearse/journal"
)

// A Socket is a test's handle on what a program opened with ListenPacket.
type Socket packetConn

// Socket returns the handle on the packet socket at addr, "dns:53". It panics
// when there is none.
func (n *Network) Socket(addr string) *Socket {
	h, port := n.place(addr)
	n.mu.Lock()
	defer n.mu.Unlock()
	for at, p := range h.packets {
		if at.Port() == port && !p.remote.IsValid() {
			return (*Socket)(p)
		}
	}
	panic(fmt.Sprintf("vnet: no packet socket is open at %s", addr))
}

// Addr returns "dns:53".
func (s *Socket) Addr() string { return hostPort(s.host, s.addr) }

// String returns the address.
func (s *Socket) String() string { return s.Addr() }

// Unread returns the datagrams that have arrived and were not read, oldest
// first.
func (s *Socket) Unread() []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Segment
	for _, r := range s.queue {
		from := r.from.String()
		if h := s.net.owner(r.from.Addr()); h != nil {
			from = hostPort(h, r.from)
		}
		all = append(all, Segment{
			Conn: from + ">" + s.Addr(), From: from, To: s.Addr(),
			Data: append([]byte(nil), r.data...), Datagram: true,
		})
	}
	return all
}

// Inject lets a datagram arrive at once, as if it came from that address
// ("app:5353"), past rules, holds and links. It tells whether the socket's
// queue had room.
func (s *Socket) Inject(from string, b []byte) bool {
	h, port := s.net.place(from)
	if s.net.is(recording) {
		s.net.append(journal.Event{
			Kind: "net.inject", Where: s.host.name, Peer: h.name, Subject: from + ">" + s.Addr(), Body: b,
		})
	}
	addr := h.ip4
	if a := s.addr.Addr(); a.Is6() && !a.IsUnspecified() {
		addr = h.ip6
	}
	return (*packetConn)(s).put(netip.AddrPortFrom(addr, port), append([]byte(nil), b...))
}

// owner returns the host that has the address, or nil.
func (n *Network) owner(a netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byAddr[a.Unmap()]
}
