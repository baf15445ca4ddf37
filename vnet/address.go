// Names, addresses and ports: how "api:80" becomes a host and a port.

package vnet

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// family says which addresses a network name admits.
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

// endpoint is an address resolved on one host: where it leads, if anywhere.
type endpoint struct {
	family family
	host   string // as written; may be empty
	port   uint16
}

// parseEndpoint splits address for the named network.
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
	port, err := lookupPort(f.proto, service)
	return endpoint{family: f, host: host, port: port}, err
}

// services are the ports that names stand for. The system's resolver is not
// asked: its first use inside a bubble would bind it to that bubble.
var services = map[string]uint16{
	"domain": 53, "ftp": 21, "http": 80, "https": 443, "imap": 143, "imaps": 993, "ldap": 389,
	"ntp": 123, "pop3": 110, "pop3s": 995, "smtp": 25, "ssh": 22, "submission": 587, "telnet": 23,
}

// lookupPort turns a number or a service's name into a port; nothing is 0.
func lookupPort(proto, service string) (uint16, error) {
	if service == "" {
		return 0, nil
	}
	if n, err := parsePort(service); err == nil {
		return n, nil
	}
	if n, err := strconv.Atoi(service); err == nil {
		return 0, &net.AddrError{Err: "invalid port", Addr: strconv.Itoa(n)}
	}
	if port, found := services[strings.ToLower(service)]; found {
		return port, nil
	}
	return 0, &net.DNSError{Err: "unknown port", Name: proto + "/" + service, IsNotFound: true}
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err
}

// resolve returns the addresses that host name stands for, seen from h, with
// those that the family does not admit left out; IPv4 comes first.
func (h *Host) resolve(f family, name string) ([]netip.Addr, error) {
	var all []netip.Addr
	switch ip, err := netip.ParseAddr(name); {
	case err == nil:
		all = []netip.Addr{ip}
	case name == "" || name == "localhost":
		all = []netip.Addr{loopback4, loopback6}
	default:
		all = h.net.lookup(name)
	}
	if len(all) == 0 {
		return nil, notFound(name)
	}
	admitted := all[:0:0]
	for _, a := range all {
		if f.admits(a) {
			admitted = append(admitted, a)
		}
	}
	if len(admitted) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: name}
	}
	return admitted, nil
}

func notFound(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)

// netAddr makes the address a program sees.
func netAddr(proto string, a netip.AddrPort) net.Addr {
	ip := net.IP(a.Addr().AsSlice())
	if proto == "udp" {
		return &net.UDPAddr{IP: ip, Port: int(a.Port()), Zone: a.Addr().Zone()}
	}
	return &net.TCPAddr{IP: ip, Port: int(a.Port()), Zone: a.Addr().Zone()}
}
