// The program that uses the sample service.

package sample

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Dial returns a connection to an address.
func Dial(addr string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr, append(opts,
		grpc.WithAuthority("store.example"), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}

// A session is the program while it runs.
type session struct {
	ctx     context.Context
	conn    *grpc.ClientConn
	service string
	seen    strings.Builder
}

// Run makes calls of every kind and tells what it saw.
func Run(ctx context.Context, conn *grpc.ClientConn) string { return RunAs(ctx, conn, Described) }

// RunAs is Run with the service by one of its names.
func RunAs(ctx context.Context, conn *grpc.ClientConn, service string) string {
	s := &session{ctx: metadata.AppendToOutgoingContext(ctx, "tenant", "acme"), conn: conn, service: service}
	for _, name := range []string{"one", "one", "", "missing"} {
		s.get(name)
	}
	for _, name := range []string{"x", "bad"} {
		s.list(name)
	}
	s.put("p", "q")
	s.chat("hello", "", "bye")
	return s.seen.String()
}

func (s *session) tell(what string, v any, err error) {
	fmt.Fprintln(&s.seen, what, v, err)
	for _, d := range status.Convert(err).Details() {
		fmt.Fprintln(&s.seen, "  detail", d.(*wrapperspb.StringValue).GetValue())
	}
}

func (s *session) get(name string) {
	out := new(structpb.Struct)
	err := s.conn.Invoke(s.ctx, "/"+s.service+"/Get", wrapperspb.String(name), out)
	s.tell("get "+name, out.AsMap(), err)
}

func (s *session) list(name string) {
	st := s.open(ListDesc)
	s.send(st, name)
	s.close(st)
	s.drain(st)
}

func (s *session) put(values ...string) {
	st := s.open(PutDesc)
	for _, v := range values {
		s.send(st, v)
	}
	s.close(st)
	s.receive(st)
}

func (s *session) chat(values ...string) {
	st := s.open(ChatDesc)
	for _, v := range values {
		s.send(st, v)
		s.receive(st)
	}
	s.close(st)
	s.drain(st)
}

// open opens a stream; one that cannot be opened is a stream of errors.
func (s *session) open(desc *grpc.StreamDesc) grpc.ClientStream {
	st, err := s.conn.NewStream(s.ctx, desc, "/"+s.service+"/"+desc.StreamName)
	s.tell("open "+desc.StreamName, nil, err)
	if err != nil {
		return broken{err: err}
	}
	return st
}

func (s *session) send(st grpc.ClientStream, v string) {
	s.tell("send", v, st.SendMsg(wrapperspb.String(v)))
}

func (s *session) close(st grpc.ClientStream) { s.tell("close", nil, st.CloseSend()) }

func (s *session) receive(st grpc.ClientStream) error {
	out := new(wrapperspb.StringValue)
	err := st.RecvMsg(out)
	s.tell("receive", out.GetValue(), err)
	return err
}

func (s *session) drain(st grpc.ClientStream) {
	for s.receive(st) == nil {
	}
}

// A broken stream was not opened.
type broken struct {
	grpc.ClientStream
	err error
}

func (b broken) SendMsg(any) error { return b.err }
func (b broken) RecvMsg(any) error { return b.err }
func (b broken) CloseSend() error  { return b.err }
