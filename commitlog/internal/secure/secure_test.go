// Handshakes out of files, changes of the files, and who is at the other end.

package secure_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog/certs"
	"github.com/rehearse-go/rehearse/commitlog/internal/secure"
)

var named = secure.Files{Cert: "n0.pem", Key: "n0-key.pem", CA: "ca.pem"}

// A disk is files in memory, written at the bubble's time.
type disk struct{ fstest.MapFS }

func (d disk) Stat(name string) (fs.FileInfo, error) { return d.MapFS.Stat(name) }
func (d disk) write(name string, body []byte) {
	d.MapFS[name] = &fstest.MapFile{Data: body, ModTime: time.Now()}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newAuthority() *certs.Authority { return must(certs.NewAuthority(certs.Config{})) }

// node returns a certificate of n0 and 127.0.0.1 that holds until end.
func node(ca *certs.Authority, end time.Time) certs.Pair {
	return must(ca.Issue(certs.Subject{
		CommonName: "peer", Hosts: []string{"n0", "127.0.0.1"}, NotAfter: end,
	}))
}

// newDisk has what n0 needs.
func newDisk(ca *certs.Authority) disk {
	d := disk{fstest.MapFS{}}
	cert, _ := ca.PEM()
	d.write(named.CA, cert)
	pair := node(ca, time.Time{})
	d.write(named.Cert, pair.CertPEM)
	d.write(named.Key, pair.KeyPEM)
	return d
}

// shake returns what both sides of a connection have seen, or the first error.
func shake(client, server *tls.Config) (c, s tls.ConnectionState, err error) {
	a, b := net.Pipe()
	defer a.Close()
	done := make(chan error, 1)
	tlsServer := tls.Server(b, server)
	go func() {
		defer b.Close()
		err := tlsServer.Handshake()
		if err == nil {
			_, err = tlsServer.Write([]byte{1})
		}
		done <- err
	}()
	tlsClient := tls.Client(a, client)
	_, err = tlsClient.Read(make([]byte, 1))
	a.Close()
	if serverErr := <-done; err == nil {
		err = serverErr
	}
	return tlsClient.ConnectionState(), tlsServer.ConnectionState(), err
}

func TestTwoNodesShakeHandsAndKnowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := must(secure.Load(secure.Config{Files: named, FS: newDisk(newAuthority())}))
		for _, host := range []string{"n0", "127.0.0.1"} {
			c, server, err := shake(s.Client(host, "ours", "h2"), s.Server("h2", "ours"))
			if err != nil {
				t.Fatal(err)
			}
			if c.NegotiatedProtocol != "h2" || c.Version != tls.VersionTLS13 {
				t.Errorf("protocol %q, version %x", c.NegotiatedProtocol, c.Version)
			}
			if name, err := secure.NameOf(server); name != "peer" || err != nil {
				t.Errorf("the client is %q, %v", name, err)
			}
			if name, err := secure.NameOf(c); name != "peer" || err != nil {
				t.Errorf("the server is %q, %v", name, err)
			}
		}
	})
}

func TestOthersAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, stranger := newAuthority(), newAuthority()
		s := must(secure.Load(secure.Config{Files: named, FS: newDisk(ca)}))
		other := must(secure.Load(secure.Config{Files: named, FS: newDisk(stranger)}))
		old := s.Client("n0")
		old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		for what, client := range map[string]*tls.Config{
			"another name":           s.Client("n1"),
			"another address":        s.Client("127.0.0.2"),
			"no name":                s.Client(""),
			"another authority":      other.Client("n0"),
			"no certificate":         {RootCAs: ca.Pool(), ServerName: "n0"},
			"a server's certificate": must(ca.ServerTLS("n0")),
			"TLS 1.2":                old,
		} {
			if client.ServerName == "" && what != "no name" {
				client.ServerName = "n0"
			}
			if _, _, err := shake(client, s.Server()); err == nil {
				t.Errorf("%s is let in", what)
			}
		}
	})
}

func TestChangedFilesAreUsedOnceTheyAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ca := newAuthority()
		d := newDisk(ca)
		s := must(secure.Load(secure.Config{
			Files: named, FS: d, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}))
		server := s.Server() // made once, as servers do
		expect := func(signer *certs.Authority, failures int) {
			t.Helper()
			time.Sleep(time.Second) // virtual
			if _, _, err := shake(s.Client("n0"), server); err != nil {
				t.Error(err)
			}
			client := must(signer.ClientTLS("root"))
			client.ServerName = "n0"
			if _, _, err := shake(client, server); err != nil {
				t.Errorf("a client of the authority in force: %v", err)
			}
			if got := strings.Count(log.String(), "level=ERROR"); got != failures {
				t.Errorf("%d failures were told, want %d:\n%s", got, failures, &log)
			}
		}
		expect(ca, 0)
		next := newAuthority()
		cert, _ := next.PEM()
		d.write(named.CA, cert)
		expect(ca, 1)
		pair := node(next, time.Time{})
		d.write(named.Cert, pair.CertPEM)
		expect(ca, 2)
		d.write(named.Key, pair.KeyPEM)
		expect(next, 2)
		client := must(ca.ClientTLS("root"))
		client.ServerName, client.InsecureSkipVerify = "n0", true
		if _, _, err := shake(client, server); err == nil {
			t.Error("a client of the authority that is gone is let in")
		}
	})
}

func TestACertificateThatExpiresInServiceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ca := newAuthority()
		d := newDisk(ca)
		pair := node(ca, time.Now().Add(time.Hour))
		d.write(named.Cert, pair.CertPEM)
		d.write(named.Key, pair.KeyPEM)
		s := must(secure.Load(secure.Config{
			Files: named, FS: d, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}))
		time.Sleep(2 * time.Hour) // virtual
		for range 3 {
			if _, _, err := shake(s.Client("n0"), s.Server()); err == nil {
				t.Error("an expired certificate is accepted")
			}
		}
		if got := strings.Count(log.String(), "has expired"); got != 1 {
			t.Errorf("told %d times, want once:\n%s", got, &log)
		}
	})
}

func TestWhatCannotBeUsedIsRefusedWithTheFilesName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority()
		_, caKey := ca.PEM()
		good := node(ca, time.Time{})
		expired := node(ca, time.Now().Add(-time.Minute))
		future := must(ca.Issue(certs.Subject{CommonName: "peer", NotBefore: time.Now().Add(time.Minute)}))
		foreign := node(newAuthority(), time.Time{})
		for _, c := range []struct {
			name      string
			cert, key []byte
			ca        []byte
			want      []string
		}{
			{"no PEM", []byte("hello"), nil, nil, []string{"n0.pem", "BEGIN CERTIFICATE"}},
			{"key for certificate", good.KeyPEM, nil, nil, []string{"n0.pem", "BEGIN CERTIFICATE"}},
			{"another's key", nil, caKey, nil, []string{"n0-key.pem", "n0.pem", "private key does not match"}},
			{"empty key", nil, []byte{}, nil, []string{"n0-key.pem", "n0.pem"}},
			{"a password", nil, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n"),
				nil, []string{"n0-key.pem", "password"}},
			{"expired", expired.CertPEM, expired.KeyPEM, nil, []string{"n0.pem", "expired at 1999-12-31"}},
			{"not yet", future.CertPEM, future.KeyPEM, nil, []string{"n0.pem", "does not hold before", "clock"}},
			{"another authority", foreign.CertPEM, foreign.KeyPEM, nil, []string{"n0.pem", "no authority in ca.pem"}},
			{"no authority", nil, nil, []byte("\n"), []string{"ca.pem", "no certificate"}},
			{"bad authority", nil, nil, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
				[]string{"ca.pem", "certificate 1"}},
		} {
			d := newDisk(ca)
			for name, body := range map[string][]byte{named.Cert: c.cert, named.Key: c.key, named.CA: c.ca} {
				if body != nil {
					d.write(name, body)
				}
			}
			_, err := secure.Load(secure.Config{Files: named, FS: d})
			for _, want := range append(c.want, "tls: ") {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %q", c.name, err, want)
				}
			}
		}
	})
}

func TestAMissingFileOrNameIsSaid(t *testing.T) {
	for _, f := range []secure.Files{{}, {Cert: "a"}, {Cert: "a", Key: "b"}, {Key: "b", CA: "c"}} {
		_, err := secure.Load(secure.Config{Files: f})
		if err == nil || !strings.Contains(err.Error(), "no file is named") {
			t.Errorf("%+v: %v", f, err)
		}
	}
	_, err := secure.Load(secure.Config{Files: named, FS: disk{fstest.MapFS{}}})
	if err == nil || !strings.Contains(err.Error(), "n0.pem") {
		t.Errorf("no files: %v", err)
	}
}

func TestWhoCallsIsKnownByAVerifiedCertificateOnly(t *testing.T) {
	leaf := func(name string) *x509.Certificate {
		cert := &x509.Certificate{}
		cert.Subject.CommonName = name
		return cert
	}
	with := func(info credentials.AuthInfo) context.Context {
		return peer.NewContext(t.Context(), &peer.Peer{AuthInfo: info})
	}
	verified := func(c *x509.Certificate) context.Context {
		return with(credentials.TLSInfo{State: tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{c}}}})
	}
	_, plain, err := insecure.NewCredentials().ServerHandshake(nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, ctx := range map[string]context.Context{
		"no call":        t.Context(),
		"no TLS":         with(nil),
		"plain":          with(plain),
		"no certificate": with(credentials.TLSInfo{}),
		"unverified": with(credentials.TLSInfo{State: tls.ConnectionState{
			PeerCertificates: []*x509.Certificate{leaf("root")},
		}}),
		"no name": verified(leaf("")),
	} {
		if name, err := secure.CommonName(ctx); status.Code(err) != codes.Unauthenticated || name != "" {
			t.Errorf("%s: %q, %v", what, name, err)
		}
	}
	if name, err := secure.CommonName(verified(leaf("root"))); name != "root" || err != nil {
		t.Errorf("root is %q, %v", name, err)
	}
}

func FuzzLoad(f *testing.F) {
	ca := newAuthority()
	cert, _ := ca.PEM()
	pair := node(ca, time.Time{})
	f.Add(pair.CertPEM, pair.KeyPEM, cert)
	f.Add(append(pair.CertPEM, cert...), pair.KeyPEM, append(cert, pair.CertPEM...))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), []byte{}, []byte("\n"))
	f.Fuzz(func(t *testing.T, cert, key, ca []byte) {
		d := disk{fstest.MapFS{}}
		d.write(named.Cert, cert)
		d.write(named.Key, key)
		d.write(named.CA, ca)
		s, err := secure.Load(secure.Config{Files: named, FS: d})
		if err == nil && s.Client("n0").Certificates[0].Leaf == nil {
			t.Error("loaded without a certificate")
		}
	})
}
