// Names, addresses and ports: how "api:80" becomes a host and a port.

package loopback

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// family says what a network name admits. There is no IPv6 on this network;
// a listener on every address of "tcp" is shown as one of IPv6, as net does.
type family struct {
	proto  string // "tcp" or "udp"
	v4, v6 bool
}

var families = map[string]family{
	"tcp": {"tcp", true, true}, "tcp4": {"tcp", true, false}, "tcp6": {"tcp", false, true},
	"udp": {"udp", true, true}, "udp4": {"udp", true, false}, "udp6": {"udp", false, true},
}

func (f family) admits(a netip.Addr) bool {
	return f.v4 && a.Unmap().Is4() || f.v6 && a.Is6() && !a.Is4In6()
}

// An endpoint is an address taken apart.
type endpoint struct {
	family family
	host   string // as written; may be empty
	port   uint16
}

// parseEndpoint splits address for the named network, with package net's
// errors.
func parseEndpoint(network, address string) (endpoint, error) {
	f, ok := families[network]
	if !ok {
		return endpoint{}, net.UnknownNetworkError(network)
	}
	if address == "" {
		return endpoint{}, errors.New("missing address")
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return endpoint{}, err
	}
	port, err := net.DefaultResolver.LookupPort(context.Background(), f.proto, service)
	return endpoint{f, host, uint16(port)}, err
}

// resolve returns the address that e's host stands for, seen from any host.
// An empty one is the unspecified address of its family. mu is held.
func (n *Network) resolve(e endpoint) (netip.Addr, error) {
	a, err := netip.ParseAddr(e.host)
	switch {
	case err == nil:
	case e.host == "" && e.family.v6:
		return netip.IPv6Unspecified(), nil
	case e.host == "":
		return netip.IPv4Unspecified(), nil
	case e.host == "localhost":
		a = here
	default:
		h := n.lookup(e.host)
		if h == nil {
			return a, &net.DNSError{Err: "no such host", Name: e.host, IsNotFound: true}
		}
		a = h.ip4
	}
	if !e.family.admits(a) {
		return a, &net.AddrError{Err: "no suitable address found", Addr: e.host}
	}
	return a, nil
}

var here = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// source returns the address of h that what goes to a comes from.
func (h *Host) source(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.IsLoopback() || a.IsUnspecified() {
		return here
	}
	return h.ip4
}

// owns tells whether h has the address a.
func (h *Host) owns(a netip.Addr) bool {
	a = a.Unmap()
	return a == h.ip4 || a == here || a.IsUnspecified()
}

// clash tells whether two sockets cannot both have their addresses.
func clash(a, b netip.AddrPort) bool {
	x, y := a.Addr().Unmap(), b.Addr().Unmap()
	return a.Port() == b.Port() && (x == y || x.IsUnspecified() || y.IsUnspecified())
}

// netAddr makes the address that a program sees; nil of one that is none.
func netAddr(proto string, a netip.AddrPort) net.Addr {
	switch {
	case !a.IsValid():
		return nil
	case proto == "udp":
		return net.UDPAddrFromAddrPort(a)
	}
	return net.TCPAddrFromAddrPort(a)
}
