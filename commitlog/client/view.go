// What the client knows of its cluster: who is in it and who leads.

package client

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rehearse-go/rehearse/commitlog"
)

// A server is a node as clients know it.
type server struct {
	name, addr string
	learner    bool
}

// A topology is what is known at one moment; it never changes.
type topology struct {
	version uint64 // grows with each change
	seeds   []string
	servers []server
	leader  commitlog.Leader // Gen counts the changes that this client has seen
}

// leaderAddr returns where the leader is reached, "" if that is not known.
func (t *topology) leaderAddr() string {
	if t.leader.ID == "" || t.leader.Addr != "" {
		return t.leader.Addr
	}
	for _, s := range t.servers {
		if s.name == t.leader.ID {
			return s.addr
		}
	}
	return ""
}

// all returns the servers; with the leader, if it is not among them yet.
func (t *topology) all() []server {
	addr := t.leaderAddr()
	if addr == "" || slices.ContainsFunc(t.servers, func(s server) bool { return s.addr == addr }) {
		return t.servers
	}
	return append(slices.Clip(t.servers), server{name: t.leader.ID, addr: addr})
}

// withLeader returns what is known after being told that l leads, or nil if
// that is nothing new: known already, or older than what is known. A term of 0
// is of one who does not know it.
func (t *topology) withLeader(l commitlog.Leader) *topology {
	old := t.leader
	same := l.ID == old.ID && (l.Addr == old.Addr || l.Addr == "")
	switch {
	case l.Term != 0 && l.Term < old.Term:
		return nil
	case same && (l.Term == 0 || l.Term == old.Term):
		return nil
	}
	next := *t
	next.version++
	next.leader = commitlog.Leader{ID: l.ID, Addr: l.Addr, Term: max(l.Term, old.Term), Gen: old.Gen + 1}
	return &next
}

// withServers returns what is known after being told of servers, or nil if that
// is nothing new.
func (t *topology) withServers(servers []server) *topology {
	if slices.Equal(t.servers, servers) {
		return nil
	}
	next := *t
	next.version++
	next.servers = servers
	return &next
}

// A view is the topology as it changes, with those who wait for changes. The
// mutex is held for a few instructions; the topology is read without it.
type view struct {
	now atomic.Pointer[topology]

	mu      sync.Mutex
	changed chan struct{} // closed with the next change
	bound   []*call       // to be given up when another node leads
}

func newView(seeds []string) *view {
	v := &view{changed: make(chan struct{})}
	v.now.Store(&topology{version: 1, seeds: seeds})
	return v
}

// look returns what is known, and a channel that closes when that has changed.
func (v *view) look() (*topology, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now.Load(), v.changed
}

// update changes what is known by f, unless that returns nil.
func (v *view) update(f func(*topology) *topology) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := f(v.now.Load())
	if next == nil {
		return false
	}
	v.now.Store(next)
	close(v.changed)
	v.changed = make(chan struct{})
	if addr := next.leaderAddr(); addr != "" {
		for _, c := range v.bound {
			c.leadBy(addr)
		}
	}
	return true
}

// lead is told who leads, or that nobody does.
func (v *view) lead(l commitlog.Leader) bool {
	return v.update(func(t *topology) *topology { return t.withLeader(l) })
}

// deny is told by the node at addr that it does not lead, without knowing who does.
func (v *view) deny(addr string) {
	v.update(func(t *topology) *topology {
		if t.leader.ID == "" || t.leaderAddr() != addr {
			return nil
		}
		return t.withLeader(commitlog.Leader{})
	})
}

// learn is told who is in the cluster and, without a term, who leads: that is
// of use only until somebody tells with a term.
func (v *view) learn(servers []server, leads string) {
	v.update(func(t *topology) *topology { return t.withServers(servers) })
	v.update(func(t *topology) *topology {
		if t.leader.ID != "" || t.leader.Term != 0 || leads == "" {
			return nil
		}
		i := slices.IndexFunc(servers, func(s server) bool { return s.name == leads })
		return t.withLeader(commitlog.Leader{ID: leads, Addr: servers[i].addr})
	})
}

// bind has c given up when a node leads that c was not sent to.
func (v *view) bind(c *call) (release func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bound = append(v.bound, c)
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		i := slices.Index(v.bound, c)
		v.bound = slices.Delete(v.bound, i, i+1)
	}
}
