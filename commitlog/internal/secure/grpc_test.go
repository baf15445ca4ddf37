// gRPC's health service behind the credentials, over pipes in a bubble.

package secure_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog/certs"
	"github.com/rehearse-go/rehearse/commitlog/internal/secure"
)

// pipes is a listener whose connections are net.Pipes.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }
func (p *pipes) dial(context.Context, string) (net.Conn, error) {
	a, b := net.Pipe()
	p.conns <- b
	return a, nil
}

func TestGRPCUsesChangedFilesAtItsNextConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority()
		d := newDisk(ca)
		s := must(secure.Load(secure.Config{Files: named, FS: d}))
		callers := make(chan string, 10)
		server := grpc.NewServer(grpc.Creds(s.Credentials()), grpc.UnaryInterceptor(func(
			ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
		) (any, error) {
			name, err := secure.CommonName(ctx)
			if err != nil {
				return nil, err
			}
			callers <- name
			return next(ctx, req)
		}))
		healthpb.RegisterHealthServer(server, health.NewServer())
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()

		call := func(creds credentials.TransportCredentials) error {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			conn := must(grpc.NewClient("passthrough:///n0",
				grpc.WithTransportCredentials(creds), grpc.WithContextDialer(l.dial)))
			defer conn.Close()
			_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
			return err
		}
		root := func(ca *certs.Authority) credentials.TransportCredentials {
			return credentials.NewTLS(must(ca.ClientTLS("root")))
		}
		expect := func(want string, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			if got := <-callers; got != want {
				t.Errorf("%q calls, want %q", got, want)
			}
		}
		expect("peer", call(s.Credentials()))
		expect("root", call(root(ca)))

		time.Sleep(time.Second) // virtual
		next := newAuthority()
		for name, file := range newDisk(next).MapFS {
			d.write(name, file.Data)
		}
		time.Sleep(time.Second) // virtual
		s.Client("n0")          // reads the files before both sides ask at once
		expect("peer", call(s.Credentials()))
		expect("root", call(root(next)))
		if err := call(root(ca)); status.Code(err) != codes.Unavailable {
			t.Errorf("a client of the old authority: %v", err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}
