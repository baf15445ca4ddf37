// The certificates that the chart makes when nobody gives any.

package deploycheck

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	core "k8s.io/api/core/v1"
)

func TestTheChartMakesCertificatesThatHold(t *testing.T) {
	rendered, err := render("../../deploy/log/chart", Values{"tls": Values{"extraNames": []any{"*.example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]*core.Secret{}
	for name, text := range rendered {
		manifests, _ := decode(name, text)
		for _, m := range manifests {
			if s, ok := m.object.(*core.Secret); ok {
				secrets[s.Name] = s
			}
		}
	}
	holds(t, secrets["here-tls"], "peer",
		"here-2.here.there.svc.cluster.local", "here-client.there.svc", "a.example.com")
	holds(t, secrets["here-client"], "root")
	if key := secrets["here-gossip"].Data["gossip.key"]; len(key) != 44 {
		t.Errorf("the gossip key has %d characters; 32 bytes in base64 are 44", len(key))
	}
}

// holds fails unless a Secret's certificate is of that common name, signed by
// its authority, for the names, and for clients and servers.
func holds(t *testing.T, s *core.Secret, commonName string, names ...string) {
	t.Helper()
	pair, err := tls.X509KeyPair(s.Data["tls.crt"], s.Data["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	if got := pair.Leaf.Subject.CommonName; got != commonName {
		t.Errorf("%s: its common name is %q, want %q", s.Name, got, commonName)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Data["ca.crt"]) {
		t.Errorf("%s: no authority", s.Name)
	}
	for _, name := range append(names, "") {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
			want := x509.VerifyOptions{DNSName: name, Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}
			if _, err := pair.Leaf.Verify(want); err != nil {
				t.Errorf("%s, for %q: %v", s.Name, name, err)
			}
		}
	}
}
