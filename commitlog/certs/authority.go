// The authority: made, loaded, and what it trusts.

package certs

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// A Config describes an [Authority]. The zero Config is one for a year.
type Config struct {
	Name  string        // its common name, which only people read; if "", "commitlog try-out authority"
	Now   time.Time     // the present, so that tests choose theirs; if zero, time.Now
	Valid time.Duration // how long from Now it holds; if 0, 365 days
}

// slack is how far before Config.Now an authority begins to hold, since the
// clocks of several machines differ.
const slack = time.Hour

// An Authority signs certificates. It may be used from several goroutines.
type Authority struct {
	cert    *x509.Certificate
	key     crypto.Signer
	certPEM []byte
	keyPEM  []byte
}

// NewAuthority makes a key and a certificate of its own for it. The
// certificate holds from an hour before c.Now. It may sign certificates of
// holders, not of further authorities.
func NewAuthority(c Config) (*Authority, error) {
	if c.Valid < 0 {
		return nil, fmt.Errorf("certs: Config.Valid is %v; it must be positive, or 0 for 365 days", c.Valid)
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	form := &x509.Certificate{
		Subject:               pkix.Name{CommonName: cmp.Or(c.Name, "commitlog try-out authority")},
		NotBefore:             c.Now.Add(-slack),
		NotAfter:              c.Now.Add(cmp.Or(c.Valid, 365*24*time.Hour)),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certs: no key for the authority: %w", err)
	}
	pair, err := sign(form, form, key, key)
	if err != nil {
		return nil, err
	}
	return LoadAuthority(pair.CertPEM, pair.KeyPEM)
}

// LoadAuthority returns the authority whose certificate and key
// [Authority.PEM] returned or [Authority.WriteDir] wrote, to sign more. Any
// authority will do whose key is in the file without a password.
func LoadAuthority(certPEM, keyPEM []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certs: certificate and key of the authority: %w", err)
	}
	if !pair.Leaf.IsCA {
		return nil, fmt.Errorf("certs: the certificate of %q is none of an authority; use the one in ca.pem",
			pair.Leaf.Subject.CommonName)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("certs: the authority's key cannot sign")
	}
	return &Authority{cert: pair.Leaf, key: key, certPEM: certPEM, keyPEM: keyPEM}, nil
}

// PEM returns the authority's certificate and its key, each as a PEM block.
func (a *Authority) PEM() (certPEM, keyPEM []byte) { return a.certPEM, a.keyPEM }

// Pool returns a new pool that holds this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// sign returns the certificate that form describes, of key, signed by parent.
func sign(form, parent *x509.Certificate, key *ecdsa.PrivateKey, by crypto.Signer) (Pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Pair{}, fmt.Errorf("certs: no serial number: %w", err)
	}
	form.SerialNumber = serial.Add(serial, big.NewInt(1)) // RFC 5280, 4.1.2.2: positive
	der, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), by)
	if err != nil {
		return Pair{}, fmt.Errorf("certs: the certificate of %q: %w", form.Subject.CommonName, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("certs: the key of %q: %w", form.Subject.CommonName, err)
	}
	p := Pair{
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}
	p.Certificate, err = tls.X509KeyPair(p.CertPEM, p.KeyPEM)
	return p, err
}
