// Datagrams: round trips of small ones.

package bench_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// addrPortConn is what *net.UDPConn and the virtual network's have in common.
type addrPortConn interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// An openFunc opens two sockets that reach each other.
type openFunc func(testing.TB) (app, api net.PacketConn)

func BenchmarkDatagram(b *testing.B) {
	for _, s := range []struct {
		name string
		open openFunc
	}{{"loopback", openLoopback}, {"vnet", openVnet}, {"vnet+journal", openVnetJournal}} {
		eachWay(b, s.name, packets(s.open))
		eachWay(b, s.name+" by addrport", addrPortPackets(s.open))
	}
}

func eachWay(b *testing.B, name string, f body) {
	b.Run(name, func(b *testing.B) {
		f.free(b)
		perSecond(b, "trips")
	})
	if strings.HasPrefix(name, "loopback") {
		return
	}
	b.Run(name+"/bubble", func(b *testing.B) {
		f.bubbled(b)
		perSecond(b, "trips")
	})
}

func openLoopback(tb testing.TB) (app, api net.PacketConn) {
	var both [2]net.PacketConn
	for i := range both {
		var err error
		both[i], err = net.ListenPacket("udp", "127.0.0.1:0")
		check(tb, err)
	}
	return both[0], both[1]
}

func openVnet(tb testing.TB) (app, api net.PacketConn) { return openOn(tb, vnet.New(vnet.Config{})) }

func openVnetJournal(tb testing.TB) (app, api net.PacketConn) {
	return openOn(tb, vnet.New(vnet.Config{Journal: new(journal.Journal)}))
}

func openOn(tb testing.TB, n *vnet.Network) (app, api net.PacketConn) {
	var both [2]net.PacketConn
	for i, name := range []string{"app", "api"} {
		var err error
		both[i], err = n.Host(name).ListenPacket(context.Background(), "udp", name+":0")
		check(tb, err)
	}
	return both[0], both[1]
}

// packets sends a small datagram to an echo and reads it back, n times, with
// addresses as package net's interfaces have them.
func packets(open openFunc) body {
	return func(tb testing.TB) func(n int) {
		app, api := open(tb)
		tb.Cleanup(func() { app.Close(); api.Close() })
		go func() {
			buf := make([]byte, small)
			for {
				n, from, err := api.ReadFrom(buf)
				if err != nil {
					return
				}
				api.WriteTo(buf[:n], from)
			}
		}()
		buf, to := make([]byte, small), api.LocalAddr()
		return func(n int) {
			for range n {
				_, err := app.WriteTo(buf, to)
				check(tb, err)
				_, _, err = app.ReadFrom(buf)
				check(tb, err)
			}
		}
	}
}

// addrPortPackets does the same with addresses that need no memory.
func addrPortPackets(open openFunc) body {
	return func(tb testing.TB) func(n int) {
		p, q := open(tb)
		app, api := p.(addrPortConn), q.(addrPortConn)
		tb.Cleanup(func() { app.Close(); api.Close() })
		go func() {
			buf := make([]byte, small)
			for {
				n, from, err := api.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				api.WriteToUDPAddrPort(buf[:n], from)
			}
		}()
		buf, to := make([]byte, small), api.LocalAddr().(*net.UDPAddr).AddrPort()
		return func(n int) {
			for range n {
				_, err := app.WriteToUDPAddrPort(buf, to)
				check(tb, err)
				_, _, err = app.ReadFromUDPAddrPort(buf)
				check(tb, err)
			}
		}
	}
}
