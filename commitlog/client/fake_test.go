// A cluster of stand-ins: several servers in memory with one log, of which one leads.

package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A cluster is several nodes that share one log, each seeing as much of it as
// the test lets it. An entry's index is its first record's offset plus one.
type cluster struct {
	t       *testing.T
	options []grpc.ServerOption

	mu      sync.Mutex
	changed chan struct{} // closed with the next change
	nodes   []*node
	log     []*logv1.Record
	copies  map[[2]uint64]*logv1.ProduceResponse // by producer and sequence
	last    map[uint64]uint64                    // sequence, by producer
	leader  string
	term    uint64
	seq     uint64 // of member events
	low     uint64 // the first offset there is
	denied  error  // what readers are told
	over    bool   // the test has ended: no node starts again

	before func(n *node, req *logv1.ProduceRequest) error // at the leader, before a batch is appended
	after  func(n *node, req *logv1.ProduceRequest) error // and after it
}

// A node is one server.
type node struct {
	logv1.UnimplementedLogServer
	c          *cluster
	name, addr string
	alias      string // another address at which it is reached
	learner    bool

	// Under the cluster's mutex.
	server  *grpc.Server
	lis     *bufconn.Listener
	conns   []*wire
	calls   []string // methods, in order
	sees    int      // how many records it has applied; -1 is all
	alone   bool     // it is cut off from the others: it knows no leader
	stale   string   // whom it takes for the leader, whatever is true; "" is nobody else
	mute    bool     // it does not tell who leads
	stuck   bool     // it takes produce calls and never answers
	members bool     // it is in the cluster
}

func newCluster(t *testing.T, names ...string) *cluster {
	c := &cluster{
		t: t, changed: make(chan struct{}), term: 1,
		copies: map[[2]uint64]*logv1.ProduceResponse{}, last: map[uint64]uint64{},
		options: []grpc.ServerOption{grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 5 * time.Second, PermitWithoutStream: true})},
	}
	for _, name := range names {
		c.add(name).start()
	}
	if len(names) > 0 {
		c.leader = names[0]
	}
	t.Cleanup(func() {
		c.do(func() { c.over = true })
		for _, n := range c.nodes {
			n.kill()
		}
	})
	return c
}

func (c *cluster) add(name string) *node {
	n := &node{c: c, name: name, addr: name + ":8400", sees: -1, members: true}
	c.do(func() { c.nodes = append(c.nodes, n) })
	return n
}

func (c *cluster) node(name string) *node {
	i := slices.IndexFunc(c.nodes, func(n *node) bool { return n.name == name })
	return c.nodes[i]
}

// do changes the cluster, of which everybody who waits is told.
func (c *cluster) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// elect has a node lead in a new term; "" ends the leadership of who leads.
func (c *cluster) elect(name string) {
	c.do(func() {
		c.leader = name
		if name != "" {
			c.term++
		}
	})
}

// await returns what look does once it is not nil, or why ctx ended.
func await[R any](ctx context.Context, c *cluster, look func() *R) (*R, error) {
	for {
		c.mu.Lock()
		r, changed := look(), c.changed
		c.mu.Unlock()
		if r != nil {
			return r, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, status.ToStatus(ctx.Err(), false)
		}
	}
}

// client returns a client of the cluster that knows the node n1, or conf.Addrs.
func (c *cluster) client(conf client.Config) *client.Client {
	c.t.Helper()
	if conf.Addrs == nil {
		conf.Addrs = []string{"n1:8400"}
	}
	conf.Dial, conf.Plaintext = c.dial, conf.TLS == nil
	cl, err := client.New(conf)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cl.Close() })
	return cl
}

// fill appends records without a producer: "r0", "r1" and so on.
func (c *cluster) fill(n int) {
	c.do(func() {
		for range n {
			c.append(&logv1.Record{Value: fmt.Appendf(nil, "r%d", len(c.log))})
		}
	})
}

func (c *cluster) append(r *logv1.Record) {
	r = proto.Clone(r).(*logv1.Record)
	r.Offset = uint64(len(c.log))
	r.Timestamp = time.Now().UnixNano()
	c.log = append(c.log, r)
}

