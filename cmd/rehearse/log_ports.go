// The ports of a node, as they come to be listened on, and what is told of those that are not.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"

	"github.com/rehearse-go/rehearse/commitlog"
)

// ports remember where a node listens: an address with port 0 says nothing.
type ports struct {
	mu      sync.Mutex
	streams []string // in the order in which they were opened
	packets string   // of the last port for packets, which only gossip has
	begin   func()   // closes begun, once

	begun           chan struct{} // closed when the agent runs, since it then listens for gossip
	health, gateway string        // "" is none
}

func newPorts() *ports {
	return &ports{begin: func() {}, begun: make(chan struct{})}
}

// listen is net.ListenConfig.Listen.
func (p *ports) listen(ctx context.Context, network, address string) (net.Listener, error) {
	p.mu.Lock()
	begin := p.begin
	p.mu.Unlock()
	begin()
	var config net.ListenConfig
	l, err := config.Listen(ctx, network, address)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.streams = append(p.streams, l.Addr().String())
	}
	return l, err
}

// listenPacket is net.ListenConfig.ListenPacket.
func (p *ports) listenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	var config net.ListenConfig
	c, err := config.ListenPacket(ctx, network, address)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.packets = c.LocalAddr().String()
	}
	return c, err
}

// opened is told that all ports but gossip's are open: clients' first, then
// those of HTTP that there are.
func (p *ports) opened(c nodeConfig) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin = sync.OnceFunc(func() { close(p.begun) })
	web := p.streams[1:]
	if c.Health != "" {
		p.health, web = web[0], web[1:]
	}
	if c.Gateway != "" {
		p.gateway = web[0]
	}
}

// gossip is where the node gossips.
func (p *ports) gossip() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packets
}

// nodeWords put the command's flags in the place of the packages' words.
var nodeWords = strings.NewReplacer(
	"agent: ", "", "commitlog: ", "", "gossip: cannot listen", "--bind-addr: cannot listen", "gossip: ", "",
	"Config.ServerTLS: tls: ", "--server-tls-cert-file, --server-tls-key-file, --server-tls-ca-file: ",
	"Config.ServerTLS: ", "--server-tls-cert-file, --server-tls-key-file, --server-tls-ca-file: ",
	"Config.PeerTLS: tls: ", "--peer-tls-cert-file, --peer-tls-key-file, --peer-tls-ca-file: ",
	"Config.PeerTLS: ", "--peer-tls-cert-file, --peer-tls-key-file, --peer-tls-ca-file: ",
	"Config.ACL: ", "--acl-model-file, --acl-policy-file: ",
	"there is no Config.ServerTLS: give it certificates, or say Plaintext, and",
	"there are no certificates: give --server-tls-cert-file, -key-file and -ca-file, or say --plaintext, and",
	"there is no Config.ServerTLS",
	"there are no certificates: give --server-tls-cert-file, -key-file and -ca-file",
	"say in Config.Advertise how others reach it", "say by --advertise-addr which host others know",
	"say in Advertise which others reach", "say by --advertise-addr which host others know",
	"Config.RPC", "--rpc-port", "Config.Health", "--health-addr", "Config.Gateway", "--gateway-addr",
	"Config.Name is empty", "--node-name is not given", "Config.Election", "--election-ticks",
)

// explain says in the command's words why a node does not run.
func (c nodeConfig) explain(err error) error {
	if err == nil {
		return nil
	}
	text := nodeWords.Replace(err.Error())
	dir := cmp.Or(c.DataDir, defaultDataDir)
	switch {
	case errors.As(err, new(commitlog.WrongCluster)):
		text = fmt.Sprintf("--data-dir %s: %s; give the --node-name that it belongs to, or another directory",
			dir, text)
	case strings.Contains(err.Error(), "wal: "):
		text = fmt.Sprintf("--data-dir %s: %s", dir, strings.ReplaceAll(text, "wal: ", ""))
	case errors.Is(err, syscall.EADDRINUSE):
		text += ": stop what listens there, or choose another; port 0 takes a free one"
	}
	return &fileError{text, err}
}
