// Tests of rehearse log with certificates that do not hold, and of clients that are turned away.

package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/certs"
)

// issue writes a certificate that holds from one time to another, as seen from
// now.
func issue(t *testing.T, a *certs.Authority, name string, s certs.Subject) {
	t.Helper()
	pair, err := a.Issue(s)
	if err == nil {
		err = os.WriteFile(name+".pem", pair.CertPEM, 0o600)
	}
	if err == nil {
		err = os.WriteFile(name+"-key.pem", pair.KeyPEM, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// authorityIn is the authority of a directory that rehearse log certs made.
func authorityIn(t *testing.T, dir string) *certs.Authority {
	t.Helper()
	a, err := certsConfig{dir: dir}.authority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCertificatesThatDoNotHoldAreToldByName(t *testing.T) {
	c := newTLSCluster(t)
	c.start(t, "n0")
	a, now := authorityIn(t, c.certs), time.Now()
	hosts := []string{"127.0.0.1"}
	issue(t, a, filepath.Join(c.certs, "old"), certs.Subject{CommonName: "root", Hosts: hosts,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(-time.Minute)})
	issue(t, a, filepath.Join(c.certs, "early"), certs.Subject{CommonName: "root", NotBefore: now.Add(time.Hour)})
	strangers, err := certs.NewAuthority(certs.Config{Name: "strangers"})
	if err != nil {
		t.Fatal(err)
	}
	issue(t, strangers, filepath.Join(c.certs, "stranger"), certs.Subject{CommonName: "root"})
	ca, _ := strangers.PEM()
	if err := os.WriteFile(filepath.Join(c.certs, "strangers.pem"), ca, 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--addrs", c.nodes["n0"].address()}
	as := func(name string) []string {
		return append(append([]string{"produce", "x"}, c.files("", name)...), at...)
	}

	bad(t, exitUsage, `the certificate of "root" expired at`, as("old")...)
	bad(t, exitUsage, `the certificate of "root" does not hold before`, as("early")...)
	bad(t, exitDifferent, "does not take this certificate", as("stranger")...)
	bad(t, exitUsage, "private key does not match",
		append(as("root"), "--tls-key-file", filepath.Join(c.certs, "nobody-key.pem"))...)
	bad(t, exitDifferent, "shows a certificate that --tls-ca-file does not vouch for",
		append(as("root"), "--tls-ca-file", filepath.Join(c.certs, "strangers.pem"))...)
	bad(t, exitDifferent, "speaks TLS: give --tls-cert-file", append([]string{"servers"}, at...)...)

	serve := append([]string{"serve", "--bind-addr", "127.0.0.1:0", "--rpc-port", "0"}, c.flags("n1")...)
	old := filepath.Join(c.certs, "old")
	bad(t, exitUsage, `old.pem: the certificate of "root" expired at`,
		append(serve, "--server-tls-cert-file", old+".pem", "--server-tls-key-file", old+"-key.pem")...)
	bad(t, exitUsage, "no authority in "+filepath.Join(c.certs, "strangers.pem")+" has signed",
		append(serve, "--peer-tls-ca-file", filepath.Join(c.certs, "strangers.pem"))...)
	c.nodes["n0"].stop(t)
}

func TestWhoIsNoNodeIsNotTakenForOne(t *testing.T) {
	p := startNode(t, "--bootstrap", "--node-name", "n0", "--data-dir", t.TempDir(), "--health-addr", "127.0.0.1:0")
	c := newTLSCluster(t)
	tls := c.files("", "root")
	bad(t, exitDifferent, "is no node of a log: it does not speak HTTP/2",
		"produce", "x", "--addrs", p.ready["health"])
	bad(t, exitDifferent, "does not speak TLS: leave the --tls flags away",
		append([]string{"produce", "x", "--addrs", p.address()}, tls...)...)
	bad(t, exitDifferent, "as no node's --health-addr does", "health", "--health-addr", p.address())
	p.stop(t)

	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, command := range [][]string{{"produce", "x"}, {"consume"}, {"servers"}, {"status"}, {"watch"},
		{"wait", "--offset", "1"}, {"bench"}} {
		bad(t, exitDifferent, "no answer within --timeout 100ms: "+p.address()+" does not answer",
			append(command, "--timeout", "100ms", "--addrs", p.address())...)
	}
	bad(t, exitDifferent, "does not answer as a node does",
		"servers", "--timeout", "100ms", "--addrs", silent.Addr().String())
	bad(t, exitDifferent, "does not answer", "health", "--timeout", "100ms", "--health-addr", silent.Addr().String())
}
