// HTTP: probes and metrics in the clear, and the log as JSON behind TLS and the rules.

package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/gateway"
	"github.com/rehearse-go/rehearse/commitlog/internal/secure"
)

// openWeb listens for HTTP where the Config says so.
func (a *Agent) openWeb() error {
	if a.config.Health != "" {
		if err := a.addWeb("Config.Health", a.config.Health, a.probes(), nil); err != nil {
			return err
		}
	}
	if a.config.Gateway == "" {
		return nil
	}
	h := gateway.New(gateway.Config{Node: a.node, Authorize: a.authorizeHTTP})
	var secured *tls.Config
	if a.guard.server != nil {
		secured = a.guard.server.Server("http/1.1")
	}
	return a.addWeb("Config.Gateway", a.config.Gateway, h, secured)
}

func (a *Agent) addWeb(what, addr string, h http.Handler, secured *tls.Config) error {
	l, err := a.config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("agent: %s %s: %w", what, addr, err)
	}
	if what == "Config.Gateway" && secured == nil && !isLoopback(l.Addr()) && !a.config.Plaintext {
		l.Close()
		return fmt.Errorf("agent: %s %s is reached from beyond this machine, and there is no Config.ServerTLS",
			what, addr)
	}
	if secured != nil {
		l = tls.NewListener(l, secured)
	}
	a.web = append(a.web, &web{what: what, listener: l, server: &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(a.config.Logger.Handler(), slog.LevelInfo),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}})
	return nil
}

// authorizeHTTP says whether the caller of a request may do it.
func (a *Agent) authorizeHTTP(r *http.Request, action string) error {
	if a.guard.server == nil {
		return nil
	}
	if r.TLS == nil {
		return fmt.Errorf("agent: the request came without TLS")
	}
	name, err := secure.NameOf(*r.TLS)
	if err != nil {
		return err
	}
	return a.guard.rules.Authorize(name, object, action)
}

// probes answers whether the process lives, whether it can serve, and how it does.
func (a *Agent) probes() http.Handler {
	h := http.NewServeMux()
	h.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		var latched commitlog.Latched
		if err := a.node.Status().Failed; errors.As(err, &latched) { // which only a restart mends
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	h.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := unready(a.node.Status()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	h.Handle("GET /metrics", a.service.Metrics())
	return h
}

// unready says why a node cannot serve yet, or any more.
func unready(s commitlog.Status) error {
	switch {
	case s.Failed != nil:
		return s.Failed
	case s.Leader.ID == "":
		return fmt.Errorf("there is no leader, as far as this node knows")
	}
	return nil
}
