// Calls that change nothing, tried again until they are answered.

package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// ask calls f until a node has answered: with a result, or with an error that
// another attempt would not change.
func ask[R any](ctx context.Context, c *Client, to target, f func(context.Context) (R, error)) (R, error) {
	var none R
	if err := c.ready(ctx); err != nil {
		return none, err
	}
	p := pace{Retry: c.conf.Retry}
	avoid := ""
	for {
		at := &call{to: to, avoid: avoid, bound: to == toLeader}
		r, err := attempt(ctx, c, at, f)
		if err == nil {
			return r, nil
		}
		err = status.FromStatus(err)
		if end := c.over(ctx); end != nil {
			return none, ended(end, err)
		}
		if judge(err, true) == refused || errors.As(err, new(commitlog.Superseded)) {
			return none, err
		}
		if end := c.settle(ctx, &p, at, err); end != nil {
			return none, ended(end, err)
		}
		avoid = at.at()
	}
}

// Wait returns when what lies at pos has come to a stage on the leader, or on
// the node that [OnNode] names. It fails with [commitlog.Superseded] if another
// leader's entry has taken its place. A pos whose Term is 0 is that of any term.
func (c *Client) Wait(ctx context.Context, stage commitlog.Stage, pos commitlog.Pos) error {
	return c.wait(ctx, &logv1.WaitRequest{Index: pos.Index, Term: pos.Term, Stage: logv1.Stage(stage)})
}

// WaitOffset returns when the record at offset can be read on the leader, or on
// the node that [OnNode] names.
func (c *Client) WaitOffset(ctx context.Context, offset uint64) error {
	return c.wait(ctx, &logv1.WaitRequest{Offset: &offset})
}

func (c *Client) wait(ctx context.Context, req *logv1.WaitRequest) error {
	_, err := ask(ctx, c, toLeader, func(ctx context.Context) (*logv1.WaitResponse, error) {
		return c.log.Wait(ctx, req)
	})
	return err
}

// Status asks a node, the one that [OnNode] names or any, what it knows of itself.
func (c *Client) Status(ctx context.Context) (commitlog.Status, error) {
	resp, err := ask(ctx, c, toAny, func(ctx context.Context) (*logv1.StatusResponse, error) {
		return c.log.Status(ctx, &logv1.StatusRequest{})
	})
	if err != nil {
		return commitlog.Status{}, err
	}
	if r := resp.GetRole(); r < logv1.Role_FOLLOWER || r > logv1.Role_LEARNER {
		return commitlog.Status{}, fmt.Errorf("client: node %s says that its role is %d; there is none such",
			resp.GetName(), r)
	}
	s := commitlog.Status{
		Name: resp.GetName(), Cluster: resp.GetCluster(), ID: resp.GetId(),
		Role: commitlog.Role(resp.GetRole()), Leader: leaderOf(resp.GetLeader()), Term: resp.GetTerm(),
		Committed: resp.GetCommitted(), Applied: resp.GetApplied(), Durable: resp.GetDurable(),
		Low: resp.GetLow(), Next: resp.GetNext(),
	}
	for _, m := range resp.GetMembers() {
		s.Members = append(s.Members, commitlog.Member{
			Name: m.GetName(), Addr: m.GetRpcAddr(), ID: m.GetId(), Learner: m.GetLearner(), Leader: m.GetLeader(),
		})
	}
	if why := resp.GetFailed(); why != "" {
		s.Failed = errors.New(why)
	}
	return s, nil
}
