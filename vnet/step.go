// Step control: hold the network, see what waits, let it go piece by piece.

package vnet

import (
	"fmt"
	"iter"
	"time"
)

// Hold makes everything that is sent from now on wait for the test: connects,
// segments, the ends of directions, resets, datagrams. What one direction
// writes between two rests is one segment. What already travels waits too.
//
// Every method that steps must be called on one goroutine, the test's, and
// waits for the program to rest before it looks.
func (n *Network) Hold() {
	if n.cfg.Settle == nil {
		panic("vnet: Hold needs Config.Settle; in a bubble it is synctest.Wait, and vnettest.Run sets it")
	}
	if n.is(holding) {
		return
	}
	n.cfg.Settle()
	n.set(holding, true)
	for c := range n.internalConns() {
		c.seize()
	}
	n.seizeDials()
	n.seizeGrams()
}

// seize turns what travels freely on c into entries that wait.
func (c *conn) seize() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.ends {
		p := &c.ends[1-i]
		if p.wire == nil || len(p.wire.marks) == 0 {
			continue
		}
		w := p.wire
		flying := p.in.Recall()
		for _, m := range w.marks {
			seg := p.peer().segment(m.kind, flying[:m.size])
			flying = flying[m.size:]
			w.entries++
			w.sealed += m.size
			c.net.held.push(&entry{seg: seg, kind: m.kind, due: m.due, cause: m.cause, size: m.size, to: p})
		}
		w.marks = nil
	}
}

// Release stops holding. What waits and may arrive is delivered in order;
// what its link delays goes on travelling.
func (n *Network) Release() {
	if !n.is(holding) {
		return
	}
	n.Flush()
	n.set(holding, false)
	n.cfg.Settle()
	for n.seal(); len(n.held.snapshot()) > 0; n.seal() {
		for _, e := range n.held.snapshot() {
			n.free(e)
		}
	}
}

// Pass lets the next k transmissions go as if nothing were held: for a call
// that the test itself makes and waits for. Pass(0) ends it.
func (n *Network) Pass(k int) { n.pass.Store(int64(k)) }

// mayPass takes one of the passes, if there is one.
func (n *Network) mayPass() bool {
	for {
		k := n.pass.Load()
		if k <= 0 {
			return false
		}
		if n.pass.CompareAndSwap(k, k-1) {
			return true
		}
	}
}

// rest waits until the program rests and everything it sent is sealed.
func (n *Network) rest() {
	if n.cfg.Settle == nil {
		panic("vnet: stepping needs Config.Settle; in a bubble it is synctest.Wait, and vnettest.Run sets it")
	}
	n.cfg.Settle()
	for n.seal() && n.is(ruling) {
		n.cfg.Settle()
	}
}

// heads yields the first entry of each direction that may be delivered now.
func (n *Network) heads() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		now := n.now()
		var behind map[*stream]bool
		for e := range n.held.entries() {
			switch {
			case e.to != nil && behind[e.to]:
				continue
			case e.ripe(now) && !yield(e):
				return
			}
			if e.to != nil {
				if behind == nil {
					behind = map[*stream]bool{}
				}
				behind[e.to] = true
			}
		}
	}
}

// Waiting yields what waits and could arrive now, in the canonical order:
// the oldest rest first, within a rest by name. What is behind another segment
// of its direction is yielded too, after it.
func (n *Network) Waiting() iter.Seq[Segment] {
	n.rest()
	now := n.now()
	return func(yield func(Segment) bool) {
		for _, e := range n.held.snapshot() {
			if e.ripe(now) && !yield(e.seg) {
				return
			}
		}
	}
}

// Step delivers the next segment, waiting for one to come while the bubble's
// time passes, and then for every goroutine to rest. On a closed network it
// returns the zero Segment.
func (n *Network) Step() Segment {
	for {
		if seg, ok := n.TryStep(); ok || n.isClosed() {
			return seg
		}
		n.awaitMore(nil)
	}
}

// TryStep delivers the next segment if one waits; no time passes.
func (n *Network) TryStep() (Segment, bool) {
	n.rest()
	e := n.next(nil)
	if e == nil {
		return Segment{}, false
	}
	n.deliver(e)
	return e.seg, true
}

// next returns what goes next of the heads for which when holds, if it is not
// nil. Without an Order that is the first of them, and no other is looked at.
func (n *Network) next(when func(Segment) bool) *entry {
	var heads []*entry
	for e := range n.heads() {
		switch {
		case when != nil && !when(e.seg):
		case n.cfg.Order == nil:
			return e
		default:
			heads = append(heads, e)
		}
	}
	if len(heads) == 0 {
		return nil
	}
	return heads[n.choose(heads)]
}

// choose asks Config.Order which of the heads goes next.
func (n *Network) choose(heads []*entry) int {
	segs := make([]Segment, len(heads))
	for i, e := range heads {
		segs[i] = e.seg
	}
	i := n.cfg.Order(segs)
	if i < 0 || i >= len(heads) {
		panic(fmt.Sprintf("vnet: Config.Order chose %d of %d", i, len(heads)))
	}
	return i
}

// deliver lets e arrive and waits for rest.
func (n *Network) deliver(e *entry) {
	n.step.Add(1)
	n.free(e)
	n.cfg.Settle()
}

// Flush delivers until nothing waits, new segments too, and returns how many.
// No time passes.
func (n *Network) Flush() int { return n.FlushWhen(func(Segment) bool { return true }) }

