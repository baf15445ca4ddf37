// What the ancestor's tests of its server ask, of one node.

package log_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/interop/log/proglog"
)

// outside is the code of the ancestor for an offset that is not in the log.
const outside codes.Code = 404

// expect compares whole messages, as the ancestor's tests do: a field that is
// set and was not asked for fails it.
func expect(t *testing.T, what string, got, want proto.Message) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Errorf("%s: got {%v}, want {%v}", what, got, want)
	}
}

func record(value string) *proglog.ProduceRequest {
	return &proglog.ProduceRequest{Record: &proglog.Record{Value: []byte(value)}}
}

// held is a record as it is read.
func held(offset uint64, value string) *proglog.ConsumeResponse {
	return &proglog.ConsumeResponse{Record: &proglog.Record{Value: []byte(value), Offset: offset}}
}

func TestWhatIsProducedIsConsumed(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	ctx, root := within(t), c.client(c.nodes[0], "root")
	for offset := range uint64(3) {
		value := fmt.Sprint("message ", offset)
		sent := record(value)
		sent.Record.Offset = 41 // which is the log's to say
		expect(t, "produce", must(root.Produce(ctx, sent))(t), &proglog.ProduceResponse{Offset: offset})
		got := must(root.Consume(ctx, &proglog.ConsumeRequest{Offset: offset}))(t)
		expect(t, "consume", got, held(offset, value))
	}
}

func TestStreamsAnswerEachRequestInOrder(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	ctx, root := within(t), c.client(c.nodes[0], "root")
	values := []string{"first message", "second message", "third message"}
	produced := must(root.ProduceStream(ctx))(t)
	for offset, value := range values { // one after the other, as the ancestor's test does
		if err := produced.Send(record(value)); err != nil {
			t.Fatal(err)
		}
		expect(t, "produce", must(produced.Recv())(t), &proglog.ProduceResponse{Offset: uint64(offset)})
	}
	for i := range 100 { // and all at once
		values = append(values, fmt.Sprint("message ", i))
		if err := produced.Send(record(values[len(values)-1])); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(100) {
		expect(t, "produce", must(produced.Recv())(t), &proglog.ProduceResponse{Offset: 3 + i})
	}
	consumed := must(root.ConsumeStream(ctx, &proglog.ConsumeRequest{}))(t)
	for offset, value := range values {
		expect(t, "consume", must(consumed.Recv())(t), held(uint64(offset), value))
	}
}

func TestAConsumerWaitsAtTheEndOfTheLog(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	root := c.client(c.nodes[0], "root")
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	consumed := must(root.ConsumeStream(ctx, &proglog.ConsumeRequest{}))(t)
	for offset := range uint64(3) { // each is written when the one before it was read
		if _, err := root.Produce(ctx, record("late")); err != nil {
			t.Fatal(err)
		}
		expect(t, "consume", must(consumed.Recv())(t), held(offset, "late"))
	}
	cancel()
	if _, err := consumed.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("after the caller has ended it: %v", err)
	}
}

func TestAnOffsetOutsideTheLogIsToldAsTheAncestorTellsIt(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	ctx, root := within(t), c.client(c.nodes[0], "root")
	produced := must(root.Produce(ctx, record("hello world")))(t)
	got, err := root.Consume(ctx, &proglog.ConsumeRequest{Offset: produced.Offset + 7})
	s := status.Convert(err)
	if got != nil || s.Code() != outside || !strings.Contains(s.Message(), "7") {
		t.Fatalf("consume: %v, %v", got, err)
	}
	if len(s.Details()) == 0 { // of which the ancestor has one; what comes behind it is ours
		t.Fatal("there are no details")
	}
	local, ok := s.Details()[0].(*errdetails.LocalizedMessage)
	if !ok || local.Locale != "en-US" || !strings.Contains(local.Message, "7") {
		t.Errorf("detail: %v", s.Details()[0])
	}
}

func TestNobodyMayProduceOrConsume(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	ctx, nobody := within(t), c.client(c.nodes[0], "nobody")
	denied := func(what string, err error) {
		t.Helper()
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := nobody.Produce(ctx, record("no"))
	denied("produce", err)
	_, err = nobody.Consume(ctx, &proglog.ConsumeRequest{})
	denied("consume", err)
	_, err = must(nobody.ConsumeStream(ctx, &proglog.ConsumeRequest{}))(t).Recv()
	denied("consume stream", err)
	produced := must(nobody.ProduceStream(ctx))(t)
	if err := produced.Send(record("no")); err != nil {
		t.Fatal(err)
	}
	_, err = produced.Recv()
	denied("produce stream", err)
	servers := must(nobody.GetServers(ctx, &proglog.GetServersRequest{}))(t)
	expect(t, "servers", servers, &proglog.GetServersResponse{
		Servers: []*proglog.Server{{Id: "n0", RpcAddr: c.nodes[0].address, IsLeader: true}},
	})
}

func TestHealthSaysServing(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	health := grpc_health_v1.NewHealthClient(c.dial(c.nodes[0], "nobody"))
	got := must(health.Check(within(t), &grpc_health_v1.HealthCheckRequest{}))(t)
	expect(t, "health", got, &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING})
}
