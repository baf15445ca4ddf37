// Producing, as clients see it.

package service_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// one is a request as the original's clients send it.
func one(value string) *logv1.ProduceRequest {
	return &logv1.ProduceRequest{Record: &logv1.Record{Value: []byte(value)}}
}

// several is a batch.
func several(values ...string) *logv1.ProduceRequest {
	req := &logv1.ProduceRequest{}
	for _, v := range values {
		req.Records = append(req.Records, &logv1.Record{Value: []byte(v)})
	}
	return req
}

// from gives a request a producer and a sequence.
func from(producer, sequence uint64, req *logv1.ProduceRequest) *logv1.ProduceRequest {
	req.Producer, req.Sequence = producer, sequence
	return req
}

// A sender is a stream of requests.
type sender interface {
	Send(*logv1.ProduceRequest) error
}

// send sends requests, as long as the stream is open: how it ended is told by
// the answers.
func send(t *testing.T, stream sender, all ...*logv1.ProduceRequest) {
	t.Helper()
	for _, req := range all {
		if err := stream.Send(req); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
}

func TestARecordIsProducedAsTheOriginalDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, service.Config{Node: &fake{}})
		for i := range uint64(3) {
			req := one("hello")
			req.Record.Offset, req.Record.Term = 99, 99 // which nobody heeds
			got := must(s.Produce(t.Context(), req))(t)
			if want := (&logv1.ProduceResponse{Offset: i}); !proto.Equal(got, want) {
				t.Errorf("answered %v, want %v: an original client knows an offset only", got, want)
			}
		}
	})
}

func TestABatchIsToldWhereItLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		must(s.Produce(t.Context(), one("first")))(t)
		req := from(5, 1, several("a", "b"))
		req.Records[1].Key = []byte("k")
		req.Records[1].Headers = []*logv1.Header{{Name: "n", Value: []byte("v")}}
		got := must(s.Produce(t.Context(), req))(t)
		if want := (&logv1.ProduceResponse{Offset: 1, Index: 2, Term: 7, Count: 2}); !proto.Equal(got, want) {
			t.Errorf("answered %v, want %v", got, want)
		}
		b := at(node, &node.batches)[1]
		if b.Producer != 5 || b.Sequence != 1 || len(b.Records) != 2 || string(b.Records[1].Key) != "k" ||
			b.Records[1].Header[0].Name != "n" || string(b.Records[1].Header[0].Value) != "v" {
			t.Errorf("the node was given %+v", b)
		}
	})
}

func TestAStreamIsAnsweredInOrderAndLiesInOrder(t *testing.T) {
	const n, round = 200, 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node, Enqueue: node.slowly(round)})
		began := time.Now()
		stream := must(s.ProduceStream(t.Context()))(t)
		for i := range n {
			req := one(string(numbered(i)))
			if i%3 == 0 {
				req = several(string(numbered(i)), "and another")
			}
			send(t, stream, req)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			got := must(stream.Recv())(t)
			if v := at(node, &node.records)[got.Offset].Value; string(v) != string(numbered(i)) {
				t.Fatalf("request %d was told of offset %d, where %q lies", i, got.Offset, v)
			}
			if count := got.Count; count != map[bool]uint64{true: 2}[i%3 == 0] {
				t.Errorf("request %d was told of %d records", i, count)
			}
		}
		if _, err := stream.Recv(); err != io.EOF {
			t.Errorf("the stream ended with %v", err)
		}
		if took := time.Since(began); took > n*round/10 {
			t.Errorf("%d requests took %v: they waited for one another, %v each", n, took, round)
		}
	})
}

func TestNumberedBatchesOfAStreamKeepTheirNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		stream := must(s.ProduceStream(t.Context()))(t)
		send(t, stream,
			from(5, 1, one("a")), from(5, 2, one("b")), one("c"), one("d"), from(5, 3, one("e")))
		for i := range uint64(5) {
			if got := must(stream.Recv())(t); got.Offset != i {
				t.Errorf("answer %d tells of offset %d", i, got.Offset)
			}
		}
		var got []string
		for _, b := range at(node, &node.batches) {
			if b.Producer != 0 {
				v := b.Records[0].Value
				got = append(got, fmt.Sprintf("%d:%d %s %d", b.Producer, b.Sequence, v, len(b.Records)))
			}
		}
		if want := "[5:1 a 1 5:2 b 1 5:3 e 1]"; fmt.Sprint(got) != want {
			t.Errorf("the node was given %v, want %v", got, want)
		}
	})
}

func TestAStreamEndsWithItsFirstErrorAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		stream := must(s.ProduceStream(t.Context()))(t)
		send(t, stream, one("a"), one("b"), &logv1.ProduceRequest{}, one("c"))
		for i := range uint64(2) {
			if got := must(stream.Recv())(t); got.Offset != i {
				t.Errorf("answer %d tells of offset %d", i, got.Offset)
			}
		}
		_, err := stream.Recv()
		expect(t, "the third request", err, codes.InvalidArgument)
		if len(at(node, &node.records)) != 2 {
			t.Errorf("the log has %d records: what came behind the error too", len(at(node, &node.records)))
		}
	})
}

func TestAtMost256BatchesOfAStreamAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node, Enqueue: node.slowly(time.Second)})
		stream := must(s.ProduceStream(t.Context()))(t)
		for range 1000 {
			send(t, stream, one("a"))
		}
		synctest.Wait()
		if got := len(at(node, &node.batches)); got != 256 {
			t.Errorf("%d are", got)
		}
		for i := range uint64(1000) {
			if got := must(stream.Recv())(t); got.Offset != i {
				t.Fatalf("answer %d tells of offset %d", i, got.Offset)
			}
		}
	})
}

func TestWhatIsUnderWayIsLeftAloneWhenOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node,
			Enqueue: func(ctx context.Context, b commitlog.Batch) (service.Outcome, error) {
				wait, err := node.slowly(time.Second)(ctx, b)
				if string(b.Records[0].Value) == "bad" {
					wait = func(context.Context) (commitlog.Pos, error) {
						return commitlog.Pos{}, commitlog.NotLeader{}
					}
				}
				return wait, err
			}})
		stream := must(s.ProduceStream(t.Context()))(t)
		send(t, stream, one("a"), one("bad"), one("b"))
		synctest.Wait()
		must(stream.Recv())(t)
		_, err := stream.Recv()
		expect(t, "the second", err, codes.Unavailable)
		if got := len(at(node, &node.batches)); got != 3 {
			t.Errorf("%d batches were begun", got)
		}
	})
}

func TestEveryMessageOfAProducersStreamIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		node := &fake{}
		s := serve(t, service.Config{Node: node, Authorize: func(_ context.Context, action string) error {
			if action != "produce" {
				t.Errorf("asked for %q", action)
			}
			if asked.Add(1) > 3 {
				return grpcstatus.Error(codes.PermissionDenied, "nobody may not produce any more")
			}
			return nil
		}})
		stream := must(s.ProduceStream(t.Context()))(t)
		for i := range 5 {
			send(t, stream, one(string(numbered(i))))
		}
		for range 3 {
			must(stream.Recv())(t)
		}
		_, err := stream.Recv()
		if want := "nobody may not produce any more"; grpcstatus.Convert(err).Message() != want {
			t.Errorf("ended with %v, want what the authorizer said, %q", err, want)
		}
		expect(t, "the fourth message", err, codes.PermissionDenied)
		if len(at(node, &node.records)) != 3 {
			t.Errorf("the log has %d records", len(at(node, &node.records)))
		}
	})
}

func TestAProducerThatIsFasterThanTheNodeIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		node := &fake{}
		s := serve(t, service.Config{Node: node,
			Enqueue: func(ctx context.Context, b commitlog.Batch) (service.Outcome, error) {
				pos, err := node.Produce(ctx, b)
				return func(context.Context) (commitlog.Pos, error) { <-hold; return pos, err }, nil
			}})
		stream := must(s.ProduceStream(t.Context()))(t)
		const size, n = 1 << 20, 30
		var sent atomic.Int64
		go func() {
			for range n {
				if stream.Send(one(string(bytes.Repeat([]byte("x"), size)))) != nil {
					return
				}
				sent.Add(1)
			}
			stream.CloseSend()
		}()
		synctest.Wait()
		if got := sent.Load(); got > 24 { // of which gRPC's windows hold 16
			t.Errorf("%d MiB were taken while the node stood still", got)
		}
		if got := len(at(node, &node.batches)); got < 2 || got > 4 {
			t.Errorf("%d batches of 1 MiB are under way; it should be what fits into 4 MiB", got)
		}
		close(hold)
		for i := range uint64(n) {
			if got := must(stream.Recv())(t); got.Offset != i {
				t.Fatalf("answer %d tells of offset %d", i, got.Offset)
			}
		}
		if _, err := stream.Recv(); err != io.EOF {
			t.Errorf("the stream ended with %v", err)
		}
	})
}

func TestAProducerThatHangsUpEndsItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		node := &fake{produce: func(ctx context.Context, _ commitlog.Batch) error {
			<-ctx.Done()
			ended <- ctx.Err()
			return commitlog.Uncertain{Why: ctx.Err()}
		}}
		s := serve(t, service.Config{Node: node})
		ctx, cancel := context.WithCancel(t.Context())
		stream := must(s.ProduceStream(ctx))(t)
		send(t, stream, one("a"))
		synctest.Wait()
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("the node's context ended with %v", err)
		}
	})
}