// FlushWhen delivers, of what waits, every segment for which when holds, until
// there is none, and returns how many.
func (n *Network) FlushWhen(when func(Segment) bool) (count int) {
	for {
		n.rest()
		e := n.next(when)
		if e == nil {
			return count
		}
		n.deliver(e)
		count++
	}
}

// Drain delivers everything that comes during d of the bubble's time, and
// returns how many segments that were.
func (n *Network) Drain(d time.Duration) (count int) {
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		count += n.Flush()
		if over := n.awaitMore(end.C); over || n.isClosed() {
			return count + n.Flush()
		}
	}
}

// awaitMore blocks until something may have become deliverable; over tells
// that end came first.
func (n *Network) awaitMore(end <-chan time.Time) (over bool) {
	var due <-chan time.Time
	if at, ok := n.nextDue(); ok {
		t := time.NewTimer(at - n.now())
		defer t.Stop()
		due = t.C
	}
	select {
	case <-n.held.wake:
	case <-due:
	case <-end:
		return true
	}
	return false
}

// nextDue returns when the next entry's delay is over.
func (n *Network) nextDue() (at time.Duration, ok bool) {
	now := n.now()
	for _, e := range n.held.snapshot() {
		if e.due > now && (!ok || e.due < at) {
			at, ok = e.due, true
		}
	}
	return at, ok
}

// Deliver lets the segment of that ID arrive now, whatever its delay, and
// waits for rest. It fails when there is none, when it waits behind another
// of its direction, or when its link is cut.
func (n *Network) Deliver(id int) error {
	e, err := n.find(id)
	if err != nil {
		return err
	}
	if e.blocked() {
		return fmt.Errorf("vnet: segment %d cannot arrive: %v", id, e.link())
	}
	n.deliver(e)
	return nil
}

// Lose loses the segment of that ID for good. A datagram is gone. On a stream
// the direction carries nothing more, and its sender times out after
// Config.GiveUp; likewise a dial.
func (n *Network) Lose(id int) error {
	e, err := n.find(id)
	if err != nil {
		return err
	}
	n.recordLoss(e)
	n.lose(e)
	n.cfg.Settle()
	return nil
}

// Rewrite replaces the data of the waiting segment of that ID.
func (n *Network) Rewrite(id int, b []byte) error {
	e, err := n.find(id)
	switch {
	case err != nil:
		return err
	case e.seg.Syn || e.seg.Fin || e.seg.Rst:
		return fmt.Errorf("vnet: segment %d is a %s and has no data to rewrite", id, e.seg.what())
	}
	e.seg.Data = append([]byte(nil), b...)
	return nil
}

// find returns the entry of that ID if it is the first of its direction.
func (n *Network) find(id int) (*entry, error) {
	n.rest()
	for i, e := range n.held.snapshot() {
		if e.seg.ID != id {
			continue
		}
		for _, f := range n.held.snapshot()[:i] {
			if e.to != nil && f.to == e.to {
				return nil, fmt.Errorf("vnet: segment %d waits behind %d of its direction", id, f.seg.ID)
			}
		}
		return e, nil
	}
	return nil, fmt.Errorf("vnet: no segment %d waits", id)
}

// free takes e off the queue and sends it on its last way: it arrives, or
// travels on when its link delays it.
func (n *Network) free(e *entry) {
	switch {
	case !n.held.remove(e):
	case e.dial != nil:
		e.dial.free(e.due)
	case e.gram != nil:
		n.freeGram(e)
	default:
		e.to.release(e)
	}
}

// release delivers a held segment to p, or lets it travel on when the hold is
// over and its time has not come.
func (p *stream) release(e *entry) {
	p.c.mu.Lock()
	defer p.c.unlock()
	w := p.wire
	w.entries--
	w.sealed -= e.size
	if n := p.c.net; !n.is(holding) && (!e.ripe(n.now()) || len(w.marks) > 0) {
		if e.kind == data {
			p.in.Send(e.seg.Data)
		}
		w.last = max(w.last, p.instant(e.due))
		w.marks = append(w.marks, mark{e.kind, len(e.seg.Data), w.last, e.cause})
		p.arm(n.now())
		return
	}
	p.arrive(e.kind, e.seg.Data, e.cause)
}

// lose drops e; what cannot be without it is lost too.
func (n *Network) lose(e *entry) {
	if !n.held.remove(e) || e.gram != nil {
		return
	}
	if e.dial != nil {
		e.dial.lost()
		return
	}
	for _, f := range n.held.snapshot() {
		if f.to == e.to {
			n.held.remove(f)
		}
	}
	p := e.to
	p.c.mu.Lock()
	defer p.c.unlock()
	sunk := p.wire.sealed
	p.wire.entries, p.wire.sealed = 0, 0
	p.lose(sunk)
}

// Holding tells whether the network is held.
func (n *Network) Holding() bool { return n.is(holding) }

// News returns a channel that has a token when something may have begun to
// wait since it was last empty, or may arrive now that its delay is over. It
// is of the time when it is asked for: ask again after each token. On a held
// network it must be called on the goroutine that steps.
func (n *Network) News() <-chan struct{} {
	if at, ok := n.nextDue(); ok && n.held.arm(at) {
		time.AfterFunc(at-n.now(), n.held.signal)
	}
	return n.held.wake
}
