// Certificate, key and authorities out of their files, held against each other.

package secure

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// A material is a certificate with its key, and those who may sign.
type material struct {
	cert tls.Certificate // with its Leaf
	pool *x509.CertPool
}

// parse returns what the contents of the certificate's, the key's and the
// authorities' files are, if they agree.
func (f Files) parse(contents [][]byte, now time.Time) (*material, error) {
	chain, err := certificates(f.Cert, contents[0])
	if err != nil {
		return nil, err
	}
	trusted, err := certificates(f.CA, contents[2])
	if err != nil {
		return nil, err
	}
	m := &material{pool: x509.NewCertPool()}
	for _, ca := range trusted {
		m.pool.AddCert(ca)
	}
	if m.cert, err = f.pair(contents[0], contents[1]); err != nil {
		return nil, err
	}
	m.cert.Leaf = chain[0]
	return m, f.check(m, chain, now)
}

// pair returns the certificate with its key.
func (f Files) pair(cert, key []byte) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err == nil {
		return pair, nil
	}
	if strings.Contains(string(key), "ENCRYPTED") {
		return pair, fmt.Errorf("%s: the key has a password; store it without one, readable by this user alone", f.Key)
	}
	why := strings.TrimPrefix(err.Error(), "tls: ")
	return pair, fmt.Errorf("%s: want the key of the certificate in %s: %s", f.Key, f.Cert, why)
}

// check holds the certificate against the clock and the authorities.
func (f Files) check(m *material, chain []*x509.Certificate, now time.Time) error {
	leaf := chain[0]
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("%s: the certificate of %q expired at %v, and it is %v; put a new one in its place",
			f.Cert, leaf.Subject.CommonName, leaf.NotAfter, now.UTC())
	}
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("%s: the certificate of %q does not hold before %v, and it is %v; is the clock right?",
			f.Cert, leaf.Subject.CommonName, leaf.NotBefore, now.UTC())
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: m.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "x509: ")
		return fmt.Errorf("%s: no authority in %s has signed the certificate of %q so that it holds now: %s",
			f.Cert, f.CA, leaf.Subject.CommonName, why)
	}
	return nil
}

// certificates returns those in a file, at least one.
func certificates(name string, contents []byte) (all []*x509.Certificate, err error) {
	rest := contents
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d cannot be read: %s",
				name, len(all)+1, strings.TrimPrefix(err.Error(), "x509: "))
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf(`%s: no certificate in it; want PEM, which begins "-----BEGIN CERTIFICATE-----"`, name)
	}
	return all, nil
}
