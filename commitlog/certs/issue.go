// What an authority signs: certificates of nodes and clients, and the TLS configurations they go into.

package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Peer is the common name of certificates of nodes that [Authority.PeerTLS]
// and [Authority.WriteDir] make. The default access rules let it replicate,
// and nothing else.
const Peer = "peer"

// A Subject is whom a certificate is for.
type Subject struct {
	CommonName string   // who it is, in access rules
	Hosts      []string // where it is reached: DNS names, "*.example.com", IP addresses; without ports

	// Client and Server say on which side of a connection it may be shown. If
	// neither is set, on both.
	Client, Server bool

	// NotBefore and NotAfter are when it holds; if zero, as long as its authority.
	NotBefore, NotAfter time.Time
}

// A Pair is a certificate with its key, parsed and as files hold it.
type Pair struct {
	Certificate tls.Certificate
	CertPEM     []byte
	KeyPEM      []byte // PKCS #8
}

// Issue makes a key and signs a certificate for it.
func (a *Authority) Issue(s Subject) (Pair, error) {
	form, err := a.form(s)
	if err != nil {
		return Pair{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("certs: no key for %q: %w", s.CommonName, err)
	}
	return sign(form, a.cert, key, a.key)
}

// form is a certificate for s, to be signed.
func (a *Authority) form(s Subject) (*x509.Certificate, error) {
	if s.CommonName == "" {
		return nil, errors.New("certs: Subject.CommonName is empty; it says who the holder is")
	}
	form := &x509.Certificate{
		Subject:               pkix.Name{CommonName: s.CommonName},
		NotBefore:             s.NotBefore,
		NotAfter:              s.NotAfter,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
	if form.NotBefore.IsZero() {
		form.NotBefore = a.cert.NotBefore
	}
	if form.NotAfter.IsZero() {
		form.NotAfter = a.cert.NotAfter
	}
	if !form.NotBefore.Before(form.NotAfter) {
		return nil, fmt.Errorf("certs: the certificate of %q would end at %v, not after it begins at %v",
			s.CommonName, form.NotAfter, form.NotBefore)
	}
	if s.Client || !s.Server {
		form.ExtKeyUsage = append(form.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if s.Server || !s.Client {
		form.ExtKeyUsage = append(form.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range s.Hosts {
		if err := addHost(form, host); err != nil {
			return nil, err
		}
	}
	return form, nil
}

// addHost adds a name or an address at which the holder is reached.
func addHost(form *x509.Certificate, host string) error {
	if ip := net.ParseIP(host); ip != nil {
		form.IPAddresses = append(form.IPAddresses, ip)
		return nil
	}
	if !isDNSName(strings.TrimPrefix(host, "*.")) {
		return fmt.Errorf(`certs: %q is no host; want a DNS name, "*." before one, or an IP address, without a port`, host)
	}
	form.DNSNames = append(form.DNSNames, host)
	return nil
}

// isDNSName knows names as resolvers take them, underscores included.
func isDNSName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
}

// ServerTLS returns what a server at the hosts needs: a new certificate, and
// the demand that clients show one of this authority. The certificate's common
// name is the first host, so there must be one.
func (a *Authority) ServerTLS(hosts ...string) (*tls.Config, error) {
	if len(hosts) == 0 {
		return nil, errors.New("certs: a server's certificate needs a host")
	}
	return a.config(Subject{CommonName: hosts[0], Hosts: hosts, Server: true})
}

// ClientTLS returns what a client of that common name needs: a new
// certificate, and trust in servers of this authority. Who dials by another
// name than the server's certificate holds sets ServerName.
func (a *Authority) ClientTLS(commonName string) (*tls.Config, error) {
	return a.config(Subject{CommonName: commonName, Client: true})
}

// PeerTLS returns what a node at the hosts needs on both sides of its
// connections to other nodes. Its common name is [Peer].
func (a *Authority) PeerTLS(hosts ...string) (*tls.Config, error) {
	return a.config(Subject{CommonName: Peer, Hosts: hosts})
}

func (a *Authority) config(s Subject) (*tls.Config, error) {
	pair, err := a.Issue(s)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair.Certificate},
		RootCAs:      a.Pool(),
		ClientCAs:    a.Pool(),
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}, nil
}
