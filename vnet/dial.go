// Dialling: whom a dial is for, and the wait for its outcome.

package vnet

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	refused  = syscall.ECONNREFUSED
	resetErr = syscall.ECONNRESET
)

// Dial connects from h to address on the named network: tcp, tcp4, tcp6, udp,
// udp4 or udp6. A name stands for its host's IPv4 address, or for its IPv6
// address where only there somebody listens. Errors are those of package net.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	e, err := parseEndpoint(network, address)
	if err != nil {
		return nil, dialError(network, nil, err)
	}
	addrs, err := h.resolve(e.family, e.host)
	if err != nil {
		return nil, dialError(network, nil, err)
	}
	first := netip.AddrPortFrom(addrs[0], e.port)
	if e.family.proto == "udp" {
		return h.dialPacket(ctx, network, first)
	}
	a, err := h.newAttempt(network, addrs, e.port)
	if err == nil && ctx.Err() != nil {
		err = ctxError(ctx.Err())
	}
	if err != nil {
		return nil, dialError(network, netAddr("tcp", first), err)
	}
	a.start()
	if err := a.wait(ctx); err != nil {
		return nil, dialError(network, netAddr("tcp", a.addr), err)
	}
	return &a.c.ends[0], nil
}

// newAttempt finds out whom a dial is for.
func (h *Host) newAttempt(network string, addrs []netip.Addr, port uint16) (*attempt, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return nil, errClosed
	case h.down.Load():
		return nil, errno("connect", syscall.ENETUNREACH)
	}
	to := addrs[0]
	for _, a := range addrs {
		if there := h.at(a); there != nil && there.listening(netip.AddrPortFrom(a, port)) != nil {
			to = a
			break
		}
	}
	there := h.at(to)
	if there == nil {
		return nil, errno("connect", syscall.EHOSTUNREACH)
	}
	if to.IsUnspecified() {
		to = h.source(to)
	}
	return &attempt{
		net: n, network: network, from: h, to: there, addr: netip.AddrPortFrom(to, port),
		out: n.link(h, there), back: n.link(there, h), since: n.now(), done: make(chan struct{}),
	}, nil
}

// finish ends the attempt; the first outcome counts.
func (a *attempt) finish(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.over, a.err = true, err
		close(a.done)
	}
}

func (a *attempt) isOver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

// wait returns when the attempt is over, ctx is done, or time has run out.
func (a *attempt) wait(ctx context.Context) error {
	if a.isOver() {
		return a.err
	}
	if !a.net.expect(a) {
		a.finish(errClosed)
	}
	defer a.net.withdraw(a)
	giveUp := time.NewTimer(a.net.cfg.GiveUp)
	defer giveUp.Stop()
	select {
	case <-a.done:
	case <-ctx.Done():
		a.finish(ctxError(ctx.Err()))
	case <-giveUp.C:
		a.record("net.timeout", 0)
		a.finish(errno("connect", syscall.ETIMEDOUT))
	}
	return a.err
}

// expect notes that somebody waits for a, so that Close can end it; it fails
// on a closed network.
func (n *Network) expect(a *attempt) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials[a] = true
	return !n.closed
}

// withdraw takes an attempt that is over out of wherever it waits.
func (n *Network) withdraw(a *attempt) {
	n.mu.Lock()
	delete(n.dials, a)
	n.mu.Unlock()
	if a.err == nil {
		return
	}
	for _, e := range n.held.snapshot() {
		if e.dial == a {
			n.held.remove(e)
		}
	}
	n.mu.Lock()
	n.stuck = without(n.stuck, a)
	l := a.to.listening(a.addr)
	n.mu.Unlock()
	if l != nil {
		l.mu.Lock()
		l.waiting = without(l.waiting, a)
		l.mu.Unlock()
	}
}

// without returns s without the element e.
func without[E comparable](s []E, e E) []E {
	return slices.DeleteFunc(s, func(x E) bool { return x == e })
}
