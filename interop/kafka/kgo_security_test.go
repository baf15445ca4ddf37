// franz-go logs in and is authorized; a cluster with every way in.

package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A pki is an authority with the certificates it gave to localhost and to a
// client called alice, in memory and as files.
type pki struct {
	pool                  *x509.CertPool
	server, client        tls.Certificate
	ca, cert, key         string // files: the authority, and alice's
	serverCert, serverKey string
}

func newPKI(t testing.TB) *pki {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true,
		BasicConstraintsValid: true,
		NotBefore:             time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	must(t, err)
	signed, err := x509.ParseCertificate(der)
	must(t, err)
	p := &pki{pool: x509.NewCertPool()}
	p.pool.AddCert(signed)
	issue := func(name string, serial int64) tls.Certificate {
		c, err := issued(signed, key, name, serial)
		must(t, err)
		return c
	}
	p.server, p.client = issue("localhost", 2), issue("alice", 3)
	p.files(t, der)
	return p
}

func issued(by *x509.Certificate, with *ecdsa.PrivateKey, name string, serial int64) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: by.NotBefore, NotAfter: by.NotAfter, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, by, &key.PublicKey, with)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// files writes what a program of another language wants as files.
func (p *pki) files(t testing.TB, ca []byte) {
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	pair := func(name string, c tls.Certificate) (cert, key string) {
		der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		must(t, err)
		return write(name+".pem", "CERTIFICATE", c.Certificate[0]), write(name+".key", "PRIVATE KEY", der)
	}
	p.ca = write("ca.pem", "CERTIFICATE", ca)
	p.cert, p.key = pair("alice", p.client)
	p.serverCert, p.serverKey = pair("localhost", p.server)
}

// serverTLS is what a listener needs; mutual wants certificates of clients.
func (p *pki) serverTLS(mutual bool) *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{p.server}, ClientCAs: p.pool}
	if mutual {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config
}

// clientTLS is what alice needs.
func (p *pki) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: p.pool, Certificates: []tls.Certificate{p.client}}
}

// mechanisms are those that take a user and a password.
var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// guarded is a cluster with five ways in: PLAINTEXT, SSL, MTLS,
// SASL_PLAINTEXT and SASL_SSL.
func guarded(t testing.TB, p *pki, config kafkatest.Config) *kafkatest.Cluster {
	config.Users = append(config.Users, kafkatest.User{Name: "alice", Password: "secret"})
	config.Listeners = []kafkatest.Listener{
		{},
		{TLS: p.serverTLS(false)},
		{Name: "MTLS", TLS: p.serverTLS(true)},
		{Mechanisms: mechanisms},
		{TLS: p.serverTLS(false), Mechanisms: mechanisms},
	}
	return start(t, config)
}

// ways returns where a listener's clients begin.
func ways(c *kafkatest.Cluster, listener string) (addrs []string) {
	for _, b := range c.Brokers() {
		addrs = append(addrs, b.ListenerAddr(listener))
	}
	return addrs
}

// kgoMechanism is franz-go's form of a mechanism.
func kgoMechanism(name, user, password string) sasl.Mechanism {
	switch name {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	default:
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	}
}

func TestKgoComesInByEveryListener(t *testing.T) {
	p := newPKI(t)
	c := guarded(t, p, kafkatest.Config{Brokers: 3, Topics: map[string]int{"t": 3}})
	clientTLS := kgo.DialTLSConfig(&tls.Config{RootCAs: p.pool})
	mutual := kgo.DialTLSConfig(p.clientTLS())
	rows := map[string]struct {
		listener string
		opts     []kgo.Opt
	}{
		"plain":      {"PLAINTEXT", nil},
		"TLS":        {"SSL", []kgo.Opt{clientTLS}},
		"mutual TLS": {"MTLS", []kgo.Opt{mutual}},
	}
	for _, m := range mechanisms {
		login := kgo.SASL(kgoMechanism(m, "alice", "secret"))
		rows[m] = struct {
			listener string
			opts     []kgo.Opt
		}{"SASL_PLAINTEXT", []kgo.Opt{login}}
		rows[m+" over TLS"] = struct {
			listener string
			opts     []kgo.Opt
		}{"SASL_SSL", []kgo.Opt{login, clientTLS}}
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			client := newKgo(t, ways(c, row.listener), row.opts...)
			produceKgo(t, client, "t", texts(name, 10))
		})
	}
}

