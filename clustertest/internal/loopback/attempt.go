// A dial, as the network sees it: from its arrival at the gateway to a relay.

package loopback

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/journal"
)

// attempt is one dial under way.
type attempt struct {
	net         *Network
	from, to    *Host
	network     string
	addr, local netip.AddrPort // dialled, and given
	num         int
	out, back   *link
	cause       int // Seq of its event in the journal
	count       uint64
}

// name is how the connection will be called.
func (a *attempt) name() string { return connName(a.from, a.to, a.addr.Port(), a.num) }

// newAttempt finds out whom a dial is for.
func (n *Network) newAttempt(from *Host, network, address string) (*attempt, *failure) {
	e, err := parseEndpoint(network, address)
	if err == nil && e.family.proto != "tcp" {
		err = net.UnknownNetworkError(network)
	}
	if err != nil {
		return nil, failureOf(netip.AddrPort{}, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	to, err := n.resolve(e)
	if err != nil {
		return nil, failureOf(netip.AddrPort{}, err)
	}
	if to.IsUnspecified() {
		to = here
	}
	a := &attempt{net: n, from: from, network: network, addr: netip.AddrPortFrom(to, e.port), to: n.at(from, to)}
	switch {
	case n.closed:
		return nil, failureOf(a.addr, net.ErrClosed)
	case from.down():
		return nil, fails(a.addr, "connect", "ENETUNREACH")
	case a.to == nil:
		return nil, fails(a.addr, "connect", "EHOSTUNREACH")
	}
	r := route{from, a.to, e.port}
	a.num = n.numbers[r]
	n.numbers[r]++
	a.local = netip.AddrPortFrom(from.source(to), from.nextPort())
	a.out, a.back = n.link(from, a.to), n.link(a.to, from)
	return a, nil
}

// connect makes the relay between client and whoever listens at a's address.
// It ends when gone ends: then the client is not there any more.
func (a *attempt) connect(gone context.Context, client *net.TCPConn) (*relay, *failure) {
	ctx, cancel := context.WithTimeoutCause(gone, a.net.cfg.GiveUp, errGaveUp)
	defer cancel()
	a.cause = a.note("net.dial", a.from, a.to, 0)
	r, err := a.establish(ctx, client)
	var fail *failure
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, &fail):
		return nil, fail
	case errors.Is(err, errGaveUp):
		a.note("net.timeout", a.from, a.to, 0)
		return nil, fails(a.addr, "connect", "ETIMEDOUT")
	}
	return nil, failureOf(a.addr, net.ErrClosed)
}

// establish goes there and back.
func (a *attempt) establish(ctx context.Context, client *net.TCPConn) (*relay, error) {
	if err := a.travel(ctx, a.out, a.out, a.back); err != nil {
		return nil, err
	}
	r, err := a.reach(ctx, client)
	if err == nil && r == nil {
		a.note("net.refused", a.to, a.from, a.cause)
	}
	if err != nil {
		return nil, err
	}
	if err := a.travel(ctx, a.back, a.back); err != nil {
		if r != nil {
			r.forget()
			r.stop()
			reset(r.ends[1].conn)
		}
		return nil, err
	}
	if r == nil {
		return nil, fails(a.addr, "connect", "ECONNREFUSED")
	}
	return r, nil
}

// travel takes the time of a link and waits until the others let something
// through.
func (a *attempt) travel(ctx context.Context, over *link, open ...*link) error {
	if !over.plain.Load() {
		a.count++
		f := over.carry(0, chance.Keyed(a.net.key(over.name()+" connect "+a.name()), a.count), firstResendSyn)
		if f.losses > 0 {
			a.net.recordLoss(over, a.name(), f)
		}
		if f.lost {
			f.delay = a.net.cfg.GiveUp
		}
		if err := wait(ctx, f.delay); err != nil {
			return err
		}
	}
	return a.net.opened(ctx, open...)
}

// reach connects to the listener and makes the relay; nil if there is none.
func (a *attempt) reach(ctx context.Context, client *net.TCPConn) (*relay, error) {
	s := a.listener()
	if s == nil {
		return nil, nil
	}
	server, err := dialReal(ctx, s.real)
	if ctx.Err() != nil {
		if err == nil {
			reset(server)
		}
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, a.unreached(err)
	}
	r := a.commit(s, client, server)
	if r == nil {
		reset(server)
		return nil, nil
	}
	a.note("net.connect", a.to, a.from, a.cause)
	if !s.foreign {
		server.SetWriteDeadline(time.Now().Add(handshake))
		writeFrame(server, message{
			Op: opAccept, Host: a.from.name, Key: a.to.key, Network: a.network, Name: a.name(),
			Local: a.addr, Remote: a.local,
		})
		server.SetWriteDeadline(time.Time{})
	}
	return r, nil // who does not take the frame has gone, as the relay will find
}

// unreached is why nobody was reached; nil for nobody being there, as when a
// process has ended whose end is not known yet.
func (a *attempt) unreached(err error) error {
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return errGaveUp // the system's clock was ahead of the context's
	}
	for _, lacking := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, lacking) {
			return failureOf(a.addr, err)
		}
	}
	return nil
}

// listener returns who listens at a's address now, if anybody does.
func (a *attempt) listener() *socket {
	a.net.mu.Lock()
	defer a.net.mu.Unlock()
	if a.to.down() {
		return nil
	}
	return a.to.find("tcp", a.addr, netip.AddrPort{})
}

// commit makes the relay, if the listener is still there and both hosts are.
func (a *attempt) commit(s *socket, client, server *net.TCPConn) *relay {
	a.net.mu.Lock()
	defer a.net.mu.Unlock()
	if a.net.closed || a.from.down() || a.to.down() || a.to.find("tcp", a.addr, netip.AddrPort{}) != s {
		return nil
	}
	r := a.newRelay(client, server)
	a.net.relays = append(a.net.relays, r)
	return r
}

// note records a step of the dial.
func (a *attempt) note(k journal.Kind, at, peer *Host, cause int) int {
	return a.net.append(journal.Event{
		Kind: k, Where: at.name, Peer: peer.name, Subject: a.name(), Cause: cause,
	})
}

// watch notices when a client that must be silent goes away, until stop is
// called. A client that is not silent is no client.
func watch(c net.Conn, gone context.CancelFunc) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var b [1]byte
		if _, err := c.Read(b[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
			gone()
		}
	}()
	return func() {
		c.SetReadDeadline(longAgo)
		<-ended
		c.SetReadDeadline(time.Time{})
	}
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)
