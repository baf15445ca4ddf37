// The conformance suites on real loopback sockets: what they say of TCP and UDP must be true there.

package vnettest_test

import (
	"net"
	"testing"

	"github.com/rehearse-go/rehearse/vnettest"
)

// loopback is the kernel's own network.
func loopback() vnettest.Transport {
	var d net.Dialer
	var l net.ListenConfig
	return vnettest.Transport{
		Listen: l.Listen, Dial: d.DialContext, ListenPacket: l.ListenPacket,
		Address: "127.0.0.1:0",
		Unknown: "no such host:80", // not a name, so that no resolver is asked
	}
}

// loopback6 is loopback over IPv6, where the machine has it.
func loopback6(t *testing.T) vnettest.Transport {
	tr := loopback()
	tr.Address = "[::1]:0"
	l, err := tr.Listen(t.Context(), "tcp", tr.Address)
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	l.Close()
	return tr
}

func TestConnectionsOfLoopbackTCPConform(t *testing.T) {
	vnettest.TestConn(t, loopback())
}

func TestDiallingOnLoopbackConforms(t *testing.T) {
	vnettest.TestDial(t, loopback())
}

func TestListenersOfLoopbackTCPConform(t *testing.T) {
	vnettest.TestListener(t, loopback())
}

func TestPacketConnectionsOfLoopbackUDPConform(t *testing.T) {
	vnettest.TestPacketConn(t, loopback())
}

func TestLoopbackConformsOverIPv6(t *testing.T) {
	tr := loopback6(t)
	t.Run("dial", func(t *testing.T) { vnettest.TestDial(t, tr) })
	t.Run("listener", func(t *testing.T) { vnettest.TestListener(t, tr) })
	t.Run("packets", func(t *testing.T) { vnettest.TestPacketConn(t, tr) })
	t.Run("connections", func(t *testing.T) { vnettest.TestConn(t, tr) })
}
