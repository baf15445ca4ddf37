// The conformance suites on relayed connections, in this process and as another would have them.

package loopback_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// start opens a network that ends with the test.
func start(t testing.TB, c loopback.Config) *loopback.Network {
	t.Helper()
	n, err := loopback.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// A member is a host as its programs have it, here or elsewhere.
type member interface {
	Name() string
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// within tries two hosts of a fresh network in each subtest, for programs of
// this process.
func within() vnettest.Transport {
	return between(loopback.Config{}, func(_ *testing.T, h *loopback.Host) member { return h })
}

// joined tries them for programs that have joined by the gateway.
func joined() vnettest.Transport {
	return between(loopback.Config{}, func(t *testing.T, h *loopback.Host) member { return join(t, h) })
}

// largest is the one row that does not hold: between hosts a datagram has a
// header of seven bytes, so that the largest has seven bytes less. Stated in
// ListenPacket's documentation.
const largest = "the_largest_datagram_is_65507_bytes"

func between(c loopback.Config, as func(*testing.T, *loopback.Host) member) vnettest.Transport {
	return vnettest.Transport{Run: func(t *testing.T, body func(*testing.T, vnettest.Transport)) {
		if strings.Contains(t.Name(), largest) {
			TestTheLargestDatagram(t) // which is another one here
			return
		}
		n := start(t, c)
		api, app := as(t, n.Host("api")), as(t, n.Host("app"))
		body(t, vnettest.Transport{
			Listen: api.Listen, Dial: app.Dial, ListenPacket: api.ListenPacket,
			Address: "api:0", Unknown: "nowhere:80", Silent: silent(t, n),
		})
	}}
}

// silent is the address of a host that nothing reaches.
func silent(t *testing.T, n *loopback.Network) string {
	away := n.Host("away")
	if _, err := n.Fault(vnet.Fault{Kind: "link", A: "app", B: "away", Link: vnet.LinkConfig{Loss: 1}}); err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(away.IP4(), 80).String()
}

func join(t testing.TB, h *loopback.Host) *loopback.Remote {
	t.Helper()
	gateway, err := h.Gateway()
	if err != nil {
		t.Fatal(err)
	}
	r, err := loopback.Join(t.Context(), gateway)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRelayedConnectionsConform(t *testing.T)          { vnettest.TestConn(t, within()) }
func TestRelayedDialsConform(t *testing.T)                { vnettest.TestDial(t, within()) }
func TestRelayedListenersConform(t *testing.T)            { vnettest.TestListener(t, within()) }
func TestRelayedPacketsConform(t *testing.T)              { vnettest.TestPacketConn(t, within()) }
func TestConnectionsOfThoseWhoJoinedConform(t *testing.T) { vnettest.TestConn(t, joined()) }
func TestDialsOfThoseWhoJoinedConform(t *testing.T)       { vnettest.TestDial(t, joined()) }
func TestListenersOfThoseWhoJoinedConform(t *testing.T)   { vnettest.TestListener(t, joined()) }
func TestPacketsOfThoseWhoJoinedConform(t *testing.T)     { vnettest.TestPacketConn(t, joined()) }

// Latency and jitter on a stream are delay and nothing else.
func TestConnectionsOverASlowLinkConform(t *testing.T) {
	slow := vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}
	vnettest.TestConn(t, between(loopback.Config{Seed: 1, Link: slow}, func(_ *testing.T, h *loopback.Host) member {
		return h
	}))
}
