// Logins over the wire: SASL, tokens without headers, certificates, ACLs.

package kafkatest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// withUsers is a cluster whose only listener asks for a login.
func withUsers(mechanisms ...string) kafkatest.Config {
	return kafkatest.Config{
		Topics:    map[string]int{"orders": 1},
		Listeners: []kafkatest.Listener{{Mechanisms: mechanisms}},
		Users:     []kafkatest.User{{Name: "alice", Password: "secret"}, {Name: "admin", Password: "root"}},
	}
}

func handshake(mechanism string) *kmsg.SASLHandshakeRequest {
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Mechanism = mechanism
	return req
}

func token(text string) *kmsg.SASLAuthenticateRequest {
	req := kmsg.NewPtrSASLAuthenticateRequest()
	req.SASLAuthBytes = []byte(text)
	return req
}

// login logs in by PLAIN and returns the code of the answer.
func (c *client) login(name, password string) int16 {
	c.tb.Helper()
	if r := ask[*kmsg.SASLHandshakeResponse](c, handshake("PLAIN"), 1); r.ErrorCode != 0 {
		return r.ErrorCode
	}
	return ask[*kmsg.SASLAuthenticateResponse](c, token("\x00"+name+"\x00"+password), 2).ErrorCode
}

func TestWhoHasNotLoggedInIsNotServed(t *testing.T) {
	for _, scripted := range []bool{false, true} {
		config := withUsers("PLAIN")
		config.Scripted, config.Journal = scripted, new(journal.Journal)
		b := kafkatest.Start(t, config).Broker(0)
		b.Handle(kmsg.Metadata, b.AsLeader(nil))
		c := dial(t, b)
		ask[*kmsg.ApiVersionsResponse](c, kmsg.NewPtrApiVersionsRequest(), 3)
		c.send(metadata(), 9)
		c.wantClosed()
		late := dial(t, b)
		if code := late.login("alice", "secret"); code != 0 {
			t.Errorf("scripted %v: the login has code %d", scripted, code)
		}
		ask[*kmsg.MetadataResponse](late, metadata(), 9)
		bad := slices.Collect(journal.Select(config.Journal.Events(1),
			func(e journal.Event) bool { return e.Kind == "kafka.bad" }))
		if len(bad) != 1 {
			t.Errorf("scripted %v: the journal has %v", scripted, bad)
		}
	}
}

func TestAWrongPasswordIsRefusedAndTheConnectionClosed(t *testing.T) {
	c := dial(t, kafkatest.Start(t, withUsers("PLAIN")).Broker(0))
	if code := c.login("alice", "guess"); code != kerr.SaslAuthenticationFailed.Code {
		t.Errorf("code %d", code)
	}
	c.wantClosed()
}

func TestAMechanismThatIsNotOfferedIsRefusedWithThoseThatAre(t *testing.T) {
	c := dial(t, kafkatest.Start(t, withUsers("PLAIN", "SCRAM-SHA-256")).Broker(0))
	r := ask[*kmsg.SASLHandshakeResponse](c, handshake("SCRAM-SHA-512"), 1)
	if r.ErrorCode != kerr.UnsupportedSaslMechanism.Code ||
		!slices.Equal(r.SupportedMechanisms, []string{"PLAIN", "SCRAM-SHA-256"}) {
		t.Errorf("answered %+v", r)
	}
	c.wantClosed()
}

func TestTokensComeWithoutHeadersAfterTheOldHandshake(t *testing.T) {
	for _, scripted := range []bool{false, true} {
		config := withUsers("PLAIN")
		config.Scripted = scripted
		b := kafkatest.Start(t, config).Broker(0)
		b.Handle(kmsg.Metadata, b.AsLeader(nil))
		c := dial(t, b)
		ask[*kmsg.SASLHandshakeResponse](c, handshake("PLAIN"), 0)
		text := "\x00alice\x00secret"
		if _, err := c.nc.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
			t.Fatal(err)
		}
		if answer, err := wire.ReadFrame(c.in, 1<<20); err != nil || len(answer) != 0 {
			t.Fatalf("scripted %v: answered %q, %v", scripted, answer, err)
		}
		ask[*kmsg.MetadataResponse](c, metadata(), 9)
	}
}

func TestAFunctionOfTheTestsAnswersGSSAPI(t *testing.T) {
	config := withUsers("GSSAPI")
	var c *kafkatest.Cluster
	config.GSSAPI = func() kafkatest.TokenHandler {
		round := 0
		return func(token []byte) (answer []byte, done bool, principal string, err error) {
			c.Brokers() // no lock is held
			if round++; string(token) == "wrong" {
				return nil, false, "", errors.New("no such ticket")
			}
			return append([]byte("re:"), token...), round == 2, "bob", nil
		}
	}
	c = kafkatest.Start(t, config)
	principals := make(chan string, 1)
	c.Before(rule.Rule[kafkatest.Exchange, kafkatest.Verdict](func(e kafkatest.Exchange) (v kafkatest.Verdict, d bool) {
		if kafkatest.On(kmsg.Metadata)(e) {
			principals <- e.Principal
		}
		return v, false
	}))
	for _, version := range []int16{0, 1, 2} {
		b := dial(t, c.Broker(0))
		ask[*kmsg.SASLHandshakeResponse](b, handshake("GSSAPI"), 1)
		for _, text := range []string{"one", "two"} {
			r := ask[*kmsg.SASLAuthenticateResponse](b, token(text), version)
			if string(r.SASLAuthBytes) != "re:"+text || r.ErrorCode != 0 {
				t.Errorf("answered %+v", r)
			}
		}
		ask[*kmsg.MetadataResponse](b, metadata(), 9)
		if name := <-principals; name != "User:bob" {
			t.Errorf("logged in as %q", name)
		}
	}
	b := dial(t, c.Broker(0))
	ask[*kmsg.SASLHandshakeResponse](b, handshake("GSSAPI"), 1)
	r := ask[*kmsg.SASLAuthenticateResponse](b, token("wrong"), 2)
	if r.ErrorCode != kerr.SaslAuthenticationFailed.Code {
		t.Errorf("answered %+v", r)
	}
	b.wantClosed()
}

