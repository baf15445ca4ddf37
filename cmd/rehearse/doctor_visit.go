// One visit at one address: resolve, dial, secure, greet, log in.

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// The stages of a visit, in order. A visit that failed says at which.
type stage string

const (
	stageResolve stage = "resolve"
	stageDial    stage = "dial"
	stageTLS     stage = "tls"
	stageGreet   stage = "versions"
	stageLogin   stage = "login"
	stageAsk     stage = "metadata"
	stageDone    stage = ""
)

// A visit is what became of one.
type visit struct {
	address string
	failed  stage // stageDone if all went well
	err     error
	took    time.Duration // until the greeting was answered
	ips     []string
	version string // of Kafka, as a guess
	client  *kafkaClient
}

// call visits an address. The caller closes the visit's client, if it has one.
func (a access) call(ctx context.Context, address string) *visit {
	v := &visit{address: address}
	start := time.Now()
	defer func() {
		if v.took == 0 {
			v.took = time.Since(start)
		}
	}()
	host, _, _ := net.SplitHostPort(address) // the caller, or the broker, made it
	if v.ips, v.err = net.DefaultResolver.LookupHost(ctx, host); v.err != nil {
		return v.at(stageResolve)
	}
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, "tcp", address)
	if v.err = err; err != nil {
		return v.at(stageDial)
	}
	if nc, v.err = a.secure(ctx, nc, host); v.err != nil {
		return v.at(stageTLS)
	}
	v.client = newKafkaClient(ctx, nc)
	versions, err := v.client.greet()
	if v.err = err; err != nil {
		return v.at(stageGreet)
	}
	v.took = time.Since(start)
	v.version = guess(versions)
	switch {
	case a.user == "":
		return v
	case a.mechanism == "":
		return a.callWithBest(ctx, v)
	}
	if v.err = v.client.login(a); v.err != nil {
		return v.at(stageLogin)
	}
	return v
}

// callWithBest visits again with the best mechanism that is offered: a broker
// that was asked what it offers closes the connection.
func (a access) callWithBest(ctx context.Context, v *visit) *visit {
	offered, err := v.client.offered()
	best, known := best(offered)
	switch {
	case err != nil:
		v.err = &loginError{nil, err}
	case !known:
		v.err = &loginError{offered, errors.New("none of the mechanisms offered is known here")}
	}
	if v.err != nil {
		return v.at(stageLogin)
	}
	v.client.close()
	a.mechanism = best
	return a.call(ctx, v.address)
}

func (v *visit) at(s stage) *visit {
	v.failed = s
	return v
}

func (v *visit) close() {
	if v.client != nil {
		v.client.close()
	}
}

// secure speaks TLS, if the access does.
func (a access) secure(ctx context.Context, nc net.Conn, host string) (net.Conn, error) {
	if a.tls == nil {
		return nc, nil
	}
	config := a.tls.Clone()
	config.ServerName = host
	secured := tls.Client(nc, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secured, nil
}

// speaksKafka reports whether an address answers Kafka's greeting that way.
func (a access) speaksKafka(ctx context.Context, address string) bool {
	v := access{tls: a.tls}.call(ctx, address)
	defer v.close()
	return v.failed == stageDone
}

// whoAnswers says, in words, what listens at an address.
func whoAnswers(ctx context.Context, address string) string {
	v := access{}.call(ctx, reachable(address))
	defer v.close()
	var alien *alienError
	switch {
	case v.failed == stageDone:
		return "a Kafka broker answers there already (" + v.version + ")"
	case errors.As(v.err, &alien) && alien.speaks != "":
		return "something that speaks " + alien.speaks + " answers there"
	case v.failed == stageGreet && !errors.Is(v.err, io.EOF):
		return "something that does not speak Kafka listens there"
	}
	return "something else listens there"
}
