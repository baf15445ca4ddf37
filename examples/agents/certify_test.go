// Certificates for the agents and their clients, made on the clock that the test has.

package agents_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// An authority signs certificates that hold for a day from now.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority() *authority {
	a := &authority{key: newKey(), pool: x509.NewCertPool()}
	form := certificateOf("authority")
	form.IsCA, form.KeyUsage = true, x509.KeyUsageCertSign
	a.cert = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, form, form, &a.key.PublicKey, a.key))))
	a.pool.AddCert(a.cert)
	return a
}

// certify returns what the named host shows, and whom it trusts, as a server
// and as a client.
func (a *authority) certify(name string) *tls.Config {
	key := newKey()
	der := must(x509.CreateCertificate(rand.Reader, certificateOf(name), a.cert, &key.PublicKey, a.key))
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

// certificateOf is a certificate for a name, to be signed.
func certificateOf(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
