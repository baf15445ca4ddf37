// The service, and its client: a log to produce to and to consume from, over gRPC.

package agents

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// service is what protoc would write for
//
//	service Log {
//	  rpc Produce(google.protobuf.BytesValue) returns (google.protobuf.UInt64Value);
//	  rpc Consume(google.protobuf.UInt64Value) returns (google.protobuf.BytesValue);
//	}
var service = grpc.ServiceDesc{
	ServiceName: "agents.Log",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{method("Produce", (*Agent).produce), method("Consume", (*Agent).consume)},
}

// method describes one unary method.
func method[In, Out any](name string, call func(*Agent, *In) (*Out, error)) grpc.MethodDesc {
	handle := func(a any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(In)
		if err := decode(in); err != nil {
			return nil, err
		}
		return call(a.(*Agent), in)
	}
	return grpc.MethodDesc{MethodName: name, Handler: handle}
}

// newServer serves a, and tells who asks that it is healthy.
func newServer(a *Agent) *grpc.Server {
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(a.c.TLS)), grpc.WaitForHandlers(true))
	s.RegisterService(&service, a)
	healthpb.RegisterHealthServer(s, health.NewServer())
	return s
}

// produce appends a record. Only the leader can; others name it.
func (a *Agent) produce(record *wrapperspb.BytesValue) (*wrapperspb.UInt64Value, error) {
	offset, err := a.log.append(record.Value)
	if err != nil {
		_, leader := a.log.raft.LeaderWithID()
		return nil, status.Errorf(codes.FailedPrecondition, "%v; the leader is %q", err, leader)
	}
	return wrapperspb.UInt64(offset), nil
}

// consume returns the record at an offset, as far as this agent knows.
func (a *Agent) consume(offset *wrapperspb.UInt64Value) (*wrapperspb.BytesValue, error) {
	record, ok := a.log.records.at(offset.Value)
	if !ok {
		return nil, status.Errorf(codes.OutOfRange, "there is no record at %d yet", offset.Value)
	}
	return wrapperspb.Bytes(record), nil
}

// A Client speaks to one agent.
type Client struct{ conn *grpc.ClientConn }

// Dial returns a client of the named agent. It connects when it is first used.
func Dial(agent string, c *tls.Config, dial func(context.Context, string, string) (net.Conn, error)) (*Client, error) {
	conn, err := grpc.NewClient("passthrough:///"+agent+rpcPort,
		grpc.WithTransportCredentials(credentials.NewTLS(c)),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dial(ctx, "tcp", address)
		}))
	return &Client{conn}, err
}

// Close ends the client's connection.
func (c *Client) Close() error { return c.conn.Close() }

// Produce appends a record and returns its offset.
func (c *Client) Produce(ctx context.Context, record []byte) (offset uint64, err error) {
	var out wrapperspb.UInt64Value
	err = c.conn.Invoke(ctx, "/agents.Log/Produce", wrapperspb.Bytes(record), &out)
	return out.Value, err
}

// Consume returns the record at an offset.
func (c *Client) Consume(ctx context.Context, offset uint64) (record []byte, err error) {
	var out wrapperspb.BytesValue
	err = c.conn.Invoke(ctx, "/agents.Log/Consume", wrapperspb.UInt64(offset), &out)
	return out.Value, err
}

// Healthy asks whether the agent serves.
func (c *Client) Healthy(ctx context.Context) (bool, error) {
	r, err := healthpb.NewHealthClient(c.conn).Check(ctx, &healthpb.HealthCheckRequest{})
	return r.GetStatus() == healthpb.HealthCheckResponse_SERVING, err
}
