// What gRPC is told of the cluster: the resolver of one client's connection.

package client

import (
	"net"

	"google.golang.org/grpc/resolver"
)

// scheme of the target; it is known to the client's own connection only.
const scheme = "commitlog"

// A source builds the resolver of one client.
type source struct{ client *Client }

func (s source) Scheme() string { return scheme }

// Build starts to tell cc what the client knows, whenever that changes.
func (s source) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	r := &teller{closed: make(chan struct{})}
	s.client.spawn(func() { r.tell(s.client, cc) })
	return r, nil
}

// A teller is the resolver: the client pushes to it, and it is never asked.
type teller struct{ closed chan struct{} }

func (r *teller) tell(c *Client, cc resolver.ClientConn) {
	for {
		now, changed := c.view.look()
		var addrs []resolver.Address
		for _, s := range now.all() {
			addrs = append(addrs, c.address(s.addr))
		}
		for _, seed := range now.seeds {
			addrs = append(addrs, c.address(seed))
		}
		// An error says that the connection is closing, which r.closed will say.
		_ = cc.UpdateState(resolver.State{Addresses: addrs, Attributes: plan{c, now}.attributes()})
		select {
		case <-changed:
		case <-r.closed:
			return
		}
	}
}

// ResolveNow has nothing to do: what changes is pushed.
func (r *teller) ResolveNow(resolver.ResolveNowOptions) {}

// Close ends the telling.
func (r *teller) Close() { close(r.closed) }

// address returns what gRPC connects to. With TLS the server proves to be its
// host, or Config.TLS.ServerName: gRPC takes the address's name before that.
func (c *Client) address(addr string) resolver.Address {
	if c.conf.TLS != nil && c.conf.TLS.ServerName != "" {
		return resolver.Address{Addr: addr, ServerName: c.conf.TLS.ServerName}
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr // Config.reachable has said so
	}
	return resolver.Address{Addr: addr, ServerName: host}
}
