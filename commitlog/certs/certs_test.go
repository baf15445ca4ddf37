// Certificates that hold, that do not, and the directory of a try-out.

package certs_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/certs"
)

var y2k = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// shake has a client and a server shake hands, and returns what each says.
func shake(client, server *tls.Config) (clientErr, serverErr error) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		s := tls.Server(b, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte{1})
		}
		b.Close()
		done <- err
	}()
	c := tls.Client(a, client)
	_, clientErr = c.Read(make([]byte, 1)) // with TLS 1.3 a refusal comes after the handshake
	a.Close()
	return clientErr, <-done
}

func to(c *tls.Config, host string) *tls.Config {
	c = c.Clone()
	c.ServerName = host
	return c
}

func TestServersClientsAndPeersOfOneAuthorityTrustEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock begins at y2k
		ca := must(certs.NewAuthority(certs.Config{}))
		server := must(ca.ServerTLS("n0", "*.example.com", "127.0.0.1", "::1"))
		client := must(ca.ClientTLS("root"))
		other := must(certs.NewAuthority(certs.Config{}))
		peer := must(ca.PeerTLS("n0"))
		for _, host := range []string{"n0", "n7.example.com", "127.0.0.1", "::1"} {
			if c, s := shake(to(client, host), server); c != nil || s != nil {
				t.Errorf("client at %s: %v, %v", host, c, s)
			}
		}
		if c, s := shake(to(peer, "n0"), peer); c != nil || s != nil {
			t.Errorf("peer: %v, %v", c, s)
		}
		for what, pair := range map[string][2]*tls.Config{
			"another host":               {to(client, "n1"), server},
			"a label too many":           {to(client, "a.b.example.com"), server},
			"a client for a server":      {to(client, "n0"), client},
			"a server for a client":      {to(server, "n0"), server},
			"no certificate":             {{RootCAs: ca.Pool(), ServerName: "n0"}, server},
			"another authority's client": {to(must(other.ClientTLS("root")), "n0"), server},
		} {
			if c, s := shake(pair[0], pair[1]); c == nil && s == nil {
				t.Errorf("%s is accepted", what)
			}
		}
	})
}

func TestACertificateHoldsWhenItSays(t *testing.T) {
	ca := must(certs.NewAuthority(certs.Config{Now: y2k, Valid: 24 * time.Hour}))
	for _, c := range []struct {
		name    string
		subject certs.Subject
		at      time.Time
		holds   bool
	}{
		{"at once", certs.Subject{}, y2k, true},
		{"where the clock is slow", certs.Subject{}, y2k.Add(-time.Hour), true},
		{"before", certs.Subject{}, y2k.Add(-2 * time.Hour), false},
		{"on the last day", certs.Subject{}, y2k.Add(23 * time.Hour), true},
		{"after", certs.Subject{}, y2k.Add(25 * time.Hour), false},
		{"expired", certs.Subject{NotAfter: y2k.Add(-time.Minute)}, y2k, false},
		{"not yet", certs.Subject{NotBefore: y2k.Add(time.Minute)}, y2k, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.subject.CommonName = "root"
			leaf := must(ca.Issue(c.subject)).Certificate.Leaf
			_, err := leaf.Verify(x509.VerifyOptions{
				Roots: ca.Pool(), CurrentTime: c.at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			})
			if (err == nil) != c.holds {
				t.Errorf("Verify: %v, want it to hold: %v", err, c.holds)
			}
		})
	}
}

func TestWhatCannotBeIssuedIsRefusedByName(t *testing.T) {
	ca := must(certs.NewAuthority(certs.Config{Now: y2k}))
	for _, c := range []struct {
		subject certs.Subject
		want    string
	}{
		{certs.Subject{}, "CommonName is empty"},
		{certs.Subject{CommonName: "a", Hosts: []string{"n0:8400"}}, `"n0:8400" is no host`},
		{certs.Subject{CommonName: "a", Hosts: []string{""}}, `"" is no host`},
		{certs.Subject{CommonName: "a", Hosts: []string{"a..b"}}, `"a..b" is no host`},
		{certs.Subject{CommonName: "a", Hosts: []string{"a.*.b"}}, `"a.*.b" is no host`},
		{certs.Subject{CommonName: "a", Hosts: []string{"*"}}, `"*" is no host`},
		{certs.Subject{CommonName: "a", Hosts: []string{"../x"}}, `"../x" is no host`},
		{certs.Subject{CommonName: "a", NotBefore: y2k, NotAfter: y2k}, "would end"},
	} {
		if _, err := ca.Issue(c.subject); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.subject, err, c.want)
		}
	}
	if _, err := certs.NewAuthority(certs.Config{Valid: -1}); err == nil {
		t.Error("an authority of negative validity is made")
	}
	if _, err := ca.ServerTLS(); err == nil {
		t.Error("a server without a host has a certificate")
	}
}

