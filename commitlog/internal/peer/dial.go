// Dialing a peer through its mux.

package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"
)

// DialPeer makes of a network's dial a Transport's: the connection it returns
// comes out of Mux.Peers at the other end. With TLS the handshake is done,
// under ctx; the certificate must be valid for the address's host unless
// config has a ServerName. A nil config speaks plaintext.
func DialPeer(
	dial func(ctx context.Context, network, address string) (net.Conn, error), config *tls.Config,
) func(ctx context.Context, address string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		if config == nil {
			return announce(ctx, conn)
		}
		return shakePeer(ctx, conn, address, config)
	}
}

// announce says in plaintext that a peer comes.
func announce(ctx context.Context, conn net.Conn) (net.Conn, error) {
	deadline, _ := ctx.Deadline() // none is the zero time
	conn.SetWriteDeadline(deadline)
	if _, err := io.WriteString(conn, magic); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetWriteDeadline(time.Time{})
	return conn, nil
}

func shakePeer(ctx context.Context, conn net.Conn, address string, config *tls.Config) (net.Conn, error) {
	c := config.Clone()
	c.NextProtos = []string{Protocol}
	c.ClientSessionCache = nil // each connection proves who it is
	if c.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("peer: address %q: %w", address, err)
		}
		c.ServerName = host
	}
	t := tls.Client(conn, c)
	if err := t.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("peer: TLS with %s: %w", address, err)
	}
	if p := t.ConnectionState().NegotiatedProtocol; p != Protocol {
		conn.Close()
		return nil, fmt.Errorf("peer: the server at %s speaks %q, not %q: it is no node of a log", address, p, Protocol)
	}
	return t, nil
}
