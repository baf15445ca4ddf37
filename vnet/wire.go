// How bytes travel: at once, after a delay, or when the test says so.

package vnet

import (
	"syscall"
	"time"
)

// kind tells what one transmission is.
type kind uint8

const (
	data kind = iota
	fin
	rst
)

// mark is one transmission on its way without a hold. Its bytes lie in the
// receiving flow, in the marks' order.
type mark struct {
	kind  kind
	size  int
	due   time.Duration
	cause int // Seq of its sending in the journal
}

// wire is how what goes towards one stream travels, once it cannot simply
// arrive. The nil wire is empty. c.mu guards it.
//
// Invariant: either marks wait (free) or open and entries do (held); bytes of
// one direction never pass each other.
type wire struct {
	marks   []mark
	timer   *time.Timer   // for the first mark: one a direction, so order holds
	last    time.Duration // when the newest mark is due
	count   uint64        // transmissions so far
	key     uint64        // of the direction's chances, once one is drawn
	lost    bool          // nothing arrives any more
	landing bool          // somebody delivers marks
	giveUp  *time.Timer   // runs while bytes wait for a blocked link

	open    []byte        // under a hold: written since the last rest
	since   time.Duration // when the first of that was sent
	openFin bool
	openRst bool
	entries int // sealed, waiting in the network's queue
	sealed  int // bytes of those
	sunk    int // bytes that are lost for good: to their sender they are on their way
}

func (w *wire) pending() bool {
	return w != nil && (len(w.marks) > 0 || w.heldBack())
}

// clear tells that what is sent now can arrive now.
func (w *wire) clear() bool { return w == nil || !w.pending() && !w.lost }

// heldBack tells that something waits for the test.
func (w *wire) heldBack() bool {
	return w != nil && (len(w.open) > 0 || w.openFin || w.openRst || w.entries > 0)
}

// held returns the bytes that wait outside of the flow.
func (w *wire) held() int {
	if w == nil {
		return 0
	}
	return len(w.open) + w.sealed + w.sunk
}

// towards returns the wire that leads to p, made when first needed.
func (p *stream) towards() *wire {
	if p.wire == nil {
		p.wire = new(wire)
	}
	return p.wire
}

// emit sends one transmission from s to its peer. It may let go of c.mu while
// rules run.
func (s *stream) emit(k kind, b []byte) {
	n, p := s.c.net, s.peer()
	switch {
	case s.direct():
		p.arrive(k, b, 0)
	case p.wire.heldBack(), n.is(holding) && !n.mayPass():
		p.hold(k, b)
	default:
		s.travel(k, b)
	}
}

// direct tells that what s sends now arrives now, and that nobody looks at it.
func (s *stream) direct() bool {
	return s.c.net.mode.Load() == 0 && s.peer().wire.clear() && s.link.plain.Load()
}

// travel sends without a hold: the rules and the link decide when it arrives.
func (s *stream) travel(k kind, b []byte) {
	p := s.peer()
	w := p.towards()
	b, f, ok := s.judge(k, b)
	if !ok {
		return
	}
	cause := s.noteSend(k, b)
	now := s.c.net.now()
	switch {
	case f.lost:
		p.lose(len(b))
		return
	case f.delay == 0 && len(w.marks) == 0 && !s.link.blocked():
		p.arrive(k, b, cause)
		return
	}
	due := now
	if f.delay > 0 {
		due = p.instant(now + f.delay)
	}
	w.last = max(due, w.last)
	if k == data {
		p.in.Send(b)
	}
	w.marks = append(w.marks, mark{k, len(b), w.last, cause})
	if len(w.marks) == 1 {
		p.arm(now)
	}
}

// instants is how many directions can each own their nanoseconds: direction k
// delivers only at those that leave k when divided by it, so that no two
// deliveries fall on one instant and the order of a run repeats.
const instants = 4096

// instant returns the first moment from t on that belongs to the direction
// towards p.
func (p *stream) instant(t time.Duration) time.Duration {
	client, server := &p.c.ends[0], &p.c.ends[1]
	k := phase(client.host, server.host, p.c.num)
	if p == server {
		k++
	}
	return nextInstant(t, k)
}

