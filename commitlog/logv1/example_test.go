// How a program speaks to the log, without a client of ours.

package logv1_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A parrot answers Consume with what was produced last.
type parrot struct {
	logv1.UnimplementedLogServer
	last *logv1.Record
}

func (p *parrot) Produce(_ context.Context, req *logv1.ProduceRequest) (*logv1.ProduceResponse, error) {
	p.last = req.Record
	return &logv1.ProduceResponse{}, nil
}

func (p *parrot) Consume(context.Context, *logv1.ConsumeRequest) (*logv1.ConsumeResponse, error) {
	return &logv1.ConsumeResponse{Record: p.last}, nil
}

func Example() {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	logv1.RegisterLogServer(server, &parrot{})
	go server.Serve(listener)
	defer server.Stop()

	conn, err := grpc.NewClient("passthrough:///log", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	log, ctx := logv1.NewLogClient(conn), context.Background()
	made, err := log.Produce(ctx, &logv1.ProduceRequest{Record: &logv1.Record{Value: []byte("hello")}})
	if err != nil {
		panic(err)
	}
	read, err := log.Consume(ctx, &logv1.ConsumeRequest{Offset: made.Offset})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d: %s\n", made.Offset, read.Record.Value)
	// Output: 0: hello
}