func (c *cluster) values() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var values []string
	for _, r := range c.log {
		values = append(values, string(r.Value))
	}
	return values
}

// count returns how many calls of a method a node has had.
func (c *cluster) count(name, method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, m := range c.node(name).calls {
		if m == method {
			n++
		}
	}
	return n
}

func (n *node) start() {
	server := grpc.NewServer(n.c.options...)
	logv1.RegisterLogServer(server, n)
	lis := bufconn.Listen(1 << 16)
	n.c.do(func() {
		if !n.c.over {
			n.server, n.lis = server, lis
			go func() { _ = server.Serve(lis) }()
		}
	})
}

// kill resets the node's connections; it takes none until it is started again.
func (n *node) kill() {
	var server *grpc.Server
	var conns []*wire
	n.c.do(func() {
		server, conns = n.server, n.conns
		n.server, n.lis, n.conns = nil, nil, nil
	})
	for _, conn := range conns {
		_ = conn.Close()
	}
	if server != nil {
		server.Stop()
	}
}

// see sets how much of the log the node has applied.
func (n *node) see(records int) { n.c.do(func() { n.sees = records }) }

func (n *node) called(method string) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.calls = append(n.calls, method)
}

// The rest of the node's methods but those of the service are called under the mutex.

func (n *node) visible() int {
	if n.sees < 0 {
		return len(n.c.log)
	}
	return min(n.sees, len(n.c.log))
}

// leads returns whom the node takes for the leader.
func (n *node) leads() *logv1.Leader {
	name := n.c.leader
	if n.stale != "" {
		name = n.stale
	}
	l := &logv1.Leader{Term: n.c.term}
	if !n.alone && name != "" {
		l.Id, l.RpcAddr = name, n.c.node(name).addr
	}
	return l
}

func (n *node) notLeader() error {
	l := n.leads()
	return status.ToStatus(commitlog.NotLeader{
		Leader: commitlog.Leader{ID: l.Id, Addr: l.RpcAddr, Term: l.Term}}, false)
}

