// A first look at the real service: whether it is there, and speaks as it is told it does.

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// probeTime is how long the service may take to say how it speaks.
const probeTime = 3 * time.Second

// tlsHandshake is the first byte of a client that speaks TLS (RFC 8446,
// section 5.1).
const tlsHandshake = 22

// http2Preface is how a client of HTTP/2 begins, with an empty SETTINGS frame
// behind it (RFC 9113, section 3.4).
var http2Preface = []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

var emptySettings = []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}

// A notThere is an error of a service that does not answer at all: it may
// come yet.
type notThere struct{ error }

func (e notThere) Unwrap() error { return e.error }

// probe connects to the service and returns why that will not do: a notThere,
// or what is wrong with how it is told to be called. What is neither HOST:PORT
// nor a socket of this machine is not looked at.
func probe(ctx context.Context, target string, secure *tls.Config) error {
	if _, _, err := net.SplitHostPort(target); err != nil && !isSocket(target) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var dialer net.Dialer
	network, address := place(target)
	c, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return notThere{fmt.Errorf("--to %s does not answer yet: %w", target, err)}
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if secure != nil {
		return probeTLS(ctx, c, target, secure)
	}
	return probePlain(ctx, c, target)
}

func probeTLS(ctx context.Context, c net.Conn, target string, secure *tls.Config) error {
	config := secure.Clone()
	config.NextProtos = []string{"h2"}
	if config.ServerName == "" {
		config.ServerName = hostOf(target)
	}
	s := tls.Client(c, config)
	err := s.HandshakeContext(ctx)
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain):
		return fmt.Errorf("--to %s does not speak TLS: leave --tls and certificates away", target)
	case errors.Is(err, io.EOF) || ctx.Err() != nil:
		return notThere{fmt.Errorf("--to %s does not answer to TLS: %w", target, err)}
	case err != nil:
		return fmt.Errorf("--to %s: %w%s", target, err, certificateAdvice(err))
	case s.ConnectionState().NegotiatedProtocol != "h2":
		return fmt.Errorf("--to %s does not offer HTTP/2 by TLS (ALPN h2), which gRPC needs", target)
	}
	if err := refusal(s); err != nil {
		return fmt.Errorf("--to %s takes no calls: %w%s", target, err, certificateAdvice(err))
	}
	return nil
}

// refusal waits for what a server says that wants a certificate: by TLS 1.3 it
// says so only after the handshake, or hangs up.
func refusal(s *tls.Conn) error {
	if _, err := s.Write(opening()); err != nil {
		return err
	}
	_, err := s.Read(make([]byte, 9))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return nil
	}
	return err
}

// opening is how a client begins to speak HTTP/2.
func opening() []byte { return append(bytes.Clone(http2Preface), emptySettings...) }

// certificateAdvice says what may be done about an error of TLS.
func certificateAdvice(err error) string {
	var unproved *tls.CertificateVerificationError
	if errors.As(err, &unproved) {
		return ": give --ca FILE to trust its authority, --server-name if it is known by another name, " +
			"or --insecure-skip-verify"
	}
	return ": give --cert and --key if it wants certificates of its clients"
}

func probePlain(ctx context.Context, c net.Conn, target string) error {
	first := make([]byte, 9)
	n, err := c.Write(opening())
	if err == nil {
		n, err = io.ReadFull(c, first)
	}
	switch {
	case err == nil && first[3] == emptySettings[3]:
		return nil
	case bytes.HasPrefix(first, []byte("HTTP/1")) && !speaksTLS(ctx, target):
		return fmt.Errorf("--to %s speaks HTTP/1.1: it is no gRPC service, or not by this port", target)
	case speaksTLS(ctx, target):
		return fmt.Errorf("--to %s speaks TLS: give --tls, or --ca FILE if its certificate is not a public one", target)
	case err != nil:
		return notThere{fmt.Errorf("--to %s does not answer as HTTP/2 does: %w", target, err)}
	}
	return fmt.Errorf("--to %s does not speak HTTP/2, which gRPC needs: it begins with %.9q", target, first[:n])
}

// speaksTLS tells whether a server answers to TLS: by its certificate, or by a
// refusal.
func speaksTLS(ctx context.Context, target string) bool {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	network, address := place(target)
	c, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		c.Close()
	}
	var op *net.OpError
	return err == nil || errors.As(err, &op) && op.Op == "remote error"
}
