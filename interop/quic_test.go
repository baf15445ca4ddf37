// quic-go over virtual packet connections.

package interop_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// quicOn is quic's use of UDP on the named host.
func quicOn(t *vnettest.T, host, address string) *quic.Transport {
	t.Helper()
	p, err := t.Host(host).ListenPacket(t.Context(), "udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{Conn: p}
	t.Cleanup(func() {
		tr.Close()
		p.Close()
	})
	return tr
}

// connectQUIC starts a server on the host api that gives back every stream,
// and connects to it from the host app.
func connectQUIC(t *vnettest.T, config *quic.Config) *quic.Conn {
	t.Helper()
	server, client := certify(t, "api")
	for _, c := range []*tls.Config{server, client} {
		c.NextProtos = []string{"echo"}
	}
	l, err := quicOn(t, "api", ":443").Listen(server, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept(t.Context())
			if err != nil {
				return
			}
			go echoStreams(t, c)
		}
	}()
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.Host("api").IP4(), 443))
	c, err := quicOn(t, "app", ":0").Dial(t.Context(), to, client, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseWithError(0, "the test is over") })
	return c
}

func echoStreams(t *vnettest.T, c *quic.Conn) {
	for {
		s, err := c.AcceptStream(t.Context())
		if err != nil {
			return
		}
		go func() {
			io.Copy(s, s)
			s.Close()
		}()
	}
}

// askQUIC says something on a stream of its own and returns what comes back.
func askQUIC(t *vnettest.T, c *quic.Conn, said string) string {
	t.Helper()
	s, err := c.OpenStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		io.WriteString(s, said)
		s.Close()
	}()
	heard, err := io.ReadAll(s)
	if err != nil {
		t.Error(err)
	}
	return string(heard)
}

func TestQUICCarriesStreams(t *testing.T) {
	for _, c := range []struct {
		name string
		link vnet.LinkConfig
	}{
		{"over perfect links", vnet.LinkConfig{}},
		{"over lossy links", vnet.LinkConfig{
			Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.05, Duplicate: 0.02, Reorder: 0.02,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{Net: vnet.Config{Link: c.link}}, func(t *vnettest.T) {
				conn := connectQUIC(t, &quic.Config{})
				said := strings.Repeat("much to say ", 10_000)
				for range 3 {
					if heard := askQUIC(t, conn, said); heard != said {
						t.Errorf("%d bytes came back of %d", len(heard), len(said))
					}
				}
			})
		})
	}
}

func TestQUICIsIdleForHoursAndThenNoticesSilence(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		c := connectQUIC(t, &quic.Config{MaxIdleTimeout: time.Minute, KeepAlivePeriod: 20 * time.Second})
		time.Sleep(3 * time.Hour) // virtual
		if heard := askQUIC(t, c, "still there?"); heard != "still there?" {
			t.Errorf("after hours: %q", heard)
		}
		defer t.Part("api")()
		start := time.Now()
		<-c.Context().Done()
		took := time.Since(start)
		_, idle := errors.AsType[*quic.IdleTimeoutError](context.Cause(c.Context()))
		if !idle || took < 50*time.Second || took > 2*time.Minute {
			t.Errorf("ended after %v by %v; want about a minute", took, context.Cause(c.Context()))
		}
	})
}