func TestAStrangersFrameIsBounded(t *testing.T) {
	c := dial(t, kafkatest.Start(t, withUsers("PLAIN")).Broker(0))
	if _, err := c.nc.Write([]byte{0, 8, 0, 1}); err != nil { // 512 KiB and a byte
		t.Fatal(err)
	}
	c.wantClosed()
}

func TestWhoMustLogInAgainIsCutOffUntilThen(t *testing.T) {
	config := withUsers("PLAIN")
	config.Settings = map[string]string{"connections.max.reauth.ms": "1"}
	b := kafkatest.Start(t, config).Broker(0)
	c := dial(t, b)
	ask[*kmsg.SASLHandshakeResponse](c, handshake("PLAIN"), 1)
	r := ask[*kmsg.SASLAuthenticateResponse](c, token("\x00alice\x00secret"), 2)
	if r.SessionLifetimeMillis != 1 {
		t.Errorf("a lifetime of %d ms, want 1", r.SessionLifetimeMillis)
	}
	<-time.After(2 * time.Millisecond)
	if code := c.login("alice", "secret"); code != 0 {
		t.Errorf("logging in again: code %d", code)
	}
	<-time.After(2 * time.Millisecond)
	c.send(metadata(), 9)
	c.wantClosed()
}

func TestWhatAPrincipalMayDoIsEnforced(t *testing.T) {
	config := withUsers("PLAIN")
	config.SuperUsers = []string{"User:admin"}
	cluster := kafkatest.Start(t, config)
	rows := map[string]int{"alice": 0, "admin": 1}
	for name, topics := range rows {
		c := dial(t, cluster.Broker(0))
		c.login(name, map[string]string{"alice": "secret", "admin": "root"}[name])
		if r := ask[*kmsg.MetadataResponse](c, metadata(), 9); len(r.Topics) != topics {
			t.Errorf("%s sees %d topics, want %d", name, len(r.Topics), topics)
		}
	}
}

// certificate makes a certificate for a name, signed by its parent or itself.
func certificate(t *testing.T, name pkix.Name, parent *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: name, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: parent == nil, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	issuer, signer := template, any(key)
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestACertificatesSubjectIsAPrincipal(t *testing.T) {
	ca := certificate(t, pkix.Name{CommonName: "ca"}, nil)
	server := certificate(t, pkix.Name{CommonName: "broker"}, ca)
	app := certificate(t, pkix.Name{CommonName: "app", Organization: []string{"Example"}}, ca)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	rows := []struct{ name, rules, want string }{
		{"by default", "DEFAULT", "User:CN=app,O=Example"},
		{"by a rule", "RULE:^CN=([a-z]+),.*$/$1/U,DEFAULT", "User:APP"},
		{"without a rule that matches", "RULE:^CN=nobody$/x/", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := kafkatest.Start(t, kafkatest.Config{
				Settings: map[string]string{"ssl.principal.mapping.rules": row.rules},
				Listeners: []kafkatest.Listener{{TLS: &tls.Config{
					Certificates: []tls.Certificate{*server}, ClientCAs: pool,
					ClientAuth: tls.RequireAndVerifyClientCert,
				}}},
			})
			principals := make(chan string, 1)
			c.Before(func(e kafkatest.Exchange) (v kafkatest.Verdict, decided bool) {
				principals <- e.Principal
				return v, false
			})
			nc, err := tls.Dial("tcp", c.Addr(), &tls.Config{
				RootCAs: pool, ServerName: "localhost", Certificates: []tls.Certificate{*app},
			})
			if err != nil {
				t.Fatal(err)
			}
			b := speak(t, nc)
			_, err = b.try(metadata(), 9)
			if row.want == "" {
				if err == nil {
					t.Error("a client that no rule knows was served")
				}
				return
			}
			if got := <-principals; err != nil || got != row.want {
				t.Errorf("principal %q, %v; want %q", got, err, row.want)
			}
		})
	}
}

func TestAListenersMechanismsArePossible(t *testing.T) {
	for _, mechanism := range []string{"GSSAPI", "plain", "OAUTHBEARER"} {
		if c, err := kafkatest.New(withUsers(mechanism)); err == nil {
			c.Close()
			t.Errorf("%s: taken", mechanism)
		}
	}
}

// tickets counts the session tickets that a server sends.
type tickets int

func (n *tickets) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (n *tickets) Put(string, *tls.ClientSessionState)        { *n++ }

func TestNothingComesUnaskedAfterAHandshake(t *testing.T) {
	ca := certificate(t, pkix.Name{CommonName: "ca"}, nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	own := &tls.Config{Certificates: []tls.Certificate{*certificate(t, pkix.Name{CommonName: "broker"}, ca)}}
	c := kafkatest.Start(t, kafkatest.Config{Listeners: []kafkatest.Listener{{TLS: own}}})
	var came tickets
	nc, err := tls.Dial("tcp", c.Addr(), &tls.Config{RootCAs: pool, ServerName: "localhost", ClientSessionCache: &came})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := speak(t, nc).try(metadata(), 9); err != nil {
		t.Fatal(err)
	}
	if came != 0 || own.SessionTicketsDisabled {
		t.Errorf("%d tickets came, and the Config's own TLS was changed: %v", came, own.SessionTicketsDisabled)
	}
}
