// A program that was written for go-replayers, and changed in go.mod alone.

package switched

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"github.com/google/go-replayers/grpcreplay"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"
)

func check(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	r, err := pb.NewHealthClient(conn).Check(context.Background(), &pb.HealthCheckRequest{})
	if err != nil || r.GetStatus() != pb.HealthCheckResponse_SERVING {
		t.Errorf("the answer is %v, %v", r, err)
	}
}

func TestSwitched(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	pb.RegisterHealthServer(s, health.NewServer())
	go s.Serve(l)

	var b bytes.Buffer
	rec, err := grpcreplay.NewRecorderWriter(&b, &grpcreplay.RecorderOptions{Initial: []byte("seed")})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(l.Addr().String(),
		append(rec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	check(t, conn)
	conn.Close()
	s.Stop()
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "rehearse grpc recording") {
		t.Errorf("it is not rehearse that recorded\n%s", &b)
	}

	rep, err := grpcreplay.NewReplayerReader(&b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rep.Close()
	if conn, err = rep.Connection(); err != nil {
		t.Fatal(err)
	}
	check(t, conn)
	if string(rep.Initial()) != "seed" {
		t.Errorf("the initial bytes are %q", rep.Initial())
	}
}
