// One port for gRPC and peers: who comes through, and who does not.

package peer_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog/certs"
	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

// serveMux runs a mux until the test ends.
func serveMux(t *testing.T, w network, c peer.MuxConfig) (m *peer.Mux, address string) {
	t.Helper()
	l := w.listen(t)
	m = peer.NewMux(l, c)
	served := make(chan error, 1)
	go func() { served <- m.Serve() }()
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return m, l.Addr().String()
}

// whoami is a health service that tells callers who they are.
type whoami struct {
	healthpb.UnimplementedHealthServer
}

func (whoami) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	p, _ := grpcpeer.FromContext(ctx)
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		level := credentials.CheckSecurityLevel(p.AuthInfo, credentials.PrivacyAndIntegrity)
		return nil, status.Errorf(codes.Unknown, "in plaintext, insecure: %t", level != nil)
	}
	level := credentials.CheckSecurityLevel(info, credentials.PrivacyAndIntegrity)
	return nil, status.Errorf(codes.Unknown, "%s, insecure: %t",
		info.State.PeerCertificates[0].Subject.CommonName, level != nil)
}

func serveRPC(t *testing.T, m *peer.Mux) {
	s := grpc.NewServer(grpc.Creds(peer.Credentials()))
	healthpb.RegisterHealthServer(s, whoami{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(m.RPC()) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("gRPC: %v", err)
		}
	})
}

// ask returns what a gRPC server answers to a client with these credentials.
func ask(t *testing.T, w network, address string, creds credentials.TransportCredentials) string {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(w.dial))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	return status.Convert(err).Message()
}

// must fails the test if a certificate cannot be made.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func authority(t *testing.T) *certs.Authority {
	return must[*certs.Authority](t)(certs.NewAuthority(certs.Config{}))
}

// hosts are where nodes of these tests are reached.
var hosts = []string{"127.0.0.1", "n"}

// muxed returns two nodes behind muxes, whose configurations are given.
func muxed(t *testing.T, w network, server, client peer.MuxConfig, change func(*peer.Config)) (a, b *node) {
	t.Helper()
	nodes := []*node{}
	for i, c := range []peer.MuxConfig{client, server} {
		m, address := serveMux(t, w, c)
		serveRPC(t, m)
		n := start(t, w, uint64(i+1), func(pc *peer.Config) {
			pc.Listener.Close()
			pc.Listener = m.Peers()
			pc.Dial = peer.DialPeer(func(ctx context.Context, _, address string) (net.Conn, error) {
				return w.dial(ctx, address)
			}, c.PeerTLS)
			if change != nil {
				change(pc)
			}
		})
		n.hello.Addr = address
		nodes = append(nodes, n)
	}
	return nodes[0], nodes[1]
}

func TestGRPCAndPeersShareAPort(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		tlsOf := must[*tls.Config](t)
		ca, peers := authority(t), authority(t)
		server, peerTLS := tlsOf(ca.ServerTLS(hosts...)), tlsOf(peers.PeerTLS(hosts...))
		client := tlsOf(ca.ClientTLS("root"))
		ofClient, plain := credentials.NewTLS(client), insecure.NewCredentials()
		for _, row := range []struct {
			name  string
			c     peer.MuxConfig
			creds credentials.TransportCredentials
			want  string
		}{
			{"plaintext", peer.MuxConfig{}, plain, "in plaintext, insecure: true"},
			{"TLS", peer.MuxConfig{ServerTLS: server, PeerTLS: peerTLS}, ofClient, "root, insecure: false"},
			{"TLS for gRPC", peer.MuxConfig{ServerTLS: server}, ofClient, "root, insecure: false"},
			{"TLS for peers", peer.MuxConfig{PeerTLS: peerTLS}, plain, "in plaintext, insecure: true"},
		} {
			a, b := muxed(t, w, row.c, row.c, nil)
			a.Peer(2, b.hello.Addr)
			a.Send(2, heartbeat(5))
			if got := <-b.received; got.GetTerm() != 5 {
				t.Errorf("%s: term %d arrived, not 5", row.name, got.GetTerm())
			}
			if got := ask(t, w, b.hello.Addr, row.creds); got != row.want {
				t.Errorf("%s: the server says %q, want %q", row.name, got, row.want)
			}
		}
	})
}

func TestCertificatesThatDoNotHoldKeepPeersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		tlsOf := must[*tls.Config](t)
		ca, other := authority(t), authority(t)
		good := tlsOf(ca.PeerTLS(hosts...))
		none := good.Clone()
		none.Certificates = nil
		stranger := tlsOf(other.PeerTLS(hosts...))
		stranger.RootCAs = good.RootCAs
		expired := good.Clone()
		expired.Certificates = []tls.Certificate{must[certs.Pair](t)(ca.Issue(certs.Subject{
			CommonName: "n1", NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		})).Certificate}
		for _, row := range []struct {
			name           string
			server, client *tls.Config
			want           string
		}{
			{"another CA's client", good, stranger, "tls: unknown certificate authority"},
			{"no certificate", good, none, "tls: certificate required"},
			{"an expired client", good, expired, "tls: expired certificate"},
			{"an expired server", expired, good, "certificate has expired"},
			{"another CA's server", tlsOf(other.PeerTLS(hosts...)), good, "unknown authority"},
			{"a server of another name", tlsOf(ca.PeerTLS("elsewhere")), good, "valid for elsewhere"},
			{"a server's certificate only", good, tlsOf(ca.ServerTLS(hosts...)), "tls: bad certificate"},
			{"plaintext to TLS", good, nil, "peers must use TLS here"},
			{"TLS to plaintext", nil, good, "TLS with"},
		} {
			a, b := muxed(t, w, peer.MuxConfig{PeerTLS: row.server}, peer.MuxConfig{PeerTLS: row.client}, nil)
			_, err := a.Fetch(t.Context(), b.hello.Addr, nil)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: the error is %v; want %q in it", row.name, err, row.want)
			}
			a.Peer(2, b.hello.Addr)
			a.Send(2, heartbeat(1))
			<-a.lost
		}
	})
}

func TestAClientsCertificateIsNoPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		tlsOf := must[*tls.Config](t)
		ca, peers := authority(t), authority(t)
		server := peer.MuxConfig{ServerTLS: tlsOf(ca.ServerTLS(hosts...)), PeerTLS: tlsOf(peers.PeerTLS(hosts...))}
		root := tlsOf(ca.ClientTLS("root"))
		root.RootCAs = server.PeerTLS.RootCAs
		a, b := muxed(t, w, server, peer.MuxConfig{PeerTLS: root}, nil)
		if _, err := a.Fetch(t.Context(), b.hello.Addr, nil); err == nil {
			t.Error("a client of the service came through as a peer")
		}
		node := server.PeerTLS.Clone()
		node.RootCAs = server.ServerTLS.RootCAs
		got := ask(t, w, b.hello.Addr, credentials.NewTLS(node))
		if !strings.Contains(got, "unknown certificate authority") {
			t.Errorf("a peer's certificate at the service: %q", got)
		}
	})
}

func TestAPeerThatIsNotAllowedLearnsWhy(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		peerTLS := must[*tls.Config](t)(authority(t).PeerTLS(hosts...))
		c := peer.MuxConfig{PeerTLS: peerTLS, PeerAllowed: func(s tls.ConnectionState) error {
			return fmt.Errorf("%s may not replicate", s.PeerCertificates[0].Subject.CommonName)
		}}
		a, b := muxed(t, w, c, peer.MuxConfig{PeerTLS: peerTLS}, nil)
		_, err := a.Fetch(t.Context(), b.hello.Addr, nil)
		if want := (peer.Refused{Addr: b.hello.Addr, Why: certs.Peer + " may not replicate"}); err != want {
			t.Errorf("the error is %v; want %v", err, want)
		}
	})
}

func TestStrangersGetAClearAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		tlsOf := must[*tls.Config](t)
		ca := authority(t)
		_, plain := serveMux(t, w, peer.MuxConfig{})
		_, secure := serveMux(t, w, peer.MuxConfig{ServerTLS: tlsOf(ca.ServerTLS(hosts...))})
		noALPN, http1 := tlsOf(ca.ClientTLS("root")), tlsOf(ca.ClientTLS("root"))
		http1.NextProtos = []string{"http/1.1"}
		for _, row := range []struct {
			name, address string
			tls           *tls.Config
			says, want    string
		}{
			{"HTTP/1", plain, nil, "POST / HTTP/1.1\r\n\r\n", "This port speaks gRPC"},
			{"HTTP/1 like HTTP/2", plain, nil, "PRI / HTTP/1.1\r\n\r\n", "This port speaks gRPC"},
			{"nonsense", plain, nil, "\x00\x00", "This port speaks gRPC"},
			{"half our magic", plain, nil, "rehearse-lag/1\r\n", "This port speaks gRPC"},
			{"no ALPN", secure, noALPN, "", "This port speaks gRPC"},
			{"HTTP/1 over TLS", secure, http1, "GET / HTTP/1.1\r\n\r\n", "This port speaks gRPC"},
			{"plaintext gRPC to TLS", secure, nil, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
			{"plaintext HTTP to TLS", secure, nil, "GET / HTTP/1.1\r\n\r\n", "This port speaks gRPC"},
		} {
			conn, err := w.dial(t.Context(), row.address)
			if err != nil {
				t.Fatal(err)
			}
			if row.tls != nil {
				row.tls.ServerName = hosts[0]
				conn = tls.Client(conn, row.tls)
			}
			if _, err := io.WriteString(conn, row.says); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			got, err := io.ReadAll(conn)
			if err != nil || !strings.Contains(string(got), row.want) || row.want == "" && len(got) > 0 {
				t.Errorf("%s: the answer is %q, %v; want %q in it", row.name, got, err, row.want)
			}
			conn.Close()
		}
	})
}

func TestNoByteIsLostThatCameAlongWithTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		m, address := serveMux(t, w, peer.MuxConfig{})
		const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
		for _, row := range []struct {
			l        net.Listener
			says     string
			at       int // where the sender pauses; 0: at every byte
			received string
		}{
			{m.RPC(), preface + "settings", 1000, preface + "settings"},
			{m.RPC(), preface + "settings", 0, preface + "settings"},
			{m.RPC(), preface + "settings", 3, preface + "settings"},
			{m.Peers(), "rehearse-log/1\r\nhello", 1000, "hello"},
			{m.Peers(), "rehearse-log/1\r\nhello", 0, "hello"},
			{m.Peers(), "rehearse-log/1\r\nhello", 7, "hello"},
		} {
			conn, err := w.dial(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for i := range len(row.says) {
					if i == row.at || row.at == 0 {
						time.Sleep(time.Millisecond) // virtual
					}
					io.WriteString(conn, row.says[i:i+1])
				}
				conn.Close()
			}()
			got, err := row.l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(iotest.OneByteReader(got)); err != nil || string(b) != row.received {
				t.Errorf("%q came out as %q, %v", row.says, b, err)
			}
			got.Close()
		}
	})
}
