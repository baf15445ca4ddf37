// Whether the stand-in lives and answers, for whoever starts it.

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
)

// A kafkaHealth answers /healthz from the start and /readyz when clients are
// answered.
type kafkaHealth struct {
	ready  atomic.Bool
	failed chan error // what ended the server, if anything did
	stop   func()
	ended  chan struct{}
}

// serveHealth serves where the configuration says; without an address, nobody
// is served.
func (c kafkaConfig) serveHealth(ctx context.Context) (*kafkaHealth, error) {
	h := &kafkaHealth{failed: make(chan error, 1), stop: func() {}}
	if c.Health == "" {
		return h, nil
	}
	host, _, err := net.SplitHostPort(c.Health)
	if err != nil {
		return nil, fmt.Errorf("--health: %w", err)
	}
	if err := allowAddress(c.Remote, host, "--health "+c.Health); err != nil {
		return nil, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", c.Health)
	if err != nil {
		return nil, fmt.Errorf("--health: %w", err)
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.ended = make(chan struct{})
	go func() {
		defer close(h.ended)
		if err := serve(ctx, l, h.handler()); err != nil {
			h.failed <- err
		}
	}()
	return h, nil
}

func (h *kafkaHealth) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !h.ready.Load() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// close stops the server and waits for it.
func (h *kafkaHealth) close() {
	h.stop()
	if h.ended != nil {
		<-h.ended
	}
}
