// Rubbish at every port of a cluster that works.

package commitlogtest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlogtest"
)

// rubbish is what is sent: each piece over a connection of its own.
func rubbish(draw *rand.Rand) [][]byte {
	random := make([]byte, 4<<10)
	for i := range random {
		random[i] = byte(draw.Uint32())
	}
	long := make([]byte, 64)
	for i := range long {
		long[i] = 0xff
	}
	preface := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	return [][]byte{
		random, long, {}, {0}, make([]byte, 1<<16),
		[]byte(preface), []byte(preface + "\xff\xff\xff\x04\x00\xff\xff\xff\xff"), []byte(preface[:7]),
		[]byte("GET / HTTP/1.1\r\n"), []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{"),
		[]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"record\""),
		[]byte("rehearse-log"), append([]byte("rehearse-log"), long...), append([]byte("rehearse-log\x01"), random...),
		{0x16, 0x03, 0x01, 0xff, 0xff, 0x01}, {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03},
		append([]byte{6}, long...), append([]byte{0, 0xdf}, long...),
		append([]byte{9, 0xff, 0xff, 0xff, 0xff}, random...),
	}
}

func TestRubbishHarmsNobody(t *testing.T) {
	for _, plain := range []bool{true, false} {
		t.Run(fmt.Sprintf("plaintext %v", plain), func(t *testing.T) {
			commitlogtest.Run(t, commitlogtest.Config{Plain: plain, Agent: withWeb}, func(t *testing.T, c *agents) {
				c.AwaitVoters(3)
				c.Produce("before")
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				throw(t, c)
				c.Produce("meanwhile")
				time.Sleep(2 * time.Minute) // virtual
				c.Produce("after")
				c.AwaitEverywhere("before", "meanwhile", "after")
				runtime.ReadMemStats(&after)
				if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 1<<30 {
					t.Errorf("%d MiB were allocated", grown>>20)
				}
				for n := range c.Nodes() {
					knows(t, n, "n0 n1 n2")
				}
			})
		})
	}
}

func withWeb(a *agent.Config, e *clustertest.Env) {
	a.Health, a.Gateway = e.Name()+":80", e.Name()+":81"
}

// throw throws rubbish at every port of every node.
func throw(t *testing.T, c *agents) {
	t.Helper()
	draw := c.Rand("rubbish")
	host := c.Host("hostile")
	packets, err := host.ListenPacket(t.Context(), "udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close() })
	for n := range c.Nodes() {
		for _, piece := range rubbish(draw) {
			for _, port := range []string{":8400", ":80", ":81"} {
				hurl(t, host, n.Name()+port, piece)
			}
			at := hurl(t, host, n.Name()+":8401", piece).(*net.TCPAddr)
			if len(piece) > 1400 {
				continue
			}
			if _, err := packets.WriteTo(piece, &net.UDPAddr{IP: at.IP, Port: at.Port}); err != nil {
				t.Error(err)
			}
		}
	}
}

// hurl writes a piece to an address, and lets the connection stand. It returns
// where that is.
func hurl(t *testing.T, host clustertest.Host, address string, piece []byte) net.Addr {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := host.Dial(ctx, "tcp", address)
	if err != nil {
		t.Fatalf("%s takes no connection any more: %v", address, err)
	}
	conn.Write(piece)
	t.Cleanup(func() { conn.Close() })
	return conn.RemoteAddr()
}

func TestManyWhoSayNothingKeepNobodyOut(t *testing.T) {
	commitlogtest.Run(t, commitlogtest.Config{Agent: withWeb}, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		host := c.Host("hostile")
		for n := range c.Nodes() {
			for range 300 {
				hurl(t, host, n.Name()+":8400", nil)
			}
			for range 20 {
				for _, port := range []string{":8401", ":80", ":81"} {
					hurl(t, host, n.Name()+port, nil)
				}
			}
		}
		c.Produce("one")
		first := c.Leader()
		first.Crash()
		c.Leader(first)
		c.Produce("two")
		first.Start()
		c.AwaitEverywhere("one", "two")
	})
}

// Those who begin a handshake and never end it.
func TestHalfHandshakesEnd(t *testing.T) {
	commitlogtest.Run(t, commitlogtest.Config{Config: clustertest.Config{Nodes: 1}}, func(t *testing.T, c *agents) {
		c.Leader()
		for range 50 {
			conn, err := c.Dial(t.Context(), "tcp", "n0:8400")
			if err != nil {
				t.Fatal(err)
			}
			half := &halfConn{Conn: conn, left: 100}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := tls.Client(half, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx); err == nil {
				t.Error("half a handshake was enough")
			}
			if ctx.Err() != nil {
				t.Error("the other side waits for the other half for a minute")
			}
			cancel()
			conn.Close()
		}
		c.Produce("one")
	})
}

// A halfConn swallows what is written beyond its first bytes.
type halfConn struct {
	net.Conn
	left int
}

func (h *halfConn) Write(b []byte) (int, error) {
	some := b[:min(len(b), h.left)]
	h.left -= len(some)
	if _, err := h.Conn.Write(some); err != nil {
		return 0, err
	}
	return len(b), nil
}
