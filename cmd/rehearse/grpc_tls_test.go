// Tests of TLS on either side of a recording, and of what is said where it goes wrong.

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// papers are the files of an authority, a server's certificate and a client's.
type papers struct {
	dir                                      string
	ca, cert, key, clientCert, clientKey, no string // no is another authority
	pool                                     *x509.CertPool
	server, client                           tls.Certificate
}

func newPapers(t *testing.T) papers {
	t.Helper()
	dir := t.TempDir()
	a, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p := papers{dir: dir, pool: x509.NewCertPool()}
	p.pool.AddCert(a.certificate)
	p.ca = write(t, dir, "ca.pem", inPEM("CERTIFICATE", a.certificate.Raw))
	p.no = write(t, dir, "no.pem", inPEM("CERTIFICATE", other.certificate.Raw))
	p.cert, p.key, p.server = p.issue(t, a, "server", x509.ExtKeyUsageServerAuth)
	p.clientCert, p.clientKey, p.client = p.issue(t, a, "client", x509.ExtKeyUsageClientAuth)
	return p
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a certificate for 127.0.0.1 and pay.test, and writes it down.
func (p papers) issue(
	t *testing.T, a authority, name string, usage x509.ExtKeyUsage,
) (cert, key string, c tls.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: serialNumber(), NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		DNSNames: []string{"pay.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.certificate, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = write(t, p.dir, name+".pem", inPEM("CERTIFICATE", der))
	key = write(t, p.dir, name+".key", inPEM("EC PRIVATE KEY", secret))
	return cert, key, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func TestTheServiceIsCalledByTLS(t *testing.T) {
	p := newPapers(t)
	secure := &tls.Config{Certificates: []tls.Certificate{p.server}}
	strict := secure.Clone()
	strict.ClientCAs, strict.ClientAuth = p.pool, tls.RequireAndVerifyClientCert
	strict12 := strict.Clone()
	strict12.MaxVersion = tls.VersionTLS12
	plain := serveEcho(t, echo{})
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	securely := serveEcho(t, echo{}, grpc.Creds(credentials.NewTLS(secure)))
	strictly := serveEcho(t, echo{}, grpc.Creds(credentials.NewTLS(strict)))
	strictly12 := serveEcho(t, echo{}, grpc.Creds(credentials.NewTLS(strict12)))
	mine := []string{"--ca", p.ca, "--cert", p.clientCert, "--key", p.clientKey}
	file := filepath.Join(t.TempDir(), "a.journal")
	for _, c := range []struct {
		what, to string
		args     []string
		why      string // "" if all is well
	}{
		{"an authority", securely, []string{"--tls", "--ca", p.ca}, ""},
		{"an authority alone", securely, []string{"--ca", p.ca}, ""},
		{"another name", securely, []string{"--ca", p.ca, "--server-name", "pay.test"}, ""},
		{"no proof", securely, []string{"--insecure-skip-verify"}, ""},
		{"both show certificates", strictly, mine, ""},
		{"both show certificates, TLS 1.2", strictly12, mine, ""},
		{"in the clear", plain, nil, ""},
		{"in the clear to TLS", securely, nil, "speaks TLS: give --tls"},
		{"TLS to one in the clear", plain, []string{"--tls"}, "does not speak TLS: leave --tls and certificates away"},
		{"an authority that is not public", securely, []string{"--tls"}, "give --ca FILE to trust its authority"},
		{"another authority", securely, []string{"--ca", p.no}, "give --ca FILE to trust its authority"},
		{"a wrong name", securely, []string{"--ca", p.ca, "--server-name", "shop.test"}, "if it is known by another"},
		{"no certificate", strictly, []string{"--ca", p.ca}, "give --cert and --key if it wants cert"},
		{"no certificate, TLS 1.2", strictly12, []string{"--ca", p.ca}, "give --cert and --key if it wants cert"},
		{"no gRPC", web.Listener.Addr().String(), nil, "speaks HTTP/1.1: it is no gRPC service"},
		{"another's key", strictly, []string{"--cert", p.cert, "--key", p.clientKey}, "--cert " + p.cert},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.why != "" {
				refused(t, c.why, append([]string{"record", "--to", c.to, "-o", file}, c.args...)...)
				return
			}
			r := record(t, c.to, file, c.args...)
			if got := ask(t, dialGRPC(t, r.property("address"), nil), "one"); got != "one" {
				t.Errorf("the answer is %q", got)
			}
			r.end()
		})
	}
}

func TestProgramsCallByTLS(t *testing.T) {
	p := newPapers(t)
	recording := recorded(t, "one")
	known := &tls.Config{RootCAs: p.pool}
	shown := &tls.Config{RootCAs: p.pool, Certificates: []tls.Certificate{p.client}}
	pair := []string{"--listen-cert", p.cert, "--listen-key", p.key}
	for _, c := range []struct {
		what   string
		args   []string
		secure *tls.Config
		why    string // "" if all is well
	}{
		{"a certificate", pair, known, ""},
		{"both show certificates", append(pair, "--listen-client-ca", p.ca), shown, ""},
		{"no certificate", append(pair, "--listen-client-ca", p.ca), known, "Unavailable"},
		{"in the clear to TLS", pair, nil, "does not speak TLS, and this port does"},
		{"TLS to one in the clear", nil, known, "speaks TLS, and this port does not"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := replay(t, recording, append([]string{"--allow-unused"}, c.args...)...)
			got := ask(t, dialGRPC(t, r.property("address"), c.secure), "one")
			r.end()
			switch {
			case c.why == "" && got != "one":
				t.Errorf("the answer is %q", got)
			case c.why != "" && !strings.HasPrefix(got, "Unavailable"):
				t.Errorf("the answer is %q, want Unavailable", got)
			case c.why != "" && c.why != "Unavailable":
				r.says(c.why)
			}
		})
	}
}

func TestAnAuthorityIsMadeForPrograms(t *testing.T) {
	dir := t.TempDir()
	r := replay(t, recorded(t, "one"), "--listen-self-signed", dir)
	pool, err := readAuthorities(r.property("ca"))
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, dialGRPC(t, r.property("address"), &tls.Config{RootCAs: pool}), "one"); got != "one" {
		t.Errorf("the answer is %q", got)
	}
	r.end()
	if !strings.Contains(strings.Join(r.lines, "\n"), "grpcurl -cacert "+filepath.Join(dir, "ca.pem")) {
		t.Errorf("it prints %q", r.lines)
	}
}

func TestWhoSpeaksNoHTTP2IsTold(t *testing.T) {
	r := replay(t, recorded(t, "one"), "--allow-unused")
	c, err := net.Dial("tcp", r.property("address"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: pay.test\r\n\r\n")
	_, _ = io.Copy(io.Discard, c) // until it hangs up
	r.end()
	r.says(`does not begin as HTTP/2 does but with "GET / HTTP/1.1`)
}
