// How fast messages and streams are over loopback.

package peer_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/certs"
	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

// pair starts two transports on loopback, in plaintext or with TLS; the
// second counts what it receives and serves streams of any length.
func pair(b *testing.B, config *tls.Config, seen func(m *raftpb.Message)) (from *peer.Transport, address string) {
	var transports []*peer.Transport
	for i := range 2 {
		l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		address = l.Addr().String()
		m := peer.NewMux(l, peer.MuxConfig{PeerTLS: config})
		go m.Serve()
		t := peer.New(peer.Config{
			Listener:      m.Peers(),
			Dial:          peer.DialPeer(new(net.Dialer).DialContext, config),
			Hello:         func() peer.Hello { return peer.Hello{ID: uint64(i + 1)} },
			Receive:       func(_ peer.Hello, m *raftpb.Message) { seen(m) },
			QueueMessages: 1 << 20,
			Stream: func(_ context.Context, _ peer.Hello, _ []byte, w io.Writer) error {
				p := make([]byte, 1<<20)
				for {
					if _, err := w.Write(p); err != nil {
						return err
					}
				}
			},
		})
		t.Start()
		b.Cleanup(func() { t.Close(); m.Close() })
		transports = append(transports, t)
	}
	transports[0].Peer(2, address)
	return transports[0], address
}

// configs are the ways to speak.
func configs(b *testing.B) map[string]*tls.Config {
	ca, err := certs.NewAuthority(certs.Config{})
	if err != nil {
		b.Fatal(err)
	}
	config, err := ca.PeerTLS("127.0.0.1")
	if err != nil {
		b.Fatal(err)
	}
	return map[string]*tls.Config{"plaintext": nil, "TLS": config}
}

func BenchmarkMessages(b *testing.B) {
	config := configs(b)
	for _, speak := range []string{"plaintext", "TLS"} {
		for _, row := range []struct{ entries, size int }{{1, 1 << 10}, {64, 1 << 10}, {1, 1 << 20}, {16, 64 << 10}} {
			b.Run(fmt.Sprintf("%s/%dx%d", speak, row.entries, row.size), func(b *testing.B) {
				var received atomic.Int64
				window := make(chan struct{}, max(2, 8<<20/(row.entries*row.size)))
				t, _ := pair(b, config[speak], func(*raftpb.Message) { received.Add(1); <-window })
				sizes := make([]int, row.entries)
				for i := range sizes {
					sizes[i] = row.size
				}
				m := app(1, sizes...)
				b.SetBytes(int64(row.entries * row.size))
				b.ReportAllocs()
				for b.Loop() {
					window <- struct{}{}
					t.Send(2, m)
				}
				b.ReportMetric(float64(b.N*row.entries)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	}
}

func BenchmarkStream(b *testing.B) {
	config := configs(b)
	for _, speak := range []string{"plaintext", "TLS"} {
		b.Run(speak, func(b *testing.B) {
			t, address := pair(b, config[speak], func(*raftpb.Message) {})
			s, err := t.Fetch(b.Context(), address, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			p := make([]byte, 1<<20)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.ReadFull(s, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
