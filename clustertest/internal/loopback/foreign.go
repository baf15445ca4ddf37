// Programs that know nothing of this package: reached and reaching by real addresses.

package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// forward is a real address whose connections go to a target.
type forward struct {
	host     *Host
	target   string
	listener *net.TCPListener
}

// Forward returns a real address, "127.0.0.1:41234", where whoever connects
// comes from h and gets to target, "api:80", as a dial of h's would: over links
// that can be cut. What a dial would wait for, the connection waits for, open
// as it is; where a dial would fail, the connection is reset. Asked again, it
// returns the same address. The target's host need not exist yet.
func (h *Host) Forward(target string) (address string, err error) {
	if _, err := parseEndpoint("tcp", target); err != nil {
		return "", fmt.Errorf("loopback: forwarding to %q: %w", target, err)
	}
	h.net.mu.Lock()
	f := h.forwards[target]
	h.net.mu.Unlock()
	if f != nil {
		return f.listener.Addr().String(), nil
	}
	l, err := listenHere()
	if err != nil {
		return "", fmt.Errorf("loopback: forwarding to %q: %w", target, err)
	}
	f = &forward{h, target, l}
	h.net.mu.Lock()
	first := h.forwards[target]
	if first == nil && !h.net.closed {
		h.forwards[target] = f
		h.net.foreign = append(h.net.foreign, l)
	}
	h.net.mu.Unlock()
	if first != nil {
		l.Close()
		return first.listener.Addr().String(), nil
	}
	if !h.net.run(f.serve) {
		l.Close()
		return "", fmt.Errorf("loopback: forwarding to %q: %w", target, net.ErrClosed)
	}
	return l.Addr().String(), nil
}

func (f *forward) serve() {
	n := f.host.net
	for {
		c, err := f.listener.AcceptTCP()
		if err != nil && n.ctx.Err() != nil {
			return
		}
		if err != nil {
			wait(n.ctx, time.Millisecond)
			continue
		}
		if n.receive(c) && !n.run(func() { f.carry(c) }) {
			reset(c)
		}
	}
}

// carry carries what comes and goes on c, once the target is reached.
func (f *forward) carry(c *net.TCPConn) {
	n := f.host.net
	defer n.release(c)
	a, fail := n.newAttempt(f.host, "tcp", f.target)
	var r *relay
	if fail == nil {
		r, fail = a.connect(n.ctx, c)
	}
	if fail != nil {
		reset(c)
		return
	}
	n.release(c)
	r.serve()
}

// reserved is a port that a foreign program has, or will have.
type reserved struct {
	listener *net.TCPListener // of Reserve
	address  string
	release  closer
}

// Reserve opens a listener for a port of h and returns its real address, with
// a file of it for a program to inherit (exec.Cmd's ExtraFiles). The listener
// stays open until the network is closed: what comes while no program accepts
// waits, unless a fault keeps h down. Asked again for a port, it returns the
// same listener, and another file. Closing the file is the caller's.
func (h *Host) Reserve(port int) (address string, file *os.File, err error) {
	r, err := h.reserve(port, true)
	if err == nil {
		file, err = r.listener.File()
	}
	if err != nil {
		return "", nil, fmt.Errorf("loopback: reserving %s:%d: %w", h.name, port, err)
	}
	return r.address, file, nil
}

// Bind returns a real address for a program to listen on as a port of h.
// Nobody else is given it until the network is closed, and dials are refused
// while nobody listens. It is for programs that set SO_REUSEADDR before they
// bind, as Go's do. Where a port cannot be kept, its error wraps
// errors.ErrUnsupported.
func (h *Host) Bind(port int) (address string, err error) {
	r, err := h.reserve(port, false)
	if err != nil {
		return "", fmt.Errorf("loopback: binding %s:%d: %w", h.name, port, err)
	}
	return r.address, nil
}

// reserve finds or makes what port's program listens with.
func (h *Host) reserve(port int, inherited bool) (*reserved, error) {
	h.net.mu.Lock()
	r := h.reserved[port]
	h.net.mu.Unlock()
	if r != nil {
		if inherited != (r.listener != nil) {
			return nil, errors.New("the port is both to be inherited and to be bound")
		}
		return r, nil
	}
	r, err := newReserved(inherited)
	if err != nil {
		return nil, err
	}
	real := netip.MustParseAddrPort(r.address)
	s := &socket{host: h, foreign: true}
	address := net.JoinHostPort("", strconv.Itoa(port))
	if fail := h.net.openSocket(s, message{Network: "tcp4", Address: address, Real: real}); fail != nil {
		r.release.Close()
		return nil, fail.opError("listen", "tcp4")
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.net.closed {
		r.release.Close()
		return nil, net.ErrClosed
	}
	h.reserved[port] = r
	h.net.foreign = append(h.net.foreign, r.release)
	return r, nil
}

func newReserved(inherited bool) (*reserved, error) {
	if !inherited {
		address, release, err := bindHere()
		return &reserved{address: address, release: release}, err
	}
	l, err := listenHere()
	if err != nil {
		return nil, err
	}
	return &reserved{listener: l, address: l.Addr().String(), release: l}, nil
}

// dialReal connects to a real address.
func dialReal(ctx context.Context, real netip.AddrPort) (*net.TCPConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp4", real.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}
