// Files of PEM, and the TLS configurations made of them.

package secure

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/rehearse-go/rehearse/commitlog/internal/files"
)

// Files names the files of PEM that mutual TLS needs.
type Files struct {
	Cert string // our certificate, then those between it and the authority, if any
	Key  string // its key, without a password
	CA   string // the authorities that we trust, and that have signed Cert
}

// Empty reports whether no file is named, which means no TLS.
func (f Files) Empty() bool { return f == Files{} }

// Config configures a [Source].
type Config struct {
	Files  Files            // what to read; no default, since trust must be chosen
	FS     files.FS         // what has the files; if nil, the operating system
	Now    func() time.Time // the clock that certificates are held against; if nil, time.Now
	Logger *slog.Logger     // told of changes, and of those that cannot be used; if nil, nobody
}

// A Source is what the files hold. When they have changed, and certificate,
// key and authorities agree, new handshakes use the new ones, within a second;
// connections that stand are left alone. Files that do not agree, as in the
// middle of an exchange, change nothing. It is safe for concurrent use.
type Source struct {
	now     func() time.Time
	logger  *slog.Logger
	name    string
	files   *files.Value[*material]
	expired atomic.Pointer[material] // of which it was told that it has expired
}

// Load reads the files. Its errors name the file that is to blame: one that
// cannot be read, or has no PEM of its kind, a certificate that has expired, a
// key of another certificate, an authority that has not signed it.
func Load(c Config) (*Source, error) {
	if missing := c.Files.missing(); len(missing) > 0 {
		return nil, errors.New("tls: no file is named for the " + strings.Join(missing, " and the ") +
			"; mutual TLS needs all of certificate, key and authorities")
	}
	s := &Source{now: c.Now, logger: c.Logger, name: c.Files.Cert}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	var err error
	s.files, err = files.Load(files.Config[*material]{
		Names: []string{c.Files.Cert, c.Files.Key, c.Files.CA},
		FS:    c.FS, Now: s.now, Logger: s.logger, What: "TLS certificates",
		Load: func(pem [][]byte) (*material, error) { return c.Files.parse(pem, s.now()) },
	})
	if err != nil {
		return nil, errors.New("tls: " + strings.TrimPrefix(err.Error(), "tls: "))
	}
	return s, nil
}

func (f Files) missing() (names []string) {
	if f.Cert == "" {
		names = append(names, "certificate")
	}
	if f.Key == "" {
		names = append(names, "key")
	}
	if f.CA == "" {
		names = append(names, "authorities (CA)")
	}
	return names
}

// present returns what the files hold now.
func (s *Source) present() *material {
	m := s.files.Get()
	if end := m.cert.Leaf.NotAfter; s.now().After(end) && s.expired.Swap(m) != m {
		s.logger.Error("our TLS certificate has expired, and others will refuse it; put a new one in its place",
			"file", s.name, "expired", end)
	}
	return m
}

// Server returns a configuration for servers, which stays up to date by
// itself. Clients must show a certificate of our authorities. next are the
// application protocols in the order of preference (ALPN).
//
// Sessions are not resumed: an authority that is no longer trusted, or a
// client that has lost its certificate, is out at its next connection.
func (s *Source) Server(next ...string) *tls.Config {
	next = slices.Clone(next)
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: next,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return s.config(next), nil
		},
	}
}

// Client returns a configuration for one connection to the named host, which
// must be in the server's certificate. Ask for another for the next one.
func (s *Source) Client(host string, next ...string) *tls.Config {
	c := s.config(slices.Clone(next))
	c.ServerName = host
	return c
}

func (s *Source) config(next []string) *tls.Config {
	m := s.present()
	return &tls.Config{
		Certificates:           []tls.Certificate{m.cert},
		RootCAs:                m.pool,
		ClientCAs:              m.pool,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		MinVersion:             tls.VersionTLS13,
		NextProtos:             next,
		SessionTicketsDisabled: true,
		Time:                   s.now,
	}
}

// Credentials returns what gRPC's servers and clients take, which stays up to
// date by itself.
func (s *Source) Credentials() credentials.TransportCredentials {
	return &grpcCredentials{source: s}
}

// grpcCredentials asks the source at each handshake.
type grpcCredentials struct {
	source *Source
	host   string // the server's name, instead of its authority's
}

func (g *grpcCredentials) now() credentials.TransportCredentials {
	return credentials.NewTLS(g.source.config(nil))
}

func (g *grpcCredentials) ClientHandshake(
	ctx context.Context, authority string, conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return g.now().ClientHandshake(ctx, cmp.Or(g.host, authority), conn)
}

func (g *grpcCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return g.now().ServerHandshake(conn)
}

func (g *grpcCredentials) Info() credentials.ProtocolInfo {
	info := credentials.NewTLS(nil).Info()
	//lint:ignore SA1019 gRPC reads it as long as OverrideServerName is there
	info.ServerName = g.host
	return info
}

func (g *grpcCredentials) Clone() credentials.TransportCredentials {
	c := *g
	return &c
}

func (g *grpcCredentials) OverrideServerName(host string) error {
	g.host = host
	return nil
}
