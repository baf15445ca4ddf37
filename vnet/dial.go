// Dialling: an attempt travels to the listener, and its answer back.

package vnet

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
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
	if e.family.proto == "udp" {
		return h.dialPacket(network, netip.AddrPortFrom(addrs[0], e.port))
	}
	a, err := h.newAttempt(network, addrs, e.port)
	if err == nil && ctx.Err() != nil {
		err = ctxError(ctx.Err())
	}
	if err != nil {
		return nil, dialError(network, netAddr("tcp", netip.AddrPortFrom(addrs[0], e.port)), err)
	}
	a.start()
	if err := a.wait(ctx); err != nil {
		return nil, dialError(network, netAddr("tcp", a.addr), err)
	}
	return &a.c.ends[0], nil
}

// attempt is one dial under way.
type attempt struct {
	net       *Network
	network   string
	from, to  *Host
	addr      netip.AddrPort // dialled
	local     netip.AddrPort // given when it is numbered
	num       int32
	out, back *Link
	since     time.Duration // when it was dialled
	cause     int           // Seq of its event in the journal
	dropped   bool          // the test lost it: no answer ever comes
	reply     func()        // goes on with an answer that a cut keeps

	mu   sync.Mutex
	over bool
	err  error
	c    *conn
	done chan struct{}
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

// compare orders dials by who dials whom.
func (a *attempt) compare(b *attempt) int {
	return cmp.Or(
		cmp.Compare(a.from.name, b.from.name),
		cmp.Compare(a.to.name, b.to.name),
		cmp.Compare(a.addr.Port(), b.addr.Port()),
		cmp.Compare(a.network, b.network),
	)
}

// start sends the connect off.
func (a *attempt) start() {
	n := a.net
	if n.is(holding) && !n.mayPass() {
		n.held.addDial(a)
		return
	}
	a.register()
	v, lost := a.judge()
	f := a.out.carryConnect(a)
	a.cause = a.record("net.dial", 0)
	a.recordLoss(f)
	switch f.delay += v.Delay; {
	case lost || f.lost:
		a.dropped = true
	case v.Reset:
		a.finish(errno("connect", refused))
	case f.delay > 0:
		time.AfterFunc(a.instant(f.delay), a.arrive)
	default:
		a.arrive()
	}
}

// register gives the attempt its number and its local address.
func (a *attempt) register() {
	n := a.net
	n.mu.Lock()
	defer n.mu.Unlock()
	a.num = n.number(a.from, a.to, a.addr.Port())
	a.local = netip.AddrPortFrom(a.from.source(a.addr.Addr()), a.from.nextPort())
}

// judge asks the rules.
func (a *attempt) judge() (v Verdict, lost bool) {
	if !a.net.is(ruling) {
		return v, false
	}
	return a.net.ask(a.segment(), firstResendSyn)
}

func (a *attempt) segment() Segment {
	return Segment{
		Conn: connName(a.from, a.to, a.addr.Port(), a.num),
		From: hostPort(a.from, a.local), To: hostPort(a.to, a.addr), Syn: true,
	}
}

// carryConnect is carry for a connect.
func (l *Link) carryConnect(a *attempt) fate {
	if l.plain.Load() {
		return fate{}
	}
	name := connName(a.from, a.to, a.addr.Port(), a.num)
	return l.carry(0, l.net.draw(l.name()+" connect "+name, 0), firstResendSyn)
}

// instant returns the delay after which a moment of this connection's own comes.
func (a *attempt) instant(delay time.Duration) time.Duration {
	now := a.net.now()
	return nextInstant(now+delay, phase(a.from, a.to, a.num)) - now
}

// sealDial makes a held dial a segment that waits.
func (n *Network) sealDial(a *attempt) {
	a.register()
	v, lost := a.judge()
	f := a.out.carryConnect(a)
	a.cause = a.record("net.dial", 0)
	a.recordLoss(f)
	switch f.delay += v.Delay; {
	case lost || f.lost:
		a.dropped = true
	case v.Reset:
		a.finish(errno("connect", refused))
	default:
		n.held.push(&entry{seg: a.segment(), due: a.since + f.delay, cause: a.cause, dial: a})
	}
}

// free lets the connect go that waited for the test; when the hold is over, it
// travels on until it is due.
func (a *attempt) free(due time.Duration) {
	if left := due - a.net.now(); left > 0 && !a.net.is(holding) {
		time.AfterFunc(a.instant(left), a.arrive)
		return
	}
	a.arrive()
}

// arrive brings the connect to its host. Over a blocked link it waits there
// for the link to heal.
func (a *attempt) arrive() {
	if a.reply != nil {
		a.reply()
		return
	}
	n := a.net
	n.mu.Lock()
	if a.isOver() || a.dropped {
		n.mu.Unlock()
		return
	}
	if a.out.blocked() || a.back.blocked() {
		n.stuck = append(n.stuck, a)
		n.mu.Unlock()
		return
	}
	c, err, full := a.connect()
	n.mu.Unlock()
	if full {
		a.record("fault.backlog", a.cause)
		return
	}
	a.answer(c, err)
}

// connect makes the connection if somebody listens and has room; net.mu is
// held. When the backlog is full the attempt waits there for its turn.
func (a *attempt) connect() (c *conn, err error, full bool) {
	n := a.net
	if end := a.to.provided[a.addr.Port()]; end != nil {
		delete(a.to.provided, a.addr.Port())
		end.c.ends[0].host = a.from
		end.c.ends[0].link, end.c.ends[1].link = a.out, a.back
		a.adopt(end.c)
		return end.c, nil, false
	}
	l := a.to.listening(a.addr)
	if l == nil {
		return nil, errno("connect", refused), false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= l.limit {
		l.waiting = append(l.waiting, a)
		return nil, nil, true
	}
	c = n.newConn(a.from, a.to)
	a.adopt(c)
	c.ends[1].setNetwork(l.network)
	l.push(&c.ends[1], !l.paused)
	return c, nil, false
}

// adopt gives c the attempt's names.
func (a *attempt) adopt(c *conn) {
	c.num = a.num
	c.ends[0].addr, c.ends[1].addr = a.local, a.addr
	c.ends[0].setNetwork(a.network)
}

// answer carries the outcome back to the dialler.
func (a *attempt) answer(c *conn, err error) {
	f := a.back.carryConnect(a)
	a.recordLoss(f)
	switch {
	case f.lost:
		a.dropped = true
	case f.delay > 0 && !a.net.is(holding):
		time.AfterFunc(a.instant(f.delay), func() { a.conclude(c, err) })
	default:
		a.conclude(c, err)
	}
}

// conclude brings the answer to the dialler. Behind a link that was cut
// meanwhile it waits, too.
func (a *attempt) conclude(c *conn, err error) {
	a.net.mu.Lock()
	cut := a.back.blocked()
	if cut {
		a.reply = func() { a.conclude(c, err) }
		a.net.stuck = append(a.net.stuck, a)
	}
	a.net.mu.Unlock()
	if cut {
		return
	}
	if err != nil {
		a.record("net.refused", a.cause)
		a.finish(err)
		return
	}
	a.record("net.connect", a.cause)
	a.mu.Lock()
	late := a.over
	a.c = c
	a.mu.Unlock()
	if late {
		c.abandon()
		return
	}
	a.finish(nil)
}

// abandon resets a connection whose dialler has gone.
func (c *conn) abandon() {
	c.mu.Lock()
	defer c.unlock()
	s := &c.ends[0]
	s.set(closed)
	s.abort()
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

// lost makes the attempt one that is never answered.
func (a *attempt) lost() {
	a.net.mu.Lock()
	a.dropped = true
	a.net.mu.Unlock()
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

// recordLoss notes that the connect, or its answer, was lost on the way.
func (a *attempt) recordLoss(f fate) {
	if a.net.is(recording) && (f.lost || f.losses > 0) {
		a.net.append(journal.Event{
			Kind: "fault.loss", Where: a.from.name, Peer: a.to.name,
			Subject: connName(a.from, a.to, a.addr.Port(), a.num), Notes: f.notes(),
		})
	}
}

// record notes a step of the attempt. Under a hold only the stepping
// goroutine comes here, so the order is the steps'.
func (a *attempt) record(k journal.Kind, cause int) int {
	n := a.net
	if !n.is(recording) {
		return 0
	}
	from, to := a.from, a.to
	if k == "net.connect" || k == "net.refused" || k == "fault.backlog" {
		from, to = to, from
	}
	return n.append(journal.Event{
		Kind: k, Where: from.name, Peer: to.name, Cause: cause,
		Subject: connName(a.from, a.to, a.addr.Port(), a.num),
	})
}

// without returns s without the element e.
func without[E comparable](s []E, e E) []E {
	return slices.DeleteFunc(s, func(x E) bool { return x == e })
}
