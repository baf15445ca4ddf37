// Who is in the cluster: asked of one node, which then pushes what changes.

package client

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// follow keeps the view up to date until the client is closed.
func (c *Client) follow() {
	p := pace{Retry: c.conf.Retry}
	avoid := ""
	for {
		at := &call{to: toAny, avoid: avoid}
		err := c.watch(at, &p)
		c.markAsked()
		if c.ctx.Err() != nil {
			return
		}
		c.conf.Logger.Info("what changes in the cluster is asked of another node", "last", at.at(), "err", err)
		avoid = at.at()
		if c.pause(c.ctx, p.next(false), nil) != nil {
			return
		}
	}
}

func (c *Client) markAsked() {
	select {
	case <-c.asked:
	default:
		close(c.asked)
	}
}

// watch asks a node who is in the cluster and follows what it tells, until it
// breaks off or stays without a leader for long: it may be cut off then.
func (c *Client) watch(at *call, p *pace) error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	if err := c.askServers(ctx, &call{to: toAny, avoid: at.avoid}); err != nil {
		return err
	}
	c.markAsked()
	stream, err := c.log.Watch(at.in(ctx), &logv1.WatchRequest{Leader: true, Events: true})
	if err != nil {
		return err
	}
	alone := time.AfterFunc(2*c.conf.Retry.Max, cancel)
	defer alone.Stop()
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		p.reset()
		again := false
		switch what := m.GetWhat().(type) {
		case *logv1.WatchResponse_Leader:
			again = c.view.lead(leaderOf(what.Leader))
			alone.Stop()
			if what.Leader.GetId() == "" {
				alone.Reset(2 * c.conf.Retry.Max)
			}
		case *logv1.WatchResponse_Event:
			again = changesServers(what.Event)
		}
		if !again {
			continue
		}
		if err := c.askServers(ctx, &call{to: toAny, node: at.at()}); err != nil {
			return err
		}
	}
}

// changesServers holds for events after which the servers are not what they were.
func changesServers(e *logv1.Event) bool {
	switch commitlog.Kind(e.GetKind()) {
	case commitlog.MemberAdded, commitlog.MemberGone, commitlog.Gap:
		return true
	default:
		return false
	}
}

func (c *Client) askServers(ctx context.Context, at *call) error {
	resp, err := c.log.GetServers(at.in(ctx), &logv1.GetServersRequest{})
	if err != nil {
		return err
	}
	leads := ""
	var servers []server
	for _, s := range resp.GetServers() {
		if s.GetRpcAddr() == "" {
			continue // a member that has not said yet where it is reached
		}
		servers = append(servers, server{name: s.GetId(), addr: s.GetRpcAddr(), learner: s.GetLearner()})
		if s.GetIsLeader() {
			leads = s.GetId()
		}
	}
	c.view.learn(servers, leads)
	return nil
}

func leaderOf(l *logv1.Leader) commitlog.Leader {
	return commitlog.Leader{ID: l.GetId(), Addr: l.GetRpcAddr(), Term: l.GetTerm(), Gen: l.GetGen()}
}

// Leader waits until a leader is known that is not one of except, by name, and
// returns it. To wait for a change, name the present one.
func (c *Client) Leader(ctx context.Context, except ...string) (commitlog.Leader, error) {
	for l := range c.WatchLeader(ctx) {
		if l.ID != "" && !slices.Contains(except, l.ID) {
			return l, nil
		}
	}
	return commitlog.Leader{}, c.over(ctx)
}

// WatchLeader returns who leads, first at present and then after each change,
// until ctx ends or the client is closed. A slow caller misses what has changed
// again meanwhile, and always gets the latest. Gen counts this client's changes,
// and is no node's; ID is "" while no leader is known.
func (c *Client) WatchLeader(ctx context.Context) iter.Seq[commitlog.Leader] {
	return func(yield func(commitlog.Leader) bool) {
		told := false
		var gen uint64
		for c.over(ctx) == nil {
			now, changed := c.view.look()
			l := now.leader
			l.Addr = now.leaderAddr()
			if !told || l.Gen != gen {
				told, gen = true, l.Gen
				if !yield(l) {
					return
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			case <-c.ctx.Done():
			}
		}
	}
}

// Servers asks a node who is in the cluster, and returns it sorted by name. IDs
// are not told: see [Client.Status].
func (c *Client) Servers(ctx context.Context) ([]commitlog.Member, error) {
	resp, err := ask(ctx, c, toAny, func(ctx context.Context) (*logv1.GetServersResponse, error) {
		return c.log.GetServers(ctx, &logv1.GetServersRequest{})
	})
	var members []commitlog.Member
	for _, s := range resp.GetServers() {
		members = append(members, commitlog.Member{
			Name: s.GetId(), Addr: s.GetRpcAddr(), Learner: s.GetLearner(), Leader: s.GetIsLeader(),
		})
	}
	return members, err
}