func (n *node) Produce(ctx context.Context, req *logv1.ProduceRequest) (*logv1.ProduceResponse, error) {
	n.called("Produce")
	c := n.c
	stuck := false
	c.mu.Lock()
	stuck = n.stuck
	wrong := error(nil)
	if c.leader != n.name {
		wrong = n.notLeader()
	}
	before, after := c.before, c.after
	c.mu.Unlock()
	if stuck {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if wrong != nil {
		return nil, wrong
	}
	if before != nil {
		if err := before(n, req); err != nil {
			return nil, status.ToStatus(err, false)
		}
	}
	resp, err := n.take(req)
	if err == nil && after != nil {
		err = after(n, req)
	}
	if err != nil {
		return nil, status.ToStatus(err, false)
	}
	return resp, nil
}

// take appends a batch, unless it is there.
func (n *node) take(req *logv1.ProduceRequest) (resp *logv1.ProduceResponse, err error) {
	c := n.c
	c.do(func() {
		key := [2]uint64{req.Producer, req.Sequence}
		if old := c.copies[key]; old != nil && req.Producer != 0 {
			resp = old
			return
		}
		if last := c.last[req.Producer]; req.Producer != 0 && req.Sequence != last+1 {
			err = commitlog.WrongSequence{Producer: req.Producer, Sequence: req.Sequence, Last: last}
			return
		}
		first := uint64(len(c.log))
		for _, r := range req.Records {
			c.append(r)
		}
		resp = &logv1.ProduceResponse{Offset: first, Index: first + 1, Term: c.term, Count: uint64(len(req.Records))}
		c.copies[key], c.last[req.Producer] = resp, req.Sequence
	})
	return resp, err
}

func (n *node) Consume(ctx context.Context, req *logv1.ConsumeRequest) (*logv1.ConsumeResponse, error) {
	n.called("Consume")
	if err := n.applied(ctx, req); err != nil {
		return nil, err
	}
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	from := n.from(req)
	if from >= n.visible() {
		return nil, status.ToStatus(commitlog.OffsetOutOfRange{
			Offset: uint64(from), Next: uint64(n.visible())}, false)
	}
	return &logv1.ConsumeResponse{Records: n.c.log[from : from+1]}, nil
}

func (n *node) applied(ctx context.Context, req *logv1.ConsumeRequest) error {
	if n.c.denied != nil {
		return n.c.denied
	}
	if req.Offset < n.c.low {
		return status.ToStatus(commitlog.OffsetOutOfRange{
			Offset: req.Offset, Low: n.c.low, Next: uint64(len(n.c.log))}, false)
	}
	_, err := await(ctx, n.c, func() *int {
		if seen := n.visible(); seen >= int(req.MinAppliedIndex) {
			return &seen
		}
		return nil
	})
	return err
}

// from returns the position of the first record that a request is for.
func (n *node) from(req *logv1.ConsumeRequest) int {
	if req.AtTime == 0 {
		return int(req.Offset)
	}
	i := slices.IndexFunc(n.c.log[:n.visible()], func(r *logv1.Record) bool { return r.Timestamp >= req.AtTime })
	if i < 0 {
		return n.visible()
	}
	return i
}

func (n *node) ConsumeStream(
	req *logv1.ConsumeRequest, stream grpc.ServerStreamingServer[logv1.ConsumeResponse],
) error {
	n.called("ConsumeStream")
	if err := n.applied(stream.Context(), req); err != nil {
		return err
	}
	next := -1
	for {
		records, err := await(stream.Context(), n.c, func() *[]*logv1.Record {
			if next < 0 {
				next = n.from(req)
			}
			if seen := n.visible(); next < seen {
				piece := n.c.log[next:min(seen, next+2)]
				return &piece
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := stream.Send(&logv1.ConsumeResponse{Records: *records}); err != nil {
			return err
		}
		next += len(*records)
	}
}

func (n *node) GetServers(context.Context, *logv1.GetServersRequest) (*logv1.GetServersResponse, error) {
	n.called("GetServers")
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	resp := &logv1.GetServersResponse{}
	for _, m := range n.c.nodes {
		if m.members {
			resp.Servers = append(resp.Servers, &logv1.Server{
				Id: m.name, RpcAddr: m.addr, IsLeader: !n.mute && n.leads().Id == m.name, Learner: m.learner})
		}
	}
	return resp, nil
}

func (n *node) Watch(_ *logv1.WatchRequest, stream grpc.ServerStreamingServer[logv1.WatchResponse]) error {
	n.called("Watch")
	var told *logv1.Leader
	n.c.mu.Lock()
	seq := n.c.seq
	n.c.mu.Unlock()
	for {
		m, err := await(stream.Context(), n.c, func() *logv1.WatchResponse {
			if l := n.leads(); !n.mute && !proto.Equal(told, l) {
				told = l
				return &logv1.WatchResponse{What: &logv1.WatchResponse_Leader{Leader: l}}
			}
			if seq < n.c.seq {
				seq = n.c.seq
				event := &logv1.Event{Seq: seq, Kind: string(commitlog.MemberAdded)}
				return &logv1.WatchResponse{What: &logv1.WatchResponse_Event{Event: event}}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

func (n *node) Wait(ctx context.Context, req *logv1.WaitRequest) (*logv1.WaitResponse, error) {
	n.called("Wait")
	need := req.GetIndex()
	if req.Offset != nil {
		need = req.GetOffset() + 1
	}
	if req.Term == 99 {
		return nil, status.ToStatus(commitlog.Superseded{Index: req.Index, Term: 99, By: 100}, false)
	}
	return &logv1.WaitResponse{}, n.applied(ctx, &logv1.ConsumeRequest{MinAppliedIndex: need})
}

func (n *node) Status(context.Context, *logv1.StatusRequest) (*logv1.StatusResponse, error) {
	n.called("Status")
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	return &logv1.StatusResponse{
		Name: n.name, Role: logv1.Role_LEADER, Leader: n.leads(), Term: n.c.term, Next: uint64(n.visible()),
		Members: []*logv1.Member{{Name: n.name, RpcAddr: n.addr, Id: 7}}, Failed: "no room",
	}, nil
}

var errLost = errors.New("the answer is lost")
