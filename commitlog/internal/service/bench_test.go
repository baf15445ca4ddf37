// How much the service takes by itself.

package service_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A sink takes everything and keeps nothing.
type sink struct{ *fake }

func (sink) Produce(context.Context, commitlog.Batch) (commitlog.Pos, error) {
	return commitlog.Pos{Offset: 1, Index: 1, Term: 1}, nil
}

var kilobyte = bytes.Repeat([]byte("x"), 1<<10)

// BenchmarkProduce is 64 clients, each with one batch of 1 KiB at a time.
func BenchmarkProduce(b *testing.B) {
	s := serve(b, service.Config{Node: sink{&fake{}}})
	req := &logv1.ProduceRequest{Record: &logv1.Record{Value: kilobyte}}
	b.SetBytes(1 << 10)
	b.SetParallelism(64)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := s.Produce(context.Background(), req); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkProduceStream is one stream of batches of 1 KiB.
func BenchmarkProduceStream(b *testing.B) {
	s := serve(b, service.Config{Node: sink{&fake{}}})
	stream, err := s.ProduceStream(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	req := &logv1.ProduceRequest{Record: &logv1.Record{Value: kilobyte}}
	b.SetBytes(1 << 10)
	go func() {
		for range b.N {
			stream.Send(req)
		}
		stream.CloseSend()
	}()
	for err == nil {
		_, err = stream.Recv()
	}
	if err != io.EOF {
		b.Fatal(err)
	}
}

// BenchmarkConsumeStream reads records of 1 KiB: one in a response, as the
// original's clients do, and as many as go.
func BenchmarkConsumeStream(b *testing.B) {
	node := &fake{}
	node.fill(1000, func(int) []byte { return kilobyte })
	s := serve(b, service.Config{Node: node})
	for name, many := range map[string]bool{"one": false, "many": true} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(1 << 10)
			for n := 0; n < b.N; {
				n += readAll(b, s, many)
			}
		})
	}
}

// readAll reads the log's 1,000 records.
func readAll(b *testing.B, s *site, many bool) (n int) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	stream, err := s.ConsumeStream(ctx, &logv1.ConsumeRequest{Many: many})
	for err == nil && n < 1000 {
		var got *logv1.ConsumeResponse
		got, err = stream.Recv()
		n += len(got.GetRecords())
		if !many {
			n++
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return n
}
