// The connections to the nodes: one each, made again when it breaks.

package client

import (
	"slices"
	"sync/atomic"

	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
)

// policy is the name under which gRPC finds the builder: all that is shared
// between clients, and it holds nothing.
const policy = "rehearse_commitlog"

func init() { balancer.Register(builder{}) }

type builder struct{}

func (builder) Name() string { return policy }

func (builder) Build(cc balancer.ClientConn, _ balancer.BuildOptions) balancer.Balancer {
	return &connections{cc: cc, turn: new(atomic.Uint64)}
}

// A plan is what the resolver tells the balancer.
type plan struct {
	client *Client
	now    *topology
}

type planKey struct{}

func (p plan) attributes() *attributes.Attributes { return attributes.New(planKey{}, &p) }

// connections holds a connection to each server, and to the seeds while no
// server is reached. gRPC calls its methods one after the other.
type connections struct {
	cc    balancer.ClientConn
	plan  *plan
	leads string // address of the leader, of the plan
	nodes []*endpoint
	turn  *atomic.Uint64
}

// UpdateClientConnState is told of a new topology.
func (b *connections) UpdateClientConnState(s balancer.ClientConnState) error {
	p, ok := s.ResolverState.Attributes.Value(planKey{}).(*plan)
	if !ok {
		return balancer.ErrBadResolverState
	}
	b.plan = p
	var next []*endpoint
	for _, srv := range p.now.all() {
		if err := p.client.conf.reachable(srv.addr); err != nil {
			p.client.conf.Logger.Warn("a node is left out", "node", srv.name, "err", err)
			continue
		}
		e := b.take(srv.addr)
		e.server, e.seed = srv, false
		next = append(next, e)
	}
	for _, addr := range p.now.seeds {
		if !slices.ContainsFunc(next, func(e *endpoint) bool { return e.addr == addr }) {
			e := b.take(addr)
			e.server, e.seed = server{addr: addr}, true
			next = append(next, e)
		}
	}
	for _, e := range b.nodes {
		b.leave(e)
	}
	b.nodes = next
	b.revive(p.now.leaderAddr())
	b.settle()
	return nil
}

// revive has a new leader connected at once, also if that has failed lately: it
// was away, and is back. A new connection does it, since gRPC's own
// ResetConnectBackoff races with connections that come and go.
func (b *connections) revive(leader string) {
	if leader == b.leads {
		return
	}
	b.leads = leader
	for _, e := range b.nodes {
		if e.addr == leader && e.cond == failing {
			b.leave(e)
		}
	}
}

// take returns the endpoint of an address, no longer among the nodes, or a new one.
func (b *connections) take(addr string) *endpoint {
	i := slices.IndexFunc(b.nodes, func(e *endpoint) bool { return e.addr == addr })
	if i < 0 {
		return &endpoint{server: server{addr: addr}}
	}
	e := b.nodes[i]
	b.nodes = slices.Delete(b.nodes, i, i+1)
	return e
}

// settle connects who is to be connected, parts from who is not, and has gRPC
// pick anew.
func (b *connections) settle() {
	reached, hope := false, false
	for _, e := range b.nodes {
		reached = reached || !e.seed && e.cond == ready
		hope = hope || !e.seed && e.cond == pending
	}
	for _, e := range b.nodes {
		switch {
		case e.seed && reached:
			b.leave(e)
		case e.sc == nil && !(e.seed && hope):
			b.join(e)
		}
	}
	b.publish()
}

// join makes the connection of an endpoint.
func (b *connections) join(e *endpoint) {
	var sc balancer.SubConn
	//lint:ignore SA1019 it is not deprecated: it is said that several addresses will be
	sc, err := b.cc.NewSubConn([]resolver.Address{b.plan.client.address(e.addr)}, balancer.NewSubConnOptions{
		StateListener: func(s balancer.SubConnState) {
			if e.sc == sc {
				b.moved(e, s)
			}
		},
	})
	if err != nil {
		e.cond, e.err = failing, err
		return
	}
	e.sc, e.cond = sc, pending
	sc.Connect()
}

// leave lets the calls on an endpoint's connection end, and the connection then.
func (b *connections) leave(e *endpoint) {
	if e.sc != nil {
		e.sc.Shutdown()
	}
	e.sc, e.cond = nil, pending
}

// moved is told of a connection's new state. What fails counts as failing until
// it is ready again, so that calls do not wait for it.
func (b *connections) moved(e *endpoint, s balancer.SubConnState) {
	switch s.ConnectivityState {
	case connectivity.Ready:
		e.cond, e.err = ready, nil
	case connectivity.TransientFailure:
		e.cond, e.err = failing, s.ConnectionError
	case connectivity.Idle:
		if e.cond == ready {
			e.cond = pending
		}
		e.sc.Connect()
	}
	b.settle()
}

// publish gives gRPC a picker of the present moment.
func (b *connections) publish() {
	p := &picker{view: b.plan.client.view, version: b.plan.now.version, read: b.plan.client.conf.Read, turn: b.turn}
	state := connectivity.TransientFailure
	for _, e := range b.nodes {
		if e.sc == nil {
			continue
		}
		p.endpoints = append(p.endpoints, *e)
		switch {
		case e.cond == ready:
			state = connectivity.Ready
		case e.cond == pending && state != connectivity.Ready:
			state = connectivity.Connecting
		}
	}
	b.cc.UpdateState(balancer.State{ConnectivityState: state, Picker: p})
}

// ResolverError cannot come: the resolver reports none.
func (b *connections) ResolverError(error) {}

// UpdateSubConnState is not called: each connection has its listener.
func (b *connections) UpdateSubConnState(balancer.SubConn, balancer.SubConnState) {}

// ExitIdle has nothing to do: connections are made again at once.
func (b *connections) ExitIdle() {}

// Close leaves the connections to gRPC, which ends them.
func (b *connections) Close() {}