// phase returns which instants are a connection's, by its name and not by when
// it was made: the remainder of one direction, that of the other being the
// next. Remainder 0 belongs to the programs' own timers, the upper half to
// datagrams. Networks of ten hosts and a hundred connections a pair seldom
// share instants; where two do, which of them is first is left to chance.
func phase(from, to *Host, num int32) int {
	return 1 + 2*((int(num)*121+from.index*11+to.index)%(instants/4-1))
}

// nextInstant returns the first moment from t on that leaves the remainder k.
func nextInstant(t time.Duration, k int) time.Duration {
	return t + (time.Duration(k)-t%instants+instants)%instants
}

// arm sets the timer for the first mark; over a blocked link it starts the
// clock after which the sender gives up.
func (p *stream) arm(now time.Duration) {
	w := p.wire
	switch {
	case !w.pending():
		return
	case p.peer().link.blocked():
		p.stick()
		return
	case len(w.marks) == 0:
		return
	}
	left := w.marks[0].due - now
	if w.timer == nil {
		w.timer = time.AfterFunc(left, p.land)
	} else {
		w.timer.Reset(left)
	}
}

// land delivers what is due when its timer has fired.
func (p *stream) land() {
	p.c.mu.Lock()
	defer p.c.unlock()
	p.landDue(p.c.net.now())
}

// landDue delivers every mark whose time has come, and sets the timer for the
// next. An arrival may let go of c.mu: marks come meanwhile, and others may
// look for what is due.
func (p *stream) landDue(now time.Duration) {
	w, done := p.wire, 0
	if w.landing {
		return
	}
	w.landing = true
	for done < len(w.marks) && w.marks[done].due <= now && !p.peer().link.blocked() {
		m := w.marks[done]
		done++
		p.in.Land(m.size)
		p.arrived(m.kind, m.size, m.cause)
	}
	w.marks = append(w.marks[:0], w.marks[min(done, len(w.marks)):]...)
	w.landing = false
	p.arm(now)
}

// arrive puts a transmission straight into p.
func (p *stream) arrive(k kind, b []byte, cause int) {
	if k == data {
		p.in.Put(b)
	}
	p.arrived(k, len(b), cause)
}

// arrived tells p what has just reached it; size bytes became unread.
func (p *stream) arrived(k kind, size, cause int) {
	if p.c.net.is(recording) {
		p.recordArrival(size, cause)
	}
	switch {
	case p.host.crashed.Load():
		p.in.Retract(size)
	case k == rst:
		p.die(syscall.ECONNRESET)
	case k == fin:
		p.set(finIn)
	case p.has(closed|dead) || p.has(shutR) && p.has(shutW):
		p.in.Retract(size)
		p.refuse()
	}
	p.cond.Broadcast()
}

// refuse answers bytes that nobody can read any more: the connection is
// reset, and an end that the program still holds sees it too.
func (p *stream) refuse() {
	if !p.has(closed | dead) {
		p.err = resetErr
	}
	p.abort()
}

// lose ends the direction towards p: nothing arrives any more, what is sent
// fills the window, and its sender times out.
func (p *stream) lose(size int) {
	p.towards().lost = true
	p.wire.sunk += size
	p.stick()
}

// stick starts the clock after which p's peer times out.
func (p *stream) stick() {
	if w := p.towards(); w.giveUp == nil {
		w.giveUp = time.AfterFunc(p.c.net.cfg.GiveUp, p.expire)
	}
}

// expire times the sender out when its bytes still cannot arrive. It sends them
// no more; what it may still send is a reset.
func (p *stream) expire() {
	p.c.mu.Lock()
	defer p.c.unlock()
	s := p.peer()
	if p.wire.giveUp == nil || s.has(dead) {
		return
	}
	p.vanish()
	p.wire.lost, p.wire.sunk = false, 0
	s.record("net.timeout", 0)
	s.die(syscall.ETIMEDOUT)
}

// unstick goes on after the link has healed: what waited leaves now.
func (p *stream) unstick() {
	w := p.wire
	if w.giveUp != nil {
		w.giveUp.Stop()
		w.giveUp = nil
	}
	now, latency := p.c.net.now(), p.peer().link.Config().Latency
	for i := range w.marks {
		m := &w.marks[i]
		if latency > 0 {
			m.due = max(m.due, p.instant(now+latency))
		}
		w.last = max(w.last, m.due)
	}
	p.landDue(now)
}
