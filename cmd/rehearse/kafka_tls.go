// Certificates of the stand-in: from files, or from an authority made at start.

package main

import (
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
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// tlsConfig returns what listeners that speak TLS use; nil if nothing is
// given.
func (c kafkaConfig) tlsConfig() (*tls.Config, error) {
	t := c.TLS
	switch {
	case t.SelfSigned != "" && (t.Cert != "" || t.Key != ""):
		return nil, errors.New("--tls-self-signed makes a certificate: leave --tls-cert and --tls-key away")
	case (t.Cert == "") != (t.Key == ""):
		return nil, errors.New("--tls-cert and --tls-key belong together")
	case t.ClientCA != "" && !t.given():
		return nil, errors.New("--tls-ca demands certificates of clients; the brokers need one too: " +
			"--tls-cert and --tls-key, or --tls-self-signed DIR")
	case !t.given():
		return nil, nil
	}
	certificate, err := c.certificate()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if t.ClientCA == "" {
		return config, nil
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.ClientCAs, err = readAuthorities(t.ClientCA)
	return config, err
}

func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, plainError(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: there is no PEM certificate in it", file)
	}
	return pool, nil
}

func (c kafkaConfig) certificate() (tls.Certificate, error) {
	if c.TLS.SelfSigned == "" {
		pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return pair, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", c.TLS.Cert, c.TLS.Key, plainError(err))
		}
		return pair, nil
	}
	return madeCertificate(c.TLS.SelfSigned, c.hosts())
}

// madeCertificate makes an authority, writes its ca.pem to a directory, and
// returns a certificate of it for these names and addresses.
func madeCertificate(dir string, hosts []string) (tls.Certificate, error) {
	a, err := newAuthority()
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return tls.Certificate{}, plainError(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	if err := os.WriteFile(authorityFile(dir), text, 0o600); err != nil {
		return tls.Certificate{}, plainError(err)
	}
	return a.issue(hosts)
}

// authorityFile returns the whole name of the file of an authority that was
// made at start.
func authorityFile(dir string) string {
	file := filepath.Join(dir, "ca.pem")
	if whole, err := filepath.Abs(file); err == nil {
		return whole
	}
	return file
}

// hosts are the names under which clients may know the brokers.
func (c kafkaConfig) hosts() []string {
	hosts := localHosts()
	for _, l := range slices.Concat(c.Listeners, c.Advertise) {
		if l.Host != "" && !slices.Contains(hosts, l.Host) {
			hosts = append(hosts, l.Host)
		}
	}
	return hosts
}

// localHosts are the names of this machine.
func localHosts() []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	return hosts
}

// An authority vouches for certificates. Its key is never written anywhere.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// certificateLife is how long certificates are valid that are made at start.
const certificateLife = 365 * 24 * time.Hour

func newAuthority() (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	form := &x509.Certificate{
		SerialNumber:          serialNumber(),
		Subject:               pkix.Name{CommonName: "rehearse, for tests only"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(certificateLife),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return authority{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	return authority{certificate, key}, err
}

// issue makes a certificate for names and addresses.
func (a authority) issue(hosts []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{CommonName: "rehearse"},
		NotBefore:    a.certificate.NotBefore,
		NotAfter:     a.certificate.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			form.IPAddresses = append(form.IPAddresses, ip)
		} else {
			form.DNSNames = append(form.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.certificate, key.Public(), a.key)
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}, err
}

func serialNumber() *big.Int {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return new(big.Int).SetBytes(b[:])
}
