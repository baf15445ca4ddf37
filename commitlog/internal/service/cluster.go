// Calls that tell of the cluster: servers, leader, events, waits, status.

package service

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// GetServers tells who is in the cluster, sorted by name.
func (h handler) GetServers(ctx context.Context, _ *logv1.GetServersRequest) (*logv1.GetServersResponse, error) {
	if err := h.s.authorize(ctx, identityAction); err != nil {
		return nil, err
	}
	answer := &logv1.GetServersResponse{}
	for _, m := range membersOf(h.s.config.Node.Status()) {
		answer.Servers = append(answer.Servers, &logv1.Server{
			Id: m.Name, RpcAddr: m.Addr, IsLeader: m.Leader, Learner: m.Learner,
		})
	}
	return answer, nil
}

// membersOf returns the members sorted by name, those of one name by their id.
func membersOf(now commitlog.Status) []commitlog.Member {
	return slices.SortedFunc(slices.Values(now.Members), func(a, b commitlog.Member) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

// Status tells what the node knows of itself.
func (h handler) Status(ctx context.Context, _ *logv1.StatusRequest) (*logv1.StatusResponse, error) {
	if err := h.s.authorize(ctx, identityAction); err != nil {
		return nil, err
	}
	now := h.s.config.Node.Status()
	answer := &logv1.StatusResponse{
		Name: now.Name, Cluster: now.Cluster, Id: now.ID,
		Role: logv1.Role(now.Role), Leader: leaderOf(now.Leader), Term: now.Term,
		Committed: now.Committed, Applied: now.Applied, Durable: now.Durable, Low: now.Low, Next: now.Next,
	}
	for _, m := range membersOf(now) {
		answer.Members = append(answer.Members, &logv1.Member{
			Name: m.Name, RpcAddr: m.Addr, Id: m.ID, Learner: m.Learner, Leader: m.Leader,
		})
	}
	if now.Failed != nil {
		answer.Failed = strings.ToValidUTF8(now.Failed.Error(), "\uFFFD")
	}
	return answer, nil
}

// Wait answers when an entry has come to a stage, or a record can be read.
func (h handler) Wait(ctx context.Context, req *logv1.WaitRequest) (*logv1.WaitResponse, error) {
	if err := h.s.authorize(ctx, identityAction); err != nil {
		return nil, err
	}
	if err := h.wait(ctx, req); err != nil {
		return nil, err
	}
	return &logv1.WaitResponse{}, nil
}

func (h handler) wait(ctx context.Context, req *logv1.WaitRequest) error {
	if req.Offset != nil {
		if req.GetIndex() != 0 || req.GetTerm() != 0 {
			return bad("a WaitRequest has both an index and an offset; set one of them")
		}
		return h.s.config.Node.WaitOffset(ctx, req.GetOffset())
	}
	stage, ok := map[logv1.Stage]commitlog.Stage{
		logv1.Stage_COMMITTED: commitlog.Committed,
		logv1.Stage_DURABLE:   commitlog.Durable,
		logv1.Stage_APPLIED:   commitlog.Applied,
	}[req.GetStage()]
	switch {
	case !ok:
		return bad("a WaitRequest has stage %d; it may be COMMITTED, DURABLE or APPLIED", req.GetStage())
	case req.GetIndex() == 0:
		return bad("a WaitRequest has neither an index nor an offset; set one of them")
	}
	return h.s.config.Node.Wait(ctx, stage, req.GetIndex(), req.GetTerm())
}

// Watch tells of the leader, of events, or of both as they happen.
func (h handler) Watch(req *logv1.WatchRequest, stream grpc.ServerStreamingServer[logv1.WatchResponse]) error {
	if err := h.s.authorize(stream.Context(), identityAction); err != nil {
		return err
	}
	if !req.GetLeader() && !req.GetEvents() {
		return bad("a WatchRequest wants neither leader nor events; set one of them, or both")
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	seen := make(chan *logv1.WatchResponse)
	var sources sync.WaitGroup
	defer sources.Wait()
	defer cancel(nil)
	follow := func(pour func() error) {
		sources.Go(func() { cancel(cmp.Or(h.s.guard("Watch", pour), commitlog.ErrClosed)) })
	}
	node := h.s.config.Node
	if req.GetLeader() {
		follow(func() error { return pour(ctx, node.WatchLeader(ctx), seen, leaderSeen) })
	}
	if req.GetEvents() {
		follow(func() error { return pour(ctx, node.Events(ctx, max(req.GetFrom(), 1)), seen, eventSeen) })
	}
	for {
		select {
		case answer := <-seen:
			if err := h.s.authorize(ctx, identityAction); err != nil {
				return err
			}
			if err := stream.Send(answer); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pour hands on what a sequence gives, until it ends or ctx does.
func pour[T any](
	ctx context.Context, from iter.Seq[T], to chan<- *logv1.WatchResponse, as func(T) *logv1.WatchResponse,
) error {
	for v := range from {
		select {
		case to <- as(v):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func leaderSeen(l commitlog.Leader) *logv1.WatchResponse {
	return &logv1.WatchResponse{What: &logv1.WatchResponse_Leader{Leader: leaderOf(l)}}
}

func eventSeen(e commitlog.Event) *logv1.WatchResponse {
	return &logv1.WatchResponse{What: &logv1.WatchResponse_Event{Event: &logv1.Event{
		Seq: e.Seq, Kind: string(e.Kind), Index: e.Index, Term: e.Term,
		Node: e.Node, Note: strings.ToValidUTF8(e.Note, "\uFFFD"),
	}}}
}

func leaderOf(l commitlog.Leader) *logv1.Leader {
	return &logv1.Leader{Id: l.ID, RpcAddr: l.Addr, Term: l.Term, Gen: l.Gen}
}
