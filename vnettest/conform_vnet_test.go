// The conformance suites on virtual networks: free, in a bubble, and slow.

package vnettest_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// virtual tries two hosts of a fresh network in each subtest.
func virtual(c vnet.Config) vnettest.Transport {
	return vnettest.Transport{Run: func(t *testing.T, body func(*testing.T, vnettest.Transport)) {
		body(t, hostOf(t, c))
	}}
}

// bubbled is virtual inside a testing/synctest bubble, and so in virtual time.
func bubbled(c vnet.Config) vnettest.Transport {
	return vnettest.Transport{Run: func(t *testing.T, body func(*testing.T, vnettest.Transport)) {
		synctest.Test(t, func(t *testing.T) {
			tr := hostOf(t, c)
			tr.Rest = synctest.Wait
			body(t, tr)
		})
	}}
}

// hostOf makes a network and returns two of its hosts as a transport: one listens and the other
// dials. A third loses whatever is sent to it, so that it neither answers nor refuses.
func hostOf(t testing.TB, c vnet.Config) vnettest.Transport {
	n := vnet.New(c)
	t.Cleanup(func() { n.Close() })
	api, app, away := n.Host("api"), n.Host("app"), n.Host("away")
	n.Link("app", "away").Set(vnet.LinkConfig{Loss: 1})
	return vnettest.Transport{
		Listen: api.Listen, Dial: app.Dial, ListenPacket: api.ListenPacket,
		Address: "api:0", Unknown: "nowhere:80", Silent: netip.AddrPortFrom(away.IP4(), 80).String(),
	}
}

func TestAVirtualNetworkConforms(t *testing.T) {
	conforms(t, virtual(vnet.Config{}))
}

func TestAVirtualNetworkConformsOverIPv6(t *testing.T) {
	conforms(t, vnettest.Transport{Run: func(t *testing.T, body func(*testing.T, vnettest.Transport)) {
		tr := hostOf(t, vnet.Config{})
		tr.Address = "[fd00::1]:0" // the first host's
		body(t, tr)
	}})
}

func TestAVirtualNetworkInABubbleConforms(t *testing.T) {
	conforms(t, bubbled(vnet.Config{}))
}

func TestASlowVirtualNetworkConforms(t *testing.T) {
	conforms(t, bubbled(vnet.Config{Link: vnet.LinkConfig{Latency: 3 * time.Millisecond}}))
}

// Losses and jitter on a stream are delay and nothing else.
func TestConnectionsOfABadVirtualNetworkConform(t *testing.T) {
	bad := vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond, Loss: 0.05}
	vnettest.TestConn(t, bubbled(vnet.Config{Seed: 1, Link: bad}))
}

func conforms(t *testing.T, tr vnettest.Transport) {
	t.Run("connections", func(t *testing.T) { vnettest.TestConn(t, tr) })
	t.Run("dials", func(t *testing.T) { vnettest.TestDial(t, tr) })
	t.Run("listeners", func(t *testing.T) { vnettest.TestListener(t, tr) })
	t.Run("packets", func(t *testing.T) { vnettest.TestPacketConn(t, tr) })
}
