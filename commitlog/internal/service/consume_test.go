// Consuming, as clients see it.

package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

func TestARecordIsConsumedAsTheOriginalDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		node.fill(3, numbered)
		s := serve(t, service.Config{Node: node})
		want := &logv1.ConsumeResponse{Record: &logv1.Record{Value: numbered(1), Offset: 1}}
		if got := must(s.Consume(t.Context(), &logv1.ConsumeRequest{Offset: 1}))(t); !proto.Equal(got, want) {
			t.Errorf("Consume: %v, want %v and nothing else", got, want)
		}
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Offset: 1}))(t)
		if got := must(stream.Recv())(t); !proto.Equal(got, want) {
			t.Errorf("ConsumeStream: %v, want %v and nothing else", got, want)
		}
	})
}

func TestAnOffsetOutsideTheLogHasTheOriginalsCode(t *testing.T) {
	for canonical, want := range map[bool]codes.Code{false: 404, true: codes.OutOfRange} {
		synctest.Test(t, func(t *testing.T) {
			node := &fake{status: commitlog.Status{Low: 1}}
			node.fill(2, numbered)
			s := serve(t, service.Config{Node: node, Canonical: canonical})
			for _, offset := range []uint64{0, 2, 77} {
				_, err := s.Consume(t.Context(), &logv1.ConsumeRequest{Offset: offset})
				expect(t, fmt.Sprint("offset ", offset), err, want)
				local, ok := grpcstatus.Convert(err).Details()[0].(*errdetails.LocalizedMessage)
				if !ok || local.Locale != "en-US" || !bytes.Contains([]byte(local.Message), fmt.Append(nil, offset)) {
					t.Errorf("offset %d: the first detail is %v", offset, local)
				}
				if got := new(commitlog.OffsetOutOfRange); !errors.As(status.FromStatus(err), got) ||
					*got != (commitlog.OffsetOutOfRange{Offset: offset, Low: 1, Next: 2}) {
					t.Errorf("offset %d: came back as %+v", offset, got)
				}
			}
		})
	}
}

func TestAStreamWaitsAtTheEndWithoutSpinning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		node.fill(2, numbered)
		s := serve(t, service.Config{Node: node})
		ctx, cancel := context.WithCancel(t.Context())
		stream := must(s.ConsumeStream(ctx, &logv1.ConsumeRequest{}))(t)
		for i := range 2 {
			if got := must(stream.Recv())(t); string(got.Record.Value) != string(numbered(i)) {
				t.Errorf("record %d is %q", i, got.Record.Value)
			}
		}
		time.Sleep(10 * time.Second) // virtual
		if n := len(at(node, &node.fetched)); n != 2 {
			t.Errorf("the stream read %d times: it should wait in its second", n)
		}
		node.fill(1, func(int) []byte { return []byte("late") })
		if got := must(stream.Recv())(t); string(got.Record.Value) != "late" || got.Record.Offset != 2 {
			t.Errorf("then came %v", got)
		}
		cancel()
		_, err := stream.Recv()
		expect(t, "after the caller has ended it", err, codes.Canceled)
	})
}

func TestAStreamWaitsForAnOffsetFarAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Offset: 3}))(t)
		synctest.Wait()
		node.fill(5, numbered)
		if got := must(stream.Recv())(t); got.Record.Offset != 3 {
			t.Errorf("then came %v", got)
		}
	})
}

func TestAStreamDoesNotWaitForWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{status: commitlog.Status{Low: 3}}
		node.fill(5, numbered)
		s := serve(t, service.Config{Node: node})
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Offset: 2}))(t)
		_, err := stream.Recv()
		expect(t, "an offset below the log", err, 404)
	})
}

func TestConsumeWaitsIfItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		for offset := range uint64(3) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := s.Consume(ctx, &logv1.ConsumeRequest{Offset: offset, Wait: true})
			expect(t, "a wait in vain", err, codes.DeadlineExceeded)
			cancel()
		}
		time.AfterFunc(time.Minute, func() { node.fill(3, numbered) })
		got := must(s.Consume(t.Context(), &logv1.ConsumeRequest{Offset: 2, Wait: true}))(t)
		if got.Record.Offset != 2 {
			t.Errorf("consumed %v", got)
		}
	})
}

func TestHowToReadIsHandedToTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{piece: 1}
		node.fill(2, numbered)
		s := serve(t, service.Config{Node: node})
		req := &logv1.ConsumeRequest{
			MaxBytes: 500, MinAppliedIndex: 9, Level: logv1.Level_LINEARIZABLE, AtTime: 1_000_000_001, Many: true,
		}
		want := commitlog.ReadOptions{
			Level: commitlog.Linearizable, MinIndex: 9, At: time.Unix(1, 1), MaxBytes: 500,
		}
		must(s.Consume(t.Context(), req))(t)
		if got := at(node, &node.fetched)[0]; got != want {
			t.Errorf("Consume read with %+v, want %+v", got, want)
		}
		stream := must(s.ConsumeStream(t.Context(), req))(t)
		must(stream.Recv())(t)
		must(stream.Recv())(t)
		want.Follow = true
		if got := at(node, &node.fetched)[1]; got != want {
			t.Errorf("ConsumeStream read first with %+v, want %+v", got, want)
		}
		want.Level, want.MinIndex, want.At = commitlog.Local, 0, time.Time{}
		if got := at(node, &node.fetched)[2]; got != want {
			t.Errorf("ConsumeStream read then with %+v, want %+v", got, want)
		}
	})
}

func TestManyRecordsComeTogetherWithAllThatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		now := time.Now()
		node.Produce(t.Context(), commitlog.Batch{Records: []commitlog.Record{
			{Value: []byte("v"), Key: []byte("k"), Header: []commitlog.Header{{Name: "n", Value: []byte("h")}}}, {},
		}})
		node.fill(1000, func(int) []byte { return nil })
		s := serve(t, service.Config{Node: node})
		got := must(s.Consume(t.Context(), &logv1.ConsumeRequest{Many: true, MaxBytes: 10_000}))(t)
		first := &logv1.Record{
			Value: []byte("v"), Key: []byte("k"), Headers: []*logv1.Header{{Name: "n", Value: []byte("h")}},
			Timestamp: now.UnixNano(),
		}
		if got.Record != nil || !proto.Equal(got.Records[0], first) {
			t.Errorf("the first record is %v, want %v", got.Records[0], first)
		}
		if size := proto.Size(got); size > 10_000 || size < 9_000 {
			t.Errorf("a response of %d records has %d bytes; at most 10000 were asked for", len(got.Records), size)
		}
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Many: true, MaxBytes: 10_000}))(t)
		for next := uint64(0); next < 1002; {
			got := must(stream.Recv())(t)
			for _, r := range got.Records {
				if r.Offset != next {
					t.Fatalf("offset %d came where %d should", r.Offset, next)
				}
				next++
			}
			if size := proto.Size(got); size > 10_000 {
				t.Errorf("a response of the stream has %d bytes", size)
			}
		}
		small := must(s.Consume(t.Context(), &logv1.ConsumeRequest{Many: true, MaxBytes: 1}))(t)
		if len(small.Records) != 1 {
			t.Errorf("at most one byte: %d records; one is always sent", len(small.Records))
		}
	})
}

func TestEveryMessageOfAConsumersStreamIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var may atomic.Bool
		may.Store(true)
		node := &fake{}
		node.fill(1, numbered)
		s := serve(t, service.Config{Node: node, Authorize: func(_ context.Context, action string) error {
			if action != "consume" {
				t.Errorf("asked for %q", action)
			}
			if !may.Load() {
				return errors.New("the policy has changed")
			}
			return nil
		}})
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{}))(t)
		must(stream.Recv())(t)
		synctest.Wait() // it waits for the next record
		may.Store(false)
		node.fill(1, numbered)
		got, err := stream.Recv()
		expect(t, fmt.Sprint("the second message, ", got), err, codes.PermissionDenied)
		late := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Offset: 9}))(t)
		_, err = late.Recv()
		expect(t, "a stream that would wait", err, codes.PermissionDenied)
		_, err = s.Consume(t.Context(), &logv1.ConsumeRequest{})
		expect(t, "Consume", err, codes.PermissionDenied)
	})
}

func TestAConsumerThatDoesNotReadIsNotReadFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{piece: 1}
		const n = 200
		node.fill(n, func(int) []byte { return bytes.Repeat([]byte("x"), 64<<10) })
		s := serve(t, service.Config{Node: node})
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{}))(t)
		time.Sleep(30 * time.Second) // virtual
		read := len(at(node, &node.fetched))
		if read > n/4 {
			t.Errorf("%d of %d pieces were read for a consumer that has read nothing", read, n)
		}
		for i := range uint64(n) {
			if got := must(stream.Recv())(t); got.Record.Offset != i {
				t.Fatalf("offset %d came where %d should", got.Record.Offset, i)
			}
		}
	})
}