func TestALoadedAuthoritySignsMore(t *testing.T) {
	ca := must(certs.NewAuthority(certs.Config{Now: y2k}))
	again := must(certs.LoadAuthority(ca.PEM()))
	leaf := must(again.Issue(certs.Subject{CommonName: "late"})).Certificate.Leaf
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: ca.Pool(), CurrentTime: y2k, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		t.Error(err)
	}

	cert, key := ca.PEM()
	other := must(certs.NewAuthority(certs.Config{Now: y2k}))
	_, otherKey := other.PEM()
	holder := must(ca.Issue(certs.Subject{CommonName: "root"}))
	for what, pair := range map[string][2][]byte{
		"nothing":                       {},
		"no PEM":                        {[]byte("hello"), key},
		"another's key":                 {cert, otherKey},
		"a holder, not a signer":        {holder.CertPEM, holder.KeyPEM},
		"key and certificate exchanged": {key, cert},
	} {
		if _, err := certs.LoadAuthority(pair[0], pair[1]); err == nil || !strings.HasPrefix(err.Error(), "certs: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestADirectoryIsNeverWrittenOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	ca := must(certs.NewAuthority(certs.Config{}))
	if err := ca.WriteDir(dir, []string{"*.example.com", "::1,localhost"}, []string{"root"}); err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"ca", "_.example.com", "__1", "root"} {
		cert, key := filepath.Join(dir, base+".pem"), filepath.Join(dir, base+"-key.pem")
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			t.Error(err)
		}
		if info := must(os.Stat(key)); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", key, info.Mode())
		}
	}
	before := must(os.ReadFile(filepath.Join(dir, "root.pem")))
	err := ca.WriteDir(dir, []string{"n9"}, []string{"root"})
	if err == nil || !strings.Contains(err.Error(), "root.pem") {
		t.Errorf("writing over: %v", err)
	}
	if !bytes.Equal(before, must(os.ReadFile(filepath.Join(dir, "root.pem")))) {
		t.Error("a certificate was written over")
	}
	if _, err := os.Stat(filepath.Join(dir, "n9.pem")); err == nil {
		t.Error("something was written although not all could be")
	}
	if err := ca.WriteDir(dir, []string{"n9"}, nil); err != nil {
		t.Errorf("adding a host: %v", err)
	}
	other := must(certs.NewAuthority(certs.Config{}))
	if err := other.WriteDir(dir, []string{"n10"}, nil); err == nil || !strings.Contains(err.Error(), "ca.pem") {
		t.Errorf("another authority: %v", err)
	}
}

func TestNamesThatCannotBeFilesAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	ca := must(certs.NewAuthority(certs.Config{}))
	for _, c := range []struct{ hosts, clients []string }{
		{clients: []string{"../root"}},
		{clients: []string{""}},
		{clients: []string{"peer"}},
		{clients: []string{"ca"}},
		{clients: []string{"root", "ROOT"}},
		{hosts: []string{"n0,"}},
		{hosts: []string{"n0/.."}},
		{hosts: []string{"n0"}, clients: []string{"n0"}},
	} {
		if err := ca.WriteDir(dir, c.hosts, c.clients); err == nil {
			t.Errorf("%q is written", c)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was written")
	}
}

func FuzzLoadAuthority(f *testing.F) {
	ca := must(certs.NewAuthority(certs.Config{}))
	cert, key := ca.PEM()
	f.Add(cert, key)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), []byte("hello"))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		a, err := certs.LoadAuthority(cert, key)
		if err != nil {
			return
		}
		if pair, err := a.Issue(certs.Subject{CommonName: "root"}); err == nil && pair.Certificate.Leaf == nil {
			t.Error("a certificate without contents")
		}
	})
}
