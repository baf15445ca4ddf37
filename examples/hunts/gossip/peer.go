// A peer: memberlist alone, which asks for its peers again and again.

package gossip

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// A Peer is one of a cluster of memberlist without serf.
type Peer struct {
	c    Config
	list *memberlist.Memberlist

	mu    sync.Mutex
	where map[string]string // by name, of those who live
}

// NewPeer starts a peer, which works until the context of [Peer.Run] is done.
func NewPeer(c Config) (*Peer, error) {
	c = c.with()
	t, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	mc := memberlist.DefaultLANConfig()
	mc.Name, mc.Logger, mc.Transport = c.Name, c.lineLogger(), t
	p := &Peer{c: c, where: map[string]string{}}
	mc.Events = p
	if p.list, err = memberlist.Create(mc); err != nil {
		t.Shutdown()
		return nil, err
	}
	return p, nil
}

// Run works until ctx is done, and then leaves. memberlist forgets the dead
// after a while, so that it takes somebody else to ask for them again.
func (p *Peer) Run(ctx context.Context) error {
	again := time.NewTicker(15 * time.Second)
	defer again.Stop()
	for {
		p.join(ctx)
		select {
		case <-again.C:
		case <-ctx.Done():
			p.list.Leave(10 * time.Second) // whose error is that nobody heard it
			return p.list.Shutdown()
		}
	}
}

// join asks for those who are not known to live.
func (p *Peer) join(ctx context.Context) {
	for _, name := range p.c.Join {
		if ctx.Err() != nil {
			return
		}
		if p.Where(name) != "" {
			continue
		}
		p.list.Join([]string{name + "/" + nowhere + "1"})
	}
}

// Where is the address where the peer believes another to live, "" if nowhere.
// It is kept aside since reading what Members returns is a data race
// (hashicorp/memberlist#306).
func (p *Peer) Where(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.where[name]
}

// NotifyJoin is told of each that lives, while memberlist holds its lock.
func (p *Peer) NotifyJoin(n *memberlist.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.where[n.Name] = n.Address()
}

// NotifyUpdate is as NotifyJoin.
func (p *Peer) NotifyUpdate(n *memberlist.Node) { p.NotifyJoin(n) }

// NotifyLeave is told of each that is dead or has left.
func (p *Peer) NotifyLeave(n *memberlist.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.where, n.Name)
}
