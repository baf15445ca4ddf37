// What faults do to datagrams.

package loopback_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/vnet"
)

const gramName = "app:53>api:53"

// posts returns packet connections on port 53 of app and api.
func (s *story) posts() (app, api net.PacketConn) {
	s.t.Helper()
	return s.post(s.Host("app"), "app:53"), s.post(s.Host("api"), "api:53")
}

func (s *story) post(h member, address string) net.PacketConn {
	s.t.Helper()
	p, err := h.ListenPacket(s.t.Context(), "udp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { p.Close() })
	p.SetDeadline(time.Now().Add(late))
	return p
}

func sends(t testing.TB, p net.PacketConn, text string, to net.Addr) {
	t.Helper()
	if _, err := p.WriteTo([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}

func receives(t testing.TB, p net.PacketConn, text string) {
	t.Helper()
	b := make([]byte, 100)
	if n, _, err := p.ReadFrom(b); err != nil || string(b[:n]) != text {
		t.Fatalf("received %q, %v; want %q", b[:n], err, text)
	}
}

func TestDatagramsOverACutLinkVanish(t *testing.T) {
	for _, fault := range []string{"cut app api", "part app", "pause api", "crash app", "link app api loss=1"} {
		t.Run(fault, func(t *testing.T) {
			s := tell(t, loopback.Config{})
			app, api := s.posts()
			end := s.fault(fault)
			if fault == "crash app" {
				end()
				if _, err := app.WriteTo([]byte("x"), api.LocalAddr()); !errors.Is(err, net.ErrClosed) {
					t.Errorf("what a crash took away sends: %v", err)
				}
				return
			}
			sends(t, app, "lost", api.LocalAddr())
			s.await("net.drop", gramName, 0)
			end()
			sends(t, app, "there", api.LocalAddr())
			receives(t, api, "there")
		})
	}
}

func TestACutTakesADatagramWhenItIsSentAndWhenItWouldArrive(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.posts()
	slow := s.fault("link app api latency=10s")
	heal := s.fault("cut app api")
	begin := time.Now()
	sends(t, app, "sent", api.LocalAddr())
	sent := s.await("net.drop", gramName, 0)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("was lost after %v, when it would have arrived", took)
	}
	heal()
	slow()
	s.fault("link app api latency=20ms")
	sends(t, app, "on its way", api.LocalAddr())
	s.await("net.packet", gramName, sent.Seq)
	heal = s.fault("cut app api")
	s.await("net.drop", gramName, sent.Seq)
	heal()
	sends(t, app, "there", api.LocalAddr())
	receives(t, api, "there")
}

func TestALinkDelaysDatagramsInTheirOrder(t *testing.T) {
	const latency = 10 * time.Millisecond
	s := tell(t, loopback.Config{Link: vnet.LinkConfig{Latency: latency}})
	app, api := s.posts()
	begin := time.Now()
	for _, text := range []string{"one", "two", "three"} {
		sends(t, app, text, api.LocalAddr())
	}
	for _, text := range []string{"one", "two", "three"} {
		receives(t, api, text)
	}
	if took := time.Since(begin); took < latency {
		t.Errorf("took %v, less than %v", took, latency)
	}
}

func TestChanceDoublesReordersAndCorruptsDatagrams(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.posts()
	end := s.fault("link app api duplicate=1")
	sends(t, app, "twice", api.LocalAddr())
	receives(t, api, "twice")
	receives(t, api, "twice")
	end()
	end = s.fault("link app api reorder=1")
	sends(t, app, "first", api.LocalAddr())
	s.await("fault.reorder", gramName, 0)
	end()
	sends(t, app, "second", api.LocalAddr())
	b := make([]byte, 10)
	api.ReadFrom(b)
	api.ReadFrom(b)
	s.fault("link app api corrupt=1")
	sends(t, app, "\x00\x00", api.LocalAddr())
	if n, _, err := api.ReadFrom(b); err != nil || n != 2 || b[0] == 0 && b[1] == 0 {
		t.Errorf("received %q, %v; want a bit changed", b[:n], err)
	}
}

func TestAQueueThatIsFullLosesDatagrams(t *testing.T) {
	s := tell(t, loopback.Config{Link: vnet.LinkConfig{Bandwidth: 1000, Queue: 150}})
	app, api := s.posts()
	sends(t, app, string(make([]byte, 100)), api.LocalAddr())
	sends(t, app, string(make([]byte, 100)), api.LocalAddr())
	if why := s.await("net.drop", gramName, 0).Note("why"); why != "queue" {
		t.Errorf("dropped because of %q", why)
	}
}

func TestTheLargestDatagram(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.posts()
	if _, err := app.WriteTo(make([]byte, 65501), api.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("65,501 bytes: %v", err)
	}
	sends(t, app, string(make([]byte, 65500)), api.LocalAddr())
	b := make([]byte, 1<<16)
	if n, _, err := api.ReadFrom(b); n != 65500 || err != nil {
		t.Errorf("65,500 bytes: ReadFrom = %d, %v", n, err)
	}
}

func TestStrangersDatagramsAreLetGo(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.posts()
	hub, err := net.ResolveUDPAddr("udp", s.Hub())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := net.DialUDP("udp4", nil, hub)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.Write([]byte("\x01\x0a\x00\x00\x02\x00\x35from nobody")) // to api:53
	stranger.Write(nil)
	sends(t, app, "from app", api.LocalAddr())
	receives(t, api, "from app")
}
