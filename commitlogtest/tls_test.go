// Certificates that are wrong, change, or are shown at the wrong door.

package commitlogtest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/certs"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlogtest"
)

// authority loads the authority that has signed an agent's certificate.
func authority(t *testing.T, of agent.TLS) *certs.Authority {
	t.Helper()
	cert, err := os.ReadFile(of.CA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(strings.TrimSuffix(of.CA, ".pem") + "-key.pem")
	if err != nil {
		t.Fatal(err)
	}
	a, err := certs.LoadAuthority(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// secured runs a body on one agent, with its TLS files and their authority.
func secured(t *testing.T, config func(*agent.Config), body func(*testing.T, *agents, agent.TLS, *certs.Authority)) {
	t.Helper()
	var files agent.TLS
	commitlogtest.Run(t, commitlogtest.Config{
		Config: clustertest.Config{Nodes: 1},
		Agent: func(a *agent.Config, _ *clustertest.Env) {
			files = a.ServerTLS
			if config != nil {
				config(a)
			}
		},
	}, func(t *testing.T, c *agents) {
		c.Leader()
		body(t, c, files, authority(t, files))
	})
}

// produceAs produces as somebody, and gives up after some seconds of the bubble's.
func produceAs(t *testing.T, c *agents, config *tls.Config) error {
	t.Helper()
	it, err := client.New(client.Config{
		Addrs: []string{"n0:8400"}, Dial: c.Dial, TLS: config, Plaintext: config == nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = it.Produce(ctx, client.Record{Value: []byte("x")})
	return err
}

// shows is a client's TLS with a certificate for a subject.
func shows(t *testing.T, by, trusts *certs.Authority, s certs.Subject) *tls.Config {
	t.Helper()
	pair, err := by.Issue(s)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair.Certificate}, RootCAs: trusts.Pool()}
}

func TestWrongCertificatesAreRefusedWithWords(t *testing.T) {
	secured(t, nil, func(t *testing.T, c *agents, _ agent.TLS, ours *certs.Authority) {
		c.Produce("one")
		foreign, err := certs.NewAuthority(certs.Config{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		root := certs.Subject{CommonName: "root", Client: true}
		expired, early, server := root, root, root
		expired.NotBefore, expired.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(-time.Second)
		early.NotBefore, early.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		server.Client, server.Server, server.Hosts = false, true, []string{"root"}
		misled := shows(t, ours, ours, root)
		misled.ServerName = "elsewhere"
		for _, row := range []struct {
			name  string
			shows *tls.Config
			words string
		}{
			{"none", &tls.Config{RootCAs: ours.Pool()}, "certificate"},
			{"expired", shows(t, ours, ours, expired), "certificate"},
			{"not yet", shows(t, ours, ours, early), "certificate"},
			{"of another authority", shows(t, foreign, ours, root), "certificate"},
			{"a server's", shows(t, ours, ours, server), "certificate"},
			{"for a server that is not trusted", shows(t, ours, foreign, root), "unknown authority"},
			{"for another server", misled, "elsewhere"},
			{"plaintext", nil, ""},
		} {
			err := produceAs(t, c, row.shows)
			if err == nil || !strings.Contains(err.Error(), row.words) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		if err := produceAs(t, c, shows(t, ours, ours, root)); err != nil {
			t.Errorf("the right one: %v", err)
		}
		nobody := shows(t, ours, ours, certs.Subject{CommonName: "somebody", Client: true})
		err = produceAs(t, c, nobody)
		if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "somebody") {
			t.Errorf("somebody unknown: %v", err)
		}
	})
}

func TestASecureClientOfAPlainAgentIsTold(t *testing.T) {
	plain(t, 1, nil, func(t *testing.T, c *agents) {
		c.Produce("one")
		err := produceAs(t, c, &tls.Config{InsecureSkipVerify: true})
		if err == nil || !strings.Contains(err.Error(), "handshake failed") {
			t.Errorf("TLS to a plain port: %v", err)
		}
		c.Produce("two")
	})
}

func TestRulesAndCertificatesChangeWithoutARestart(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.csv")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	write(policy, "p, root, *, produce\np, peer, *, replicate\n")
	rules := func(a *agent.Config) { a.ACL.Policy = policy }
	secured(t, rules, func(t *testing.T, c *agents, files agent.TLS, ours *certs.Authority) {
		bob := shows(t, ours, ours, certs.Subject{CommonName: "bob", Client: true})
		if err := produceAs(t, c, bob); status.Code(err) != codes.PermissionDenied {
			t.Errorf("bob, before: %v", err)
		}
		write(policy, "p, root, *, produce\np, peer, *, replicate\np, bob, *, produce\n")
		time.Sleep(3 * time.Second) // virtual
		if err := produceAs(t, c, bob); err != nil {
			t.Errorf("bob, after: %v", err)
		}
		write(policy, "p, this is no policy\n")
		time.Sleep(3 * time.Second) // virtual
		if err := produceAs(t, c, bob); err != nil {
			t.Errorf("bob, after rules that are none: %v", err)
		}

		before := serverSerial(t, c, bob)
		pair, err := ours.Issue(certs.Subject{CommonName: "peer", Hosts: []string{"n0"}})
		if err != nil {
			t.Fatal(err)
		}
		write(files.Key, string(pair.KeyPEM))
		write(files.Cert, string(pair.CertPEM))
		time.Sleep(3 * time.Second) // virtual
		if after := serverSerial(t, c, bob); after == before || after != pair.Certificate.Leaf.SerialNumber.String() {
			t.Errorf("the certificate is %s, after it was replaced %s", before, after)
		}
		if err := produceAs(t, c, bob); err != nil {
			t.Errorf("bob, with the new certificate: %v", err)
		}
	})
}

func handshake(t *testing.T, c *agents, config *tls.Config, protocol string) *tls.Conn {
	t.Helper()
	ctx, cancel := minute()
	defer cancel()
	conn, err := c.Dial(ctx, "tcp", "n0:8400")
	if err != nil {
		t.Fatal(err)
	}
	config = config.Clone()
	config.ServerName, config.NextProtos = "n0", []string{protocol}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	return secure
}

func serverSerial(t *testing.T, c *agents, config *tls.Config) string {
	t.Helper()
	conn := handshake(t, c, config, "h2")
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// A client's certificate opens the door of clients alone.
func TestAClientIsNoNode(t *testing.T) {
	secured(t, nil, func(t *testing.T, c *agents, _ agent.TLS, ours *certs.Authority) {
		root := shows(t, ours, ours, certs.Subject{CommonName: "root", Client: true})
		conn := handshake(t, c, root, "rehearse-log")
		defer conn.Close()
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		said, err := io.ReadAll(io.LimitReader(conn, 1<<16))
		if errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(string(said), "root") {
			t.Errorf("a client at the door of nodes was told %q, %v", said, err)
		}
		awaitLog(c, c.Node(0), "root", "replicate")
		c.Produce("one")
	})
}

// Two nodes whose certificates come from another authority do not get in.
func TestANodeOfAnotherAuthorityIsNoNode(t *testing.T) {
	foreign := t.TempDir()
	other, err := certs.NewAuthority(certs.Config{Now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.WriteDir(foreign, []string{"n1"}, nil); err != nil {
		t.Fatal(err)
	}
	commitlogtest.Run(t, commitlogtest.Config{
		Config: clustertest.Config{Nodes: 2},
		Agent: func(a *agent.Config, e *clustertest.Env) {
			if e.Index() == 1 && e.Life() == 0 {
				a.ServerTLS = agent.TLS{
					Cert: filepath.Join(foreign, "n1.pem"), Key: filepath.Join(foreign, "n1-key.pem"),
					CA: filepath.Join(foreign, "ca.pem"),
				}
			}
		},
	}, func(t *testing.T, c *agents) {
		c.Produce("one")
		awaitLog(c, c.Node(0), "certificate")
		time.Sleep(10 * time.Second) // virtual
		if s := c.Node(1).Program().Node().Status(); s.Next != 0 || len(s.Members) != 0 {
			t.Errorf("it was let in: %+v", s)
		}
		c.Produce("two")
		c.Node(1).Restart()
		c.AwaitVoters(2)
		c.AwaitEverywhere("one", "two")
	})
}
