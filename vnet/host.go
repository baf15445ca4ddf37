// A host: a name, its addresses, and the sockets that live there.

package vnet

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
)

// errClosed is what everything says once the network is closed.
var errClosed = net.ErrClosed

// A Host is a machine on the network. Its Listen, ListenPacket and Dial are
// what a program takes in place of package net's; as method values they have
// the shape of net.Dialer.DialContext and of net.ListenConfig's methods.
type Host struct {
	net   *Network
	name  string
	index int // in the order of adding, from 1
	ip4   netip.Addr
	ip6   netip.Addr

	down    atomic.Bool  // no socket can be opened here
	crashed atomic.Bool  // and nobody was told
	paused  atomic.Bool  // alive but silent
	rate    atomic.Int64 // bytes a second it reads; 0 for as many as come

	// Guarded by net.mu.
	strain    strain
	listeners map[netip.AddrPort]*listener
	packets   map[netip.AddrPort]*packetConn
	ports     uint16           // ephemeral ports given so far
	failing   map[uint16]error // what the next Listen on a port says
	provided  map[uint16]*stream
}

func newHost(n *Network, name string, k int) *Host {
	return &Host{
		net: n, name: name, index: k,
		ip4:       netip.AddrFrom4([4]byte{10, byte(k >> 16), byte(k >> 8), byte(k)}),
		ip6:       netip.AddrFrom16([16]byte{0: 0xfd, 13: byte(k >> 16), 14: byte(k >> 8), 15: byte(k)}),
		listeners: map[netip.AddrPort]*listener{},
		packets:   map[netip.AddrPort]*packetConn{},
		failing:   map[uint16]error{},
		provided:  map[uint16]*stream{},
	}
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// String returns the host's name.
func (h *Host) String() string { return h.name }

// IP4 returns the host's IPv4 address.
func (h *Host) IP4() netip.Addr { return h.ip4 }

// IP6 returns the host's IPv6 address.
func (h *Host) IP6() netip.Addr { return h.ip6 }

// LookupHost returns the addresses of the named host, IPv4 first. A name that
// no host has is a *net.DNSError whose IsNotFound is true.
func (h *Host) LookupHost(ctx context.Context, name string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, &net.DNSError{Err: ctxError(err).Error(), Name: name, IsTimeout: true}
	}
	found, err := h.resolve(families["tcp"], name)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(found))
	for i, a := range found {
		all[i] = a.String()
	}
	return all, nil
}

// lookup returns the addresses of the named host, or none. As in the domain
// name system, case and a dot at the end do not matter.
func (n *Network) lookup(name string) []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	name = strings.TrimSuffix(name, ".")
	found := n.hosts[name]
	for i := 0; found == nil && i < len(n.order); i++ {
		if h := n.order[i]; strings.EqualFold(h.name, name) {
			found = h
		}
	}
	if found == nil {
		return nil
	}
	return []netip.Addr{found.ip4, found.ip6}
}

// at returns the host that a leads to, seen from h, or nil.
func (h *Host) at(a netip.Addr) *Host {
	a = a.Unmap()
	if a.IsLoopback() || a.IsUnspecified() {
		return h
	}
	return h.net.byAddr[a]
}

// source returns the address of h that a connection to a comes from.
func (h *Host) source(a netip.Addr) netip.Addr {
	switch a = a.Unmap(); {
	case a.IsLoopback() || a.IsUnspecified():
		if a.Is4() {
			return loopback4
		}
		return loopback6
	case a.Is4():
		return h.ip4
	default:
		return h.ip6
	}
}

// owns tells whether h has the address a.
func (h *Host) owns(a netip.Addr) bool {
	a = a.Unmap()
	return a == h.ip4 || a == h.ip6 || a.IsLoopback() || a.IsUnspecified()
}

// Ephemeral ports are given in turn from Linux's range.
const (
	firstPort = 32768
	portCount = 60999 - firstPort + 1
)

// nextPort returns an ephemeral port; net.mu is held.
func (h *Host) nextPort() uint16 {
	p := firstPort + h.ports%portCount
	h.ports = (h.ports + 1) % portCount
	return p
}

// shut ends everything that lives on h: its listeners and packet connections
// close, its connections die and their peers are reset.
func (h *Host) shut() {
	for _, l := range h.takeListeners() {
		l.shut()
	}
	for _, p := range h.takePackets() {
		p.shut()
	}
	for c := range h.net.internalConns() {
		c.kill(h)
	}
}

func (h *Host) takeListeners() []*listener {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	all := h.sortedListeners()
	clear(h.listeners)
	return all
}
