// The service on a real node, on a real disk.

package service_test

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// alone runs a cluster of one until the test ends.
func alone(t *testing.T) *commitlog.Node {
	t.Helper()
	dir := must(osfs.Open(t.TempDir()))(t)
	t.Cleanup(func() { dir.Close() })
	node := must(commitlog.New(commitlog.Config{
		Name: "n1", Bootstrap: true, FS: dir, Segment: 1 << 20, Heartbeat: 10 * time.Millisecond,
		Listener: bufconn.Listen(1 << 10),
		Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED },
	}))(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	must(node.WaitLeader(t.Context()))(t)
	return node
}

func TestARealNodeIsServed(t *testing.T) {
	node := alone(t)
	s := serve(t, service.Config{Node: node})
	stream := must(s.ProduceStream(t.Context()))(t)
	const n = 500
	go func() {
		for i := range uint64(n) {
			if stream.Send(from(9, i+1, one(string(numbered(int(i)))))) != nil {
				return // how the stream ended is told by the answers
			}
		}
		stream.CloseSend()
	}()
	var last *logv1.ProduceResponse
	for i := range uint64(n) {
		last = must(stream.Recv())(t)
		if last.Offset != i {
			t.Fatalf("answer %d tells of offset %d", i, last.Offset)
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("the stream ended with %v", err)
	}
	must(s.Wait(t.Context(), &logv1.WaitRequest{Index: last.Index, Term: last.Term, Stage: logv1.Stage_APPLIED}))(t)
	read := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{
		Many: true, MinAppliedIndex: last.Index, Level: logv1.Level_LINEARIZABLE}))(t)
	for next := uint64(0); next < n; {
		for _, r := range must(read.Recv())(t).Records {
			if r.Offset != next || string(r.Value) != string(numbered(int(next))) || r.Timestamp == 0 {
				t.Fatalf("where offset %d should be is %v", next, r)
			}
			next++
		}
	}
	_, err := s.Consume(t.Context(), &logv1.ConsumeRequest{Offset: n})
	expect(t, "the offset behind the last", err, 404)
	servers := must(s.GetServers(t.Context(), &logv1.GetServersRequest{}))(t).Servers
	if len(servers) != 1 || servers[0].Id != "n1" || !servers[0].IsLeader {
		t.Errorf("the servers are %v", servers)
	}
}
