// What the clients of rehearse log have in common: where the nodes are, who asks, for how long.

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog/client"
)

// A clientConfig says how the log is reached. Its fields are flags, variables
// of the environment and rows of the documentation, by the same tags as those
// of nodeConfig.
type clientConfig struct {
	Addrs     []otherNode `yaml:"addrs" flag:"addrs" arg:"address"`
	Cert      string      `yaml:"tls-cert-file" flag:"tls-cert-file" arg:"file"`
	Key       string      `yaml:"tls-key-file" flag:"tls-key-file" arg:"file"`
	CA        string      `yaml:"tls-ca-file" flag:"tls-ca-file" arg:"file"`
	Plaintext *bool       `yaml:"plaintext" flag:"plaintext"`
	Timeout   span        `yaml:"timeout" flag:"timeout" arg:"duration"`
}

const (
	defaultAddr    = "127.0.0.1:8400"
	defaultTimeout = 10 * time.Second
)

// addClientFlags gives a command the flags of a client. What they do not say
// is what the environment says, once complete was called.
func addClientFlags(c *cobra.Command) *clientConfig {
	given := new(clientConfig)
	addFieldFlags(c, reflect.ValueOf(given).Elem(), logDocs)
	return given
}

// complete lays the flags above the environment, and checks what came of it.
func (c *clientConfig) complete() error {
	var all clientConfig
	if err := readVariables(&all); err != nil {
		return err
	}
	overlay(reflect.ValueOf(&all).Elem(), reflect.ValueOf(c).Elem())
	*c = all
	if len(c.Addrs) == 0 {
		c.Addrs = []otherNode{defaultAddr}
	}
	return nil
}

func (c *clientConfig) timeout() time.Duration { return cmp.Or(c.Timeout.duration(), defaultTimeout) }

func (c *clientConfig) addresses() (all []string) {
	for _, a := range c.Addrs {
		all = append(all, string(a))
	}
	return all
}

// A logClient is a client that knows why its last attempt failed.
type logClient struct {
	*client.Client
	config *clientConfig
	secure *tls.Config
}

// connect returns a client, after a look at the nodes: who speaks TLS where
// none is spoken, or shows a certificate that is not taken, is told at once.
func (c *clientConfig) connect(ctx context.Context) (*logClient, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	config := client.Config{
		Addrs: c.addresses(), TLS: secure, Plaintext: isTrue(c.Plaintext), Logger: slog.New(slog.DiscardHandler),
	}
	cl, err := client.New(config)
	if err != nil {
		return nil, &fileError{clientWords.Replace(err.Error()), err}
	}
	l := &logClient{cl, c, secure}
	if err := l.look(ctx); err != nil && !errors.As(err, new(notThere)) {
		return nil, &brokenError{errors.Join(err, cl.Close())}
	}
	return l, nil
}

// A brokenError is that of a log that is not as it should be, or not reached:
// the command line is not to blame.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// tls returns how nodes are spoken to; nil is in the clear.
func (c *clientConfig) tls() (*tls.Config, error) {
	if c.Cert == "" && c.Key == "" && c.CA == "" {
		return nil, nil
	}
	if c.Cert == "" || c.Key == "" || c.CA == "" {
		return nil, errors.New("--tls-cert-file, --tls-key-file and --tls-ca-file belong together: give all three")
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert-file %s, --tls-key-file %s: %w", c.Cert, c.Key, plainError(err))
	}
	leaf := pair.Leaf
	switch now := time.Now(); {
	case now.After(leaf.NotAfter):
		return nil, fmt.Errorf("--tls-cert-file %s: the certificate of %q expired at %v; put a new one in its place",
			c.Cert, leaf.Subject.CommonName, leaf.NotAfter)
	case now.Before(leaf.NotBefore):
		return nil, fmt.Errorf("--tls-cert-file %s: the certificate of %q does not hold before %v; is the clock right?",
			c.Cert, leaf.Subject.CommonName, leaf.NotBefore)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	if config.RootCAs, err = readAuthorities(c.CA); err != nil {
		return nil, fmt.Errorf("--tls-ca-file %w", err)
	}
	return config, nil
}

// look looks at each node that was named, until one is as it should be. It
// returns what is wrong with the last of the others; notThere if they may come
// yet.
func (l *logClient) look(ctx context.Context) error {
	var late, wrong error
	for _, address := range l.config.addresses() {
		err := lookAt(ctx, address, l.secure)
		switch {
		case err == nil:
			return nil
		case errors.As(err, new(notThere)):
			late = err
		default:
			wrong = err
		}
	}
	return cmp.Or(late, wrong)
}

// lookAt returns why a node cannot be called; a notThere if it may come yet.
func lookAt(ctx context.Context, address string, secure *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return notThere{fmt.Errorf("%s does not answer: %w", address, err)}
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if secure != nil {
		return lookTLS(ctx, c, address, secure)
	}
	err = probePlain(ctx, c, address)
	switch {
	case err == nil:
		return nil
	case speaksTLS(ctx, address):
		return fmt.Errorf("%s speaks TLS: give --tls-cert-file, --tls-key-file and --tls-ca-file", address)
	case errors.As(err, new(notThere)):
		return notThere{fmt.Errorf("%s does not answer as a node does: %w", address, err)}
	}
	return fmt.Errorf("%s is no node of a log: it does not speak HTTP/2, which gRPC needs", address)
}

func lookTLS(ctx context.Context, c net.Conn, address string, secure *tls.Config) error {
	config := secure.Clone()
	config.NextProtos, config.ServerName = []string{"h2"}, hostOf(address)
	s := tls.Client(c, config)
	err := s.HandshakeContext(ctx)
	var plain tls.RecordHeaderError
	var unproved *tls.CertificateVerificationError
	switch {
	case errors.As(err, &plain):
		return fmt.Errorf("%s does not speak TLS: leave the --tls flags away", address)
	case errors.As(err, &unproved):
		return fmt.Errorf("%s shows a certificate that --tls-ca-file does not vouch for: %w", address, unproved.Err)
	case err != nil && ctx.Err() == nil && isAlert(err):
		return fmt.Errorf("%s does not take this certificate: %w; is it of the cluster's authority?", address, err)
	case err != nil && lookAt(ctx, address, nil) == nil:
		return fmt.Errorf("%s does not speak TLS: leave the --tls flags away", address)
	case err != nil:
		return notThere{fmt.Errorf("%s does not answer to TLS: %w", address, err)}
	}
	err = refusal(s)
	switch {
	case err == nil:
		return nil
	case isAlert(err):
		return fmt.Errorf("%s does not take this certificate: %w; is it of the cluster's authority?", address, err)
	}
	return notThere{fmt.Errorf("%s does not answer: %w", address, err)}
}

// isAlert holds for what the other end says of TLS.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
