// The life of one dial: it travels to the listener, and its answer back.

package vnet

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

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
	next      func()        // what it does when it goes on; net.mu guards it
	due       time.Duration // when that is
	timer     *time.Timer   // for it
	dropped   bool          // the test lost it: no answer ever comes

	mu   sync.Mutex
	over bool
	err  error
	c    *conn
	done chan struct{}
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

// start sends the connect off, or lets it wait for the next rest.
func (a *attempt) start() {
	if a.net.is(holding) && !a.net.mayPass() {
		a.net.held.addDial(a)
		return
	}
	if delay, ok := a.depart(); ok {
		a.travel(delay, a.arrive)
	}
}

// depart gives the attempt its name and asks rules and link how long it takes;
// ok is false when it never arrives.
func (a *attempt) depart() (delay time.Duration, ok bool) {
	a.register()
	v, lost := a.judge()
	f := a.out.carryConnect(a)
	a.cause = a.record("net.dial", 0)
	a.recordLoss(f)
	switch {
	case lost || f.lost:
		a.lost()
		return 0, false
	case v.Reset:
		a.finish(errno("connect", refused))
		return 0, false
	}
	return f.delay + v.Delay, true
}

// travel lets the attempt go on with next after delay.
func (a *attempt) travel(delay time.Duration, next func()) {
	if delay <= 0 {
		next()
		return
	}
	delay = a.instant(delay)
	a.net.mu.Lock()
	defer a.net.mu.Unlock()
	a.next, a.due = next, a.net.now()+delay
	a.timer = time.AfterFunc(delay, a.goOn)
}

// goOn does what the attempt has waited for, once.
func (a *attempt) goOn() {
	a.net.mu.Lock()
	next := a.next
	a.next = nil
	a.net.mu.Unlock()
	if next != nil {
		next()
	}
}

// entry is what waits for the test in the attempt's place.
func (a *attempt) entry(due time.Duration) *entry {
	return &entry{seg: a.segment(), due: due, cause: a.cause, dial: a}
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

// sealDial makes a held dial a segment that waits. One that was on its way
// already, and found a backlog full, only waits again.
func (n *Network) sealDial(a *attempt) {
	if a.local.IsValid() {
		n.held.push(a.entry(n.now()))
		return
	}
	if delay, ok := a.depart(); ok {
		a.next = a.arrive
		n.held.push(a.entry(a.since + delay))
	}
}

// seizeDials makes the dials that travel freely wait for the test.
func (n *Network) seizeDials() {
	n.mu.Lock()
	var seized []*attempt
	for a := range n.dials {
		if a.next != nil && a.timer != nil && a.timer.Stop() {
			seized = append(seized, a)
		}
	}
	n.mu.Unlock()
	slices.SortFunc(seized, func(a, b *attempt) int {
		return cmp.Or(cmp.Compare(a.due, b.due), a.compare(b), cmp.Compare(a.num, b.num))
	})
	for _, a := range seized {
		n.held.push(a.entry(a.due))
	}
}

// free lets the attempt go on that waited for the test; when the hold is over,
// it travels on until it is due.
func (a *attempt) free(due time.Duration) {
	if left := due - a.net.now(); left > 0 && !a.net.is(holding) {
		a.travel(left, a.next)
		return
	}
	a.goOn()
}

// halted keeps the attempt at a link that is blocked, if one of these is,
// until the link heals; net.mu is held.
func (a *attempt) halted(next func(), links ...*Link) bool {
	blocked := slices.ContainsFunc(links, (*Link).blocked)
	if blocked {
		a.next = next
		a.net.stuck = append(a.net.stuck, a)
	}
	return blocked
}

// arrive brings the connect to its host. Over a blocked link it waits there
// for the link to heal.
func (a *attempt) arrive() {
	n := a.net
	n.mu.Lock()
	if a.isOver() || a.dropped || a.halted(a.arrive, a.out, a.back) {
		n.mu.Unlock()
		return
	}
	c, err, full := a.connect()
	n.mu.Unlock()
	if !full {
		a.answer(c, err)
	}
}

// again lets an attempt that found the backlog full try once more.
func (a *attempt) again() {
	if a.net.is(holding) {
		a.net.held.addDial(a)
		return
	}
	a.goOn()
}

// connect makes the connection if somebody listens and has room; net.mu is
// held. When the backlog is full the attempt waits there for its turn. What
// came of it is recorded before any program can know.
func (a *attempt) connect() (c *conn, err error, full bool) {
	n := a.net
	if end := a.to.provided[a.addr.Port()]; end != nil {
		delete(a.to.provided, a.addr.Port())
		a.record("net.connect", a.cause)
		end.c.ends[0].host = a.from
		end.c.ends[0].link, end.c.ends[1].link = a.out, a.back
		a.adopt(end.c)
		return end.c, nil, false
	}
	l := a.to.listening(a.addr)
	if l == nil {
		a.record("net.refused", a.cause)
		return nil, errno("connect", refused), false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= l.limit {
		a.record("fault.backlog", a.cause)
		a.next = a.arrive
		l.waiting = append(l.waiting, a)
		return nil, nil, true
	}
	a.record("net.connect", a.cause)
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
	if f.lost {
		a.lost()
		return
	}
	if a.net.is(holding) {
		f.delay = 0 // the test let it go, there and back
	}
	a.travel(f.delay, func() { a.conclude(c, err) })
}

// conclude brings the answer to the dialler. Behind a link that was cut
// meanwhile it waits, too.
func (a *attempt) conclude(c *conn, err error) {
	a.net.mu.Lock()
	halted := a.halted(func() { a.conclude(c, err) }, a.back)
	a.net.mu.Unlock()
	if halted {
		return
	}
	a.mu.Lock()
	late := a.over
	a.c = c
	a.mu.Unlock()
	if late && c != nil {
		c.abandon()
		return
	}
	a.finish(err)
}

// lost makes the attempt one that is never answered.
func (a *attempt) lost() {
	a.net.mu.Lock()
	a.dropped = true
	a.net.mu.Unlock()
}

// abandon resets a connection whose dialler has gone.
func (c *conn) abandon() {
	c.mu.Lock()
	defer c.unlock()
	s := &c.ends[0]
	s.set(closed)
	s.abort()
}

// recordLoss notes that the connect, or its answer, was lost on the way.
func (a *attempt) recordLoss(f fate) {
	if f.losses > 0 {
		a.net.recordFate(f, a.from, a.to, connName(a.from, a.to, a.addr.Port(), a.num))
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
