// Who may do what, and over which connections.

package agent

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/rehearse-go/rehearse/commitlog/internal/access"
	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
	"github.com/rehearse-go/rehearse/commitlog/internal/secure"
)

// A guard has the certificates and the rules.
type guard struct {
	server, peers *secure.Source // nil in plaintext
	rules         access.Authorizer
}

// newGuard reads certificates and rules, and refuses plaintext beyond
// loopback unless the Config says that it is meant.
func newGuard(c Config, addr net.Addr) (*guard, error) {
	g := &guard{rules: access.Loopback}
	if c.ServerTLS == (TLS{}) {
		if c.PeerTLS != (TLS{}) {
			return nil, fmt.Errorf("agent: Config.PeerTLS is set and Config.ServerTLS is not: " +
				"clients would go without TLS")
		}
		if !isLoopback(addr) && !c.Plaintext {
			return nil, fmt.Errorf("agent: Config.RPC %s is reached from beyond this machine, and there is no "+
				"Config.ServerTLS: give it certificates, or say Plaintext, and everybody may do everything", addr)
		}
		if c.ACL != (ACL{}) {
			return nil, fmt.Errorf("agent: Config.ACL needs Config.ServerTLS: without certificates nobody has a name")
		}
		return g, nil
	}
	var err error
	if g.server, err = c.load(c.ServerTLS); err != nil {
		return nil, fmt.Errorf("agent: Config.ServerTLS: %w", err)
	}
	if g.peers, err = c.load(c.PeerTLS); err != nil {
		return nil, fmt.Errorf("agent: Config.PeerTLS: %w", err)
	}
	g.rules, err = access.New(access.Config{
		ModelFile: c.ACL.Model, PolicyFile: c.ACL.Policy, Now: c.Now, Logger: c.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("agent: Config.ACL: %w", err)
	}
	return g, nil
}

func (c Config) load(t TLS) (*secure.Source, error) {
	return secure.Load(secure.Config{Files: t.files(), Now: c.Now, Logger: c.Logger})
}

func isLoopback(addr net.Addr) bool {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (g *guard) serverTLS() *tls.Config {
	if g.server == nil {
		return nil
	}
	return g.server.Server("h2")
}

func (g *guard) peerTLS() *tls.Config {
	if g.peers == nil {
		return nil
	}
	return g.peers.Server(peer.Protocol)
}

// object is what the rules are about: there is one log.
const object = "*"

// authorize says whether the caller may do it; "" needs a name only.
func (g *guard) authorize(ctx context.Context, action string) error {
	if g.server == nil {
		return nil
	}
	name, err := secure.CommonName(ctx)
	if err != nil || action == "" {
		return err
	}
	return g.rules.Authorize(name, object, action)
}

// peerAllowed says whether who is at the other end may be a node.
func (g *guard) peerAllowed(s tls.ConnectionState) error {
	if g.peers == nil {
		return nil
	}
	name, err := secure.NameOf(s)
	if err != nil {
		return err
	}
	return g.rules.Authorize(name, object, access.Replicate)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialPeer returns how other nodes are reached.
func (g *guard) dialPeer(dial dialFunc) dialFunc {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		if g.peers == nil {
			return peer.DialPeer(dial, nil)(ctx, address)
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return peer.DialPeer(dial, g.peers.Client(host, peer.Protocol))(ctx, address)
	}
}

// admits shakes hands with a node before it becomes a member: whoever gossips
// might be anybody, and a member that nobody can reach or trust is one too many.
func (g *guard) admits(ctx context.Context, dial dialFunc, address string) error {
	conn, err := g.dialPeer(dial)(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	return g.peerAllowed(secured.ConnectionState())
}
