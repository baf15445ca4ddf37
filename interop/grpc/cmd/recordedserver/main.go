// A server under test of the conformance suite: the real one behind a recording, or the recording alone.

// Command recordedserver is to connectconformance what the server is that it
// stands before:
//
//	recordedserver MODE DIR COMMAND...
//
// It starts the command, hands on what the suite asks of it, and answers with
// the address of a proxy that records into DIR. In mode none the command is
// not run: the recording answers. What the recording says at the end stands
// in a file beside it.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: recordedserver MODE DIR COMMAND...")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, grpcreplay.Mode(os.Args[1]), os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "recordedserver:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, mode grpcreplay.Mode, dir string, command []string) error {
	b, err := readMessage(os.Stdin)
	if err != nil {
		return fmt.Errorf("reading what the suite asks for: %w", err)
	}
	asked, err := parseRequest(b)
	if err != nil {
		return err
	}
	file, err := nextFile(dir, asked.kind(), string(mode))
	if err != nil {
		return err
	}
	c := grpcreplay.Config{File: file, Mode: mode, Listen: new(net.ListenConfig).Listen}
	if c.ListenTLS, err = asked.listenTLS(); err != nil {
		return err
	}
	if mode != grpcreplay.ModeNone {
		child, err := start(command, asked)
		if err != nil {
			return err
		}
		defer func() { _ = child.stop() }()
		c.Target, c.TLS = child.addr, child.tls
	}
	return serve(ctx, c, asked.cert)
}

// serve serves a recording until ctx ends, and writes into a file beside it
// what the recording says then.
func serve(ctx context.Context, c grpcreplay.Config, cert []byte) error {
	s, err := grpcreplay.New(c)
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddrPort(s.Addr())
	if err == nil {
		err = writeMessage(os.Stdout, response(addr.Addr().String(), addr.Port(), cert))
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	<-ctx.Done()
	said := ""
	if err := s.Close(); err != nil {
		said = err.Error()
	}
	return os.WriteFile(c.File+"."+string(c.Mode)+".log", []byte(said), 0o600)
}

// nextFile returns the file of the first recording of such a server that none
// in this mode has taken. The suite asks for one kind after another, each once
// for every client that it has.
func nextFile(dir, kind, mode string) (string, error) {
	for n := 1; ; n++ {
		file := filepath.Join(dir, fmt.Sprintf("%s-%d.journal", kind, n))
		err := os.Mkdir(file+"."+mode, 0o700)
		if !errors.Is(err, os.ErrExist) {
			return file, err
		}
	}
}

// kind names the kind of server that the suite asks for.
func (r *request) kind() string {
	switch {
	case len(r.clientCert) > 0:
		return "mtls"
	case r.useTLS:
		return "tls"
	}
	return "h2c"
}

// listenTLS returns how the proxy secures its socket; nil if it does not.
func (r *request) listenTLS() (*tls.Config, error) {
	if !r.useTLS {
		return nil, nil
	}
	cert, err := tls.X509KeyPair(r.cert, r.key)
	if err != nil {
		return nil, fmt.Errorf("the suite's certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}}
	if len(r.clientCert) > 0 {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs, err = pool(r.clientCert)
	}
	return c, err
}
