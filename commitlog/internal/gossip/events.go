// What happens, in order, from Serf to the Handler: neither waits for the other.

package gossip

import (
	"slices"
	"sync"

	"github.com/hashicorp/serf/serf"
)

// A note is one thing to tell the Handler.
type note struct {
	about string // the member's name
	tell  func(Handler)
}

// far is how many notes may wait until only the last about each member is kept.
const far = 1024

// notes wait to be told.
type notes struct {
	mu   sync.Mutex
	wait []note
	some chan struct{} // holds a token while there may be notes
}

func newNotes() *notes { return &notes{some: make(chan struct{}, 1)} }

func (n *notes) add(about string, tell func(Handler)) {
	n.mu.Lock()
	n.wait = append(n.wait, note{about, tell})
	if len(n.wait)%far == 0 {
		n.wait = lastOfEach(n.wait)
	}
	n.mu.Unlock()
	select {
	case n.some <- struct{}{}:
	default:
	}
}

// lastOfEach drops notes that a later one about the same member overtakes.
func lastOfEach(all []note) (kept []note) {
	later := map[string]bool{}
	for _, n := range slices.Backward(all) {
		if !later[n.about] {
			later[n.about] = true
			kept = append(kept, n)
		}
	}
	slices.Reverse(kept)
	return kept
}

func (n *notes) take() []note {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.wait
	n.wait = nil
	return all
}

// tell tells the handler until done.
func (n *notes) tell(h Handler, done <-chan struct{}) {
	for {
		select {
		case <-n.some:
		case <-done:
			return
		}
		for _, note := range n.take() {
			select {
			case <-done:
				return
			default:
				note.tell(h)
			}
		}
	}
}

// hear makes notes of Serf's events until done. Serf must never wait: it holds
// its locks while it hands over an event.
func (g *Group) hear(events <-chan serf.Event) {
	for {
		select {
		case e := <-events:
			if e, ok := e.(serf.MemberEvent); ok {
				g.note(e)
			}
		case <-g.done:
			return
		}
	}
}

// note makes notes of a member event. That Serf forgets a member, long after
// it has left or failed, is no news.
func (g *Group) note(e serf.MemberEvent) {
	tell := map[serf.EventType]func(Handler, Member){
		serf.EventMemberJoin:   Handler.Joined,
		serf.EventMemberUpdate: Handler.Updated,
		serf.EventMemberLeave:  Handler.Left,
		serf.EventMemberFailed: Handler.Failed,
	}[e.Type]
	if tell == nil {
		return
	}
	for _, m := range e.Members {
		if member := memberOf(m); m.Name != g.c.Name {
			g.notes.add(m.Name, func(h Handler) { tell(h, member) })
		}
	}
}
