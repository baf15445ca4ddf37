// The listener of a recording: it tells whose client speaks the wrong language.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// A hearing listens where programs reach a recording, and looks at how each
// connection begins: the error that a client gets of the wrong one seldom says
// what is wrong.
type hearing struct {
	secure bool // TLS is spoken
	tell   func(format string, args ...any)
	told   sync.Map // what was told already
}

// listen opens the listener: net.ListenConfig.Listen's shape.
func (h *hearing) listen(ctx context.Context, network, address string) (net.Listener, error) {
	if isSocket(address) {
		return h.listenSocket(ctx, address)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, network, address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--listen %s is taken: stop what listens there, or choose another port; port 0 takes a "+
			"free one", address)
	}
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", address, err)
	}
	return &hearingListener{l, h, l.Addr()}, nil
}

// listenSocket opens a listener at a socket of this machine.
func (h *hearing) listenSocket(ctx context.Context, target string) (net.Listener, error) {
	var config net.ListenConfig
	network, path := place(target)
	l, err := config.Listen(ctx, network, path)
	if errors.Is(err, syscall.EADDRINUSE) && clearSocket(path) {
		l, err = config.Listen(ctx, network, path)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--listen %s is taken: stop what listens there, or choose another path", target)
	}
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", target, err)
	}
	return &hearingListener{l, h, wholeSocket(target)}, nil
}

type hearingListener struct {
	net.Listener
	hearing *hearing
	addr    net.Addr
}

// Addr is where programs reach it.
func (l *hearingListener) Addr() net.Addr { return l.addr }

// Accept accepts a connection whose beginning is looked at.
func (l *hearingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &heard{Conn: c, hearing: l.hearing}, nil
}

// heard is a connection until its first bytes have been read. Only gRPC's
// transport reads it, from one goroutine.
type heard struct {
	net.Conn
	hearing *hearing
	begun   bool
}

func (c *heard) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.begun && n > 0 {
		c.begun = true
		c.hearing.judge(c.RemoteAddr(), b[:n])
	}
	return n, err
}

// judge tells, once for each reason, why a connection that begins so will not
// do.
func (h *hearing) judge(from net.Addr, first []byte) {
	why := ""
	isTLS := first[0] == tlsHandshake
	isHTTP2 := bytes.HasPrefix(http2Preface, first[:min(len(first), len(http2Preface))])
	switch {
	case isTLS && !h.secure:
		why = "speaks TLS, and this port does not: have it connect in the clear, or give --listen-cert and " +
			"--listen-key, or --listen-self-signed DIR"
	case isTLS || isHTTP2 && !h.secure:
		return
	case h.secure:
		why = "does not speak TLS, and this port does: have it use TLS, or leave --listen-cert away"
	default:
		why = fmt.Sprintf("does not begin as HTTP/2 does but with %.16q: this port speaks gRPC only", first)
	}
	if _, again := h.told.LoadOrStore(why, true); !again {
		h.tell("a program at %s %s", from, why)
	}
}
