// What a relay costs, beside the kernel's own loopback.

package loopback_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/journal"
)

// networks are the ways to connect that are measured.
func networks(b *testing.B, measure func(b *testing.B, app, api net.Conn)) {
	pairs := func(listen, dial member, address string) func(b *testing.B) {
		return func(b *testing.B) {
			l, err := listen.Listen(b.Context(), "tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			app, err := dial.Dial(b.Context(), "tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer app.Close()
			api, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			defer api.Close()
			measure(b, app, api)
		}
	}
	b.Run("kernel", pairs(kernel{}, kernel{}, "127.0.0.1:0"))
	n := start(b, loopback.Config{})
	b.Run("relay", pairs(n.Host("api"), n.Host("app"), "api:0"))
	n = start(b, loopback.Config{Journal: &journal.Journal{}})
	b.Run("recorded", pairs(n.Host("api"), n.Host("app"), "api:0"))
}

// kernel is the machine itself.
type kernel struct{}

func (kernel) Name() string { return "kernel" }

func (kernel) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, network, address)
}

func (kernel) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (kernel) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	var c net.ListenConfig
	return c.ListenPacket(ctx, network, address)
}

func BenchmarkRoundTrip(b *testing.B) {
	networks(b, func(b *testing.B, app, api net.Conn) {
		go func() {
			buf := make([]byte, 128)
			for {
				if _, err := io.ReadFull(api, buf); err != nil {
					return
				}
				api.Write(buf)
			}
		}()
		buf := make([]byte, 128)
		for b.Loop() {
			if _, err := app.Write(buf); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(app, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkThroughput(b *testing.B) {
	networks(b, func(b *testing.B, app, api net.Conn) {
		const size = 64 << 10
		go func() {
			buf := make([]byte, size)
			for {
				if _, err := app.Write(buf); err != nil {
					return
				}
			}
		}()
		buf := make([]byte, size)
		b.SetBytes(size)
		for b.Loop() {
			if _, err := io.ReadFull(api, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDial(b *testing.B) {
	measure := func(listen, dial member, address string) func(b *testing.B) {
		return func(b *testing.B) {
			l, err := listen.Listen(b.Context(), "tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			for b.Loop() {
				app, err := dial.Dial(b.Context(), "tcp", l.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				api, err := l.Accept()
				if err != nil {
					b.Fatal(err)
				}
				app.(interface{ SetLinger(int) error }).SetLinger(0)
				app.Close()
				api.Close()
			}
		}
	}
	b.Run("kernel", measure(kernel{}, kernel{}, "127.0.0.1:0"))
	n := start(b, loopback.Config{})
	b.Run("relay", measure(n.Host("api"), n.Host("app"), "api:0"))
}
