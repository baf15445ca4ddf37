// What waits for the test: collected as it is written, sealed at rest.

package vnet

import (
	"cmp"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// entry is one segment that waits.
type entry struct {
	seg   Segment
	kind  kind
	due   time.Duration // when its link lets it arrive
	cause int           // Seq of its sending
	size  int           // of the window it takes: the data's length when it was written

	// Exactly one is set.
	to   *stream
	dial *attempt
	gram *datagram
}

// link returns what the entry travels over.
func (e *entry) link() *Link {
	switch {
	case e.to != nil:
		return e.to.peer().link
	case e.dial != nil:
		return e.dial.out
	}
	return e.gram.link
}

// ripe tells that the entry could be delivered now, were it its turn.
func (e *entry) ripe(now time.Duration) bool {
	return e.due <= now && !e.blocked()
}

// blocked tells that the entry waits for a link to heal; a dial needs both.
func (e *entry) blocked() bool {
	return e.link().blocked() || e.dial != nil && e.dial.back.blocked()
}

// held is what a hold has gathered. Its lock is a leaf.
type held struct {
	mu      sync.Mutex
	wake    chan struct{} // has one token when something came
	streams []*stream     // towards which bytes are open
	dials   []*attempt
	grams   []*datagram
	notes   []journal.Event // what programs did between rests, not yet in order
	queue   []*entry        // sealed, by ID
	ids     int
	armed   time.Duration // when the next signal comes of itself, or came
}

// arm notes that a signal is to come at that time; it tells whether that is
// not yet so.
func (h *held) arm(at time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := h.armed != at
	h.armed = at
	return news
}

// signal wakes the stepper.
func (h *held) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *held) addStream(p *stream) {
	h.mu.Lock()
	h.streams = append(h.streams, p)
	h.mu.Unlock()
	h.signal()
}

func (h *held) addDial(a *attempt) {
	h.mu.Lock()
	h.dials = append(h.dials, a)
	h.mu.Unlock()
	h.signal()
}

func (h *held) addGram(g *datagram) {
	h.mu.Lock()
	h.grams = append(h.grams, g)
	h.mu.Unlock()
	h.signal()
}

// push puts e at the end of the queue and gives it its ID.
func (h *held) push(e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids++
	e.seg.ID = h.ids
	h.queue = append(h.queue, e)
}

// remove takes e off the queue; it tells whether it was there.
func (h *held) remove(e *entry) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.Index(h.queue, e)
	if i < 0 {
		return false
	}
	h.queue = slices.Delete(h.queue, i, i+1)
	return true
}

// entries yields the queue in its order. Only the goroutine that steps takes
// from it or seals into it, or a dial that gives up; the lock is not held while
// the loop's body runs.
func (h *held) entries() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for id := 0; ; {
			e := h.after(id)
			if e == nil || !yield(e) {
				return
			}
			id = e.seg.ID
		}
	}
}

// after returns the first entry with a higher ID, or nil. IDs only grow, so
// the queue is sorted by them.
func (h *held) after(id int) *entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, _ := slices.BinarySearchFunc(h.queue, id+1, func(e *entry, id int) int { return e.seg.ID - id })
	if i == len(h.queue) {
		return nil
	}
	return h.queue[i]
}

// snapshot returns the queue as it is.
func (h *held) snapshot() []*entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.queue)
}

// take hands over what came since the last rest.
func (h *held) take() (streams []*stream, dials []*attempt, grams []*datagram, notes []journal.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	streams, dials, grams, notes = h.streams, h.dials, h.grams, h.notes
	h.streams, h.dials, h.grams, h.notes = nil, nil, nil, nil
	return
}

// drop forgets everything that waits.
func (h *held) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams, h.dials, h.grams, h.queue = nil, nil, nil, nil
}

// hold keeps a transmission towards p until the next rest seals it.
func (p *stream) hold(k kind, b []byte) {
	w := p.towards()
	if w.lost {
		p.lose(len(b))
		return
	}
	switch k {
	case data:
		w.open = append(w.open, b...)
	case fin:
		w.openFin = true
	case rst:
		w.openRst = true
	}
	if !p.has(marked) {
		w.since = p.c.net.now()
		p.set(marked)
		p.c.net.held.addStream(p)
	}
}

// seal turns what came since the last rest into segments, in the canonical
// order: events, dials, streams, datagrams, each by name. It tells whether
// there was anything. No lock is held, for rules are asked.
func (n *Network) seal() bool {
	streams, dials, grams, notes := n.held.take()
	n.sealNotes(notes)
	slices.SortStableFunc(dials, (*attempt).compare)
	for _, a := range dials {
		n.sealDial(a)
	}
	slices.SortFunc(streams, (*stream).compare)
	for _, p := range streams {
		n.sealStream(p)
	}
	slices.SortStableFunc(grams, func(a, b *datagram) int { return cmp.Compare(a.name(), b.name()) })
	for _, g := range grams {
		n.sealGram(g)
	}
	return len(streams)+len(dials)+len(grams) > 0
}

// compare orders streams by connection, then the server's before the
// client's: what the client wrote comes first.
func (p *stream) compare(q *stream) int {
	if p.c == q.c {
		if p == &p.c.ends[1] {
			return -1
		}
		return 1
	}
	a, b := p.c, q.c
	return cmp.Or(
		cmp.Compare(a.ends[0].host.name, b.ends[0].host.name),
		cmp.Compare(a.ends[1].host.name, b.ends[1].host.name),
		cmp.Compare(a.ends[1].addr.Port(), b.ends[1].addr.Port()),
		cmp.Compare(a.num, b.num),
	)
}

// sealStream seals what is open towards p.
func (n *Network) sealStream(p *stream) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.unset(marked)
	w := p.wire
	b, f, r := w.open, w.openFin, w.openRst
	w.open, w.openFin, w.openRst = nil, false, false
	if len(b) > 0 {
		n.sealOne(p, data, b)
	}
	if f {
		n.sealOne(p, fin, nil)
	}
	if r {
		n.sealOne(p, rst, nil)
	}
}

func (n *Network) sealOne(p *stream, k kind, b []byte) {
	s := p.peer()
	sent, f, ok := s.judge(k, b)
	if !ok {
		return
	}
	cause := s.noteSend(k, sent)
	if f.lost {
		p.lose(len(b))
		return
	}
	w := p.wire
	w.last = max(w.last, w.since+f.delay)
	w.entries++
	w.sealed += len(sent)
	seg := s.segment(k, sent)
	n.held.push(&entry{seg: seg, kind: k, due: w.last, cause: cause, size: len(sent), to: p})
	if s.link.blocked() {
		p.stick()
	}
}

// note records what a program did itself (it listened, accepted, closed).
// Under a hold such events wait for the next rest and are put in order, since
// programs race for them.
func (n *Network) note(e journal.Event) {
	switch {
	case !n.is(recording):
	case n.is(holding):
		n.held.mu.Lock()
		n.held.notes = append(n.held.notes, e)
		n.held.mu.Unlock()
	default:
		n.append(e)
	}
}

func (n *Network) sealNotes(notes []journal.Event) {
	slices.SortStableFunc(notes, func(a, b journal.Event) int {
		return cmp.Or(
			cmp.Compare(a.Where, b.Where),
			cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(a.Kind, b.Kind),
		)
	})
	for _, e := range notes {
		n.append(e)
	}
}