func TestKgoIsRefusedWithAWrongPassword(t *testing.T) {
	c := guarded(t, newPKI(t), kafkatest.Config{})
	for _, m := range mechanisms {
		client := newKgo(t, ways(c, "SASL_PLAINTEXT"), kgo.SASL(kgoMechanism(m, "alice", "wrong")))
		fails(t, m, client.Ping(soon(t)), kerr.SaslAuthenticationFailed)
	}
}

func TestKgoMayDoWhatItsACLsAllow(t *testing.T) {
	p := newPKI(t)
	c := guarded(t, p, kafkatest.Config{
		Brokers: 3, Topics: map[string]int{"open": 1, "shut": 1}, SuperUsers: []string{"User:ANONYMOUS"},
	})
	admin := newKadm(t, ways(c, "PLAINTEXT"))
	ctx := soon(t)
	allowed := kadm.NewACLs().Allow("User:alice").AllowHosts("*").Topics("open").
		Operations(kadm.OpWrite, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral)
	made, err := admin.CreateACLs(ctx, allowed)
	must(t, err)
	for _, r := range made {
		must(t, r.Err)
	}
	alice := newKgo(t, ways(c, "SASL_PLAINTEXT"), kgo.SASL(kgoMechanism("SCRAM-SHA-256", "alice", "secret")))
	produceKgo(t, alice, "open", []string{"v"})
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = alice.ProduceSync(short, kgo.StringRecord("v")).FirstErr()
	if err == nil {
		t.Error("a record without a topic was taken")
	}
	fails(t, "shut", alice.ProduceSync(short, &kgo.Record{Topic: "shut"}).FirstErr(), kerr.TopicAuthorizationFailed)

	described, err := admin.DescribeACLs(ctx, allowed)
	must(t, err)
	n := 0
	for _, d := range described {
		must(t, d.Err)
		n += len(d.Described)
	}
	equal(t, "ACLs", n, 2)
	deleted, err := admin.DeleteACLs(ctx, allowed)
	must(t, err)
	for _, d := range deleted {
		must(t, d.Err)
	}
	fails(t, "after", alice.ProduceSync(short, &kgo.Record{Topic: "open"}).FirstErr(), kerr.TopicAuthorizationFailed)
}

func TestKadmAddsAUserWhoCanThenLogIn(t *testing.T) {
	c := guarded(t, newPKI(t), kafkatest.Config{Topics: map[string]int{"t": 1}})
	admin := newKadm(t, ways(c, "PLAINTEXT"))
	done, err := admin.AlterUserSCRAMs(soon(t), nil, []kadm.UpsertSCRAM{
		{User: "bob", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "hidden"},
	})
	must(t, errors.Join(err, done.Error()))
	bob := kgo.SASL(kgoMechanism("SCRAM-SHA-512", "bob", "hidden"))
	produceKgo(t, newKgo(t, ways(c, "SASL_PLAINTEXT"), bob), "t", []string{"v"})
	users, err := admin.DescribeUserSCRAMs(soon(t))
	must(t, errors.Join(err, users.Error()))
	equal(t, "iterations", users["bob"].CredInfos[0].Iterations, 4096)
	done, err = admin.AlterUserSCRAMs(soon(t), []kadm.DeleteSCRAM{{User: "bob", Mechanism: kadm.ScramSha512}}, nil)
	must(t, errors.Join(err, done.Error()))
	fails(t, "without", newKgo(t, ways(c, "SASL_PLAINTEXT"), bob).Ping(soon(t)), kerr.SaslAuthenticationFailed)
}
