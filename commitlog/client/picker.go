// Which node a call goes to.

package client

import (
	"fmt"
	"slices"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
)

// A condition is how the connection to a node is.
type condition int

const (
	pending condition = iota // being made
	ready
	failing // it could not be made, or broke, and has not been made since
)

// An endpoint is a node with the connection to it, at one moment.
type endpoint struct {
	server
	seed bool // an address from Config, not known as a server's
	sc   balancer.SubConn
	cond condition
	err  error // of the last attempt to connect
}

// A picker picks among the endpoints of one moment; a new one follows with each
// change. Who leads it reads at the time of the call.
type picker struct {
	view      *view
	version   uint64 // of the topology of which the endpoints are; with an older one calls wait
	read      Preference
	endpoints []endpoint
	turn      *atomic.Uint64 // of all pickers of a client
}

// Pick implements balancer.Picker. Its errors end an attempt, except
// balancer.ErrNoSubConnAvailable, with which gRPC waits for the next picker.
func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	c := callOf(info.Ctx, info.FullMethodName)
	e, err := p.choose(c)
	if err != nil {
		return balancer.PickResult{}, err
	}
	c.addr.Store(&e.addr)
	if now := p.view.now.Load().leaderAddr(); c.cancel != nil && now != "" {
		c.leadBy(now) // the leader may have changed since, and have missed the call
	}
	return balancer.PickResult{SubConn: e.sc, Done: func(d balancer.DoneInfo) {
		if d.BytesSent {
			c.sent.Store(true)
		}
	}}, nil
}

func (p *picker) choose(c *call) (*endpoint, error) {
	now := p.view.now.Load()
	switch leader := now.leaderAddr(); {
	case p.version < now.version:
		return nil, balancer.ErrNoSubConnAvailable // the picker that knows it all is on its way
	case c.node != "":
		return p.one(c.node)
	case c.to == toLeader && leader != "":
		return p.one(leader)
	case c.to == toReader && p.read == ReadLeader && leader != "":
		return p.one(leader)
	case c.to == toReader && p.read == ReadFollowers:
		return p.first(c, func(e *endpoint) int { return rank(e, leader) })
	default:
		return p.first(c, func(e *endpoint) int { return rank(e, "") })
	}
}

// one returns the endpoint of that name or address.
func (p *picker) one(which string) (*endpoint, error) {
	i := slices.IndexFunc(p.endpoints, func(e endpoint) bool { return e.name == which || e.addr == which })
	if i < 0 {
		return nil, fmt.Errorf("client: no node %s is known", which)
	}
	switch e := &p.endpoints[i]; e.cond {
	case ready:
		return e, nil
	case failing:
		return nil, unreachable(e)
	default:
		return nil, balancer.ErrNoSubConnAvailable
	}
}

// The ranks, best first.
const (
	likely = iota
	leading
	learning
	seeding
	ranks
)

// rank orders the endpoints for a reader that would rather not read at leader.
func rank(e *endpoint, leader string) int {
	switch {
	case e.seed:
		return seeding
	case e.learner:
		return learning
	case e.addr == leader:
		return leading
	default:
		return likely
	}
}

// first returns an endpoint of the best rank that has one, in turns; only if
// there is no other, the one to avoid. It waits for those of a better rank
// that are being connected.
func (p *picker) first(c *call, rank func(*endpoint) int) (*endpoint, error) {
	var last *endpoint
	for r := range ranks {
		var open []*endpoint
		wait := false
		for i := range p.endpoints {
			e := &p.endpoints[i]
			if rank(e) != r || e.addr == c.avoid {
				continue
			}
			switch last = e; e.cond {
			case ready:
				open = append(open, e)
			case pending:
				wait = true
			}
		}
		switch {
		case len(open) > 0:
			return open[p.turn.Add(1)%uint64(len(open))], nil
		case wait:
			return nil, balancer.ErrNoSubConnAvailable
		}
	}
	if c.avoid != "" {
		return p.one(c.avoid)
	}
	if last == nil {
		return nil, balancer.ErrNoSubConnAvailable
	}
	return nil, unreachable(last)
}

func unreachable(e *endpoint) error {
	return fmt.Errorf("client: node %s at %s cannot be reached: %w", e.name, e.addr, e.err)
}
