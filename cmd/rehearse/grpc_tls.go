// Certificates of either side of a recording: the real service's, and those programs meet.

package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// config returns how the real service is called; nil for HTTP/2 in the clear.
func (t callingTLS) config() (*tls.Config, error) {
	given := t.CA != "" || t.Cert != "" || t.Key != "" || t.ServerName != "" || isTrue(t.Insecure)
	switch {
	case t.On != nil && !*t.On && given:
		return nil, errors.New("--tls=false and certificates do not go together")
	case !isTrue(t.On) && !given:
		return nil, nil
	case (t.Cert == "") != (t.Key == ""):
		return nil, errors.New("--cert and --key belong together")
	case isTrue(t.Insecure) && t.CA != "":
		return nil, errors.New("--insecure-skip-verify asks for no proof, --ca says who gives it: take one of them")
	}
	config := &tls.Config{
		ServerName: t.ServerName, InsecureSkipVerify: isTrue(t.Insecure), MinVersion: tls.VersionTLS12,
	}
	if t.CA != "" {
		pool, err := readAuthorities(t.CA)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		config.RootCAs = pool
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("--cert %s, --key %s: %w", t.Cert, t.Key, plainError(err))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// config returns how programs are met that reach address; nil for HTTP/2 in the
// clear.
func (t servingTLS) config(address string) (*tls.Config, error) {
	switch {
	case t.SelfSigned != "" && (t.Cert != "" || t.Key != ""):
		return nil, errors.New("--listen-self-signed makes a certificate: leave --listen-cert and --listen-key away")
	case (t.Cert == "") != (t.Key == ""):
		return nil, errors.New("--listen-cert and --listen-key belong together")
	case t.ClientCA != "" && t.Cert == "" && t.SelfSigned == "":
		return nil, errors.New("--listen-client-ca demands certificates of programs; they must meet one too: " +
			"--listen-cert and --listen-key, or --listen-self-signed DIR")
	case t.Cert == "" && t.SelfSigned == "":
		return nil, nil
	}
	pair, err := t.certificate(address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if t.ClientCA != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if config.ClientCAs, err = readAuthorities(t.ClientCA); err != nil {
			return nil, fmt.Errorf("--listen-client-ca: %w", err)
		}
	}
	return config, nil
}

func (t servingTLS) certificate(address string) (tls.Certificate, error) {
	if t.SelfSigned != "" {
		host, _, _ := net.SplitHostPort(address)
		return madeCertificate(t.SelfSigned, append(localHosts(), cmp.Or(host, "localhost")))
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return pair, fmt.Errorf("--listen-cert %s, --listen-key %s: %w", t.Cert, t.Key, plainError(err))
	}
	return pair, nil
}
