// The conformance suite of golang.org/x/net for connections, on virtual ones.

package interop_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// TestConnectionsPassTheSuiteOfXNet runs outside of a bubble, since the suite
// runs subtests of its own.
func TestConnectionsPassTheSuiteOfXNet(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func() vnet.Config
	}{
		{"plain", func() vnet.Config { return vnet.Config{} }},
		{"with a journal", func() vnet.Config { return vnet.Config{Journal: new(journal.Journal)} }},
		{"with a small window", func() vnet.Config { return vnet.Config{Window: 1000} }},
		{"with latency", func() vnet.Config {
			return vnet.Config{Link: vnet.LinkConfig{Latency: 50 * time.Microsecond, Jitter: 50 * time.Microsecond}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			nettest.TestConn(t, func() (dialled, accepted net.Conn, stop func(), err error) {
				return connected(t, vnet.New(c.config()))
			})
		})
	}
}

// connected returns both ends of a connection; stop ends its network.
func connected(t *testing.T, n *vnet.Network) (dialled, accepted net.Conn, stop func(), err error) {
	stop = func() { n.Close() }
	l, err := n.Host("api").Listen(t.Context(), "tcp", ":80")
	if err != nil {
		return nil, nil, stop, err
	}
	if dialled, err = n.Host("app").Dial(t.Context(), "tcp", "api:80"); err != nil {
		return nil, nil, stop, err
	}
	accepted, err = l.Accept()
	return dialled, accepted, stop, err
}
