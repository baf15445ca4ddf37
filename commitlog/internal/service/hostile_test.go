// Requests that make no sense, and bytes that are no requests.

package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

func TestWhatMakesNoSenseIsRefusedWithAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		both := several("a")
		both.Record = both.Records[0]
		for want, call := range map[string]func() error{
			"neither record nor records": func() error {
				_, err := s.Produce(t.Context(), &logv1.ProduceRequest{})
				return err
			},
			"both record and records": func() error {
				_, err := s.Produce(t.Context(), both)
				return err
			},
			"producer 3 and sequence 0": func() error {
				_, err := s.Produce(t.Context(), from(3, 0, one("a")))
				return err
			},
			"producer 0 and sequence 3": func() error {
				_, err := s.Produce(t.Context(), from(0, 3, one("a")))
				return err
			},
			"level 9; it may be LOCAL": func() error {
				_, err := s.Consume(t.Context(), &logv1.ConsumeRequest{Level: 9})
				return err
			},
			"level -1; it may be LOCAL": func() error {
				stream, _ := s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Level: -1})
				_, err := stream.Recv()
				return err
			},
			"stage 3; it may be COMMITTED": func() error {
				_, err := s.Wait(t.Context(), &logv1.WaitRequest{Index: 1, Stage: 3})
				return err
			},
			"neither an index nor an offset": func() error {
				_, err := s.Wait(t.Context(), &logv1.WaitRequest{})
				return err
			},
			"both an index and an offset": func() error {
				_, err := s.Wait(t.Context(), &logv1.WaitRequest{Index: 1, Offset: proto.Uint64(0)})
				return err
			},
			"neither leader nor events": func() error {
				stream, _ := s.Watch(t.Context(), &logv1.WatchRequest{})
				_, err := stream.Recv()
				return err
			},
		} {
			err := call()
			expect(t, want, err, codes.InvalidArgument)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not said by %v", want, err)
			}
		}
		if len(node.records) > 0 {
			t.Errorf("the log has %d records of what was refused", len(node.records))
		}
	})
}

func TestARequestThatIsTooLargeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, service.Config{Node: &fake{}, MaxMessage: 1000})
		must(s.Produce(t.Context(), one(strings.Repeat("x", 900))))(t)
		_, err := s.Produce(t.Context(), one(strings.Repeat("x", 1000)))
		expect(t, "more than MaxMessage", err, codes.ResourceExhausted)
	})
}

func TestBytesThatAreNoRequestHurtNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, service.Config{Node: &fake{}})
		for _, junk := range []string{
			"GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 4096),
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00",
		} {
			conn, err := s.listener.Dial()
			if err != nil {
				t.Fatal(err)
			}
			go io.Copy(io.Discard, conn)
			conn.Write([]byte(junk))
			synctest.Wait()
			conn.Close()
		}
		must(s.Produce(t.Context(), one("a")))(t)
	})
}

// raw sends bytes as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (raw) Unmarshal(b mem.BufferSlice, v any) error {
	*v.(*[]byte) = b.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

// An impatient node never waits.
type impatient struct{ *fake }

func (n impatient) Fetch(ctx context.Context, from uint64, o commitlog.ReadOptions) ([]commitlog.Record, error) {
	if o.Follow && from >= uint64(len(n.records)) {
		return nil, commitlog.ErrClosed
	}
	o.Follow = false
	return n.fake.Fetch(ctx, from, o)
}

func (n impatient) Wait(context.Context, commitlog.Stage, uint64, uint64) error {
	return commitlog.ErrClosed
}
func (n impatient) WaitOffset(context.Context, uint64) error { return commitlog.ErrClosed }

func FuzzHostileRequests(f *testing.F) {
	for i, m := range []proto.Message{
		one("a"), from(1, 2, several("a", "b")), &logv1.ConsumeRequest{Offset: 1, Wait: true, Many: true, MaxBytes: 3},
		&logv1.ConsumeRequest{AtTime: -1 << 63, Level: 1}, &logv1.WaitRequest{Offset: proto.Uint64(3)},
		&logv1.WatchRequest{}, &logv1.StatusRequest{},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, b)
	}
	f.Add(1, []byte("\x0a\xff\xff\xff\xff\x0f"))
	node := &fake{produce: func(context.Context, commitlog.Batch) error { return commitlog.NotLeader{} }}
	node.records = []commitlog.Record{{Value: []byte("a")}, {Offset: 1}}
	s := serve(f, service.Config{Node: impatient{node}})
	methods := []string{"Produce", "Consume", "ConsumeStream", "ProduceStream", "GetServers", "Wait", "Status"}
	f.Fuzz(func(t *testing.T, method int, b []byte) {
		name := "/log.v1.Log/" + methods[uint(method)%uint(len(methods))]
		stream, err := s.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, name,
			grpc.ForceCodecV2(raw{}))
		if err == nil {
			err = errors.Join(stream.SendMsg(&b), stream.CloseSend())
		}
		for err == nil {
			var answer []byte
			err = stream.RecvMsg(&answer)
		}
		if strings.Contains(fmt.Sprint(err), "a fault of ours") {
			t.Errorf("%s %q: %v", name, b, err)
		}
	})
}
