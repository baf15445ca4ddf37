// The gateway and those who join by it; strangers, and the end of the network.

package loopback_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
)

// gate returns the gateway's real address, and the token of the host.
func gate(t testing.TB, h *loopback.Host) (address, key string) {
	t.Helper()
	text, err := h.Gateway()
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(text, "/")
	return parts[2], parts[1]
}

// knock sends bytes to a real address and returns how the connection ended.
func knock(address, text string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(late / 2))
	if c.Write([]byte(text)); text == "" {
		return nil
	}
	_, err = io.ReadAll(c)
	return err
}

func TestStrangersAreClosed(t *testing.T) {
	s := tell(t, loopback.Config{})
	l := s.listen(s.Host("api"), "api:80")
	address, key := gate(t, s.Host("app"))
	frame := func(text string) string {
		b, _ := loopback.Frame(text)
		return string(b)
	}
	for name, text := range map[string]string{
		"HTTP":              "GET / HTTP/1.1\r\n\r\n",
		"a long text":       "\x1f\xff\xff",
		"no token":          frame(`{"Op":"dial","Host":"app","Network":"tcp","Address":"api:80"}`),
		"a wrong token":     frame(`{"Op":"dial","Host":"app","Key":"x","Network":"tcp","Address":"api:80"}`),
		"another's token":   frame(`{"Op":"dial","Host":"api","Key":"` + key + `","Network":"tcp","Address":"api:80"}`),
		"an unknown host":   frame(`{"Op":"join","Host":"eve","Key":"` + key + `"}`),
		"an unknown wish":   frame(`{"Op":"rule","Host":"app","Key":"` + key + `"}`),
		"an unknown demand": frame(`{"Op":"join","Host":"app","Key":"`+key+`"}`) + frame(`{"Op":"rule"}`),
	} {
		if err := knock(address, text); errors.Is(err, errTimeout(err)) {
			t.Errorf("%s: the gateway kept the connection", name)
		}
	}
	go knock(loopback.Real(l), "GET / HTTP/1.1\r\n\r\n")
	knock(loopback.Real(l), "")
	eve, err := net.Dial("tcp", loopback.Real(l))
	if err != nil {
		t.Fatal(err)
	}
	defer eve.Close()
	writes(t, eve, frame(`{"Op":"accept","Host":"app","Key":"`+key+`","Name":"eve"}`))
	result := s.dialLater(s.Host("app"), "api:80")
	api := s.accept(l)
	app := s.reached(result)
	writes(t, app, "x")
	reads(t, api, "x")
	if got := api.RemoteAddr().String(); got != app.LocalAddr().String() {
		t.Errorf("a stranger was accepted: %s", got)
	}
}

// errTimeout returns err if time ran out, and otherwise an error that err is not.
func errTimeout(err error) error {
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return err
	}
	return errors.New("no timeout")
}

func TestWhatIsNoGatewayCannotBeJoined(t *testing.T) {
	s := tell(t, loopback.Config{})
	good, _ := s.Host("app").Gateway()
	for _, bad := range []string{"", "app", "app/key", "app/key/here", strings.Replace(good, "app", "api", 1)} {
		if r, err := loopback.Join(t.Context(), bad); err == nil {
			r.Close()
			t.Errorf("joined by %q", bad)
		}
	}
}

func TestWhoLeavesIsRefused(t *testing.T) {
	s := tell(t, loopback.Config{})
	api := join(t, s.Host("api"))
	l := s.listen(api, "api:80")
	app := s.dial(s.Host("app"), "api:80")
	there := s.accept(l)
	api.Close()
	s.await("net.unlisten", "api:80", 0)
	s.refuses(s.Host("app"), "api:80")
	writes(t, app, "still open")
	reads(t, there, "still open")
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v", err)
	}
	if _, err := api.Listen(t.Context(), "tcp", "api:80"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Listen = %v", err)
	}
}

func TestFaultsReachThoseWhoJoined(t *testing.T) {
	s := tell(t, loopback.Config{})
	api, app := join(t, s.Host("api")), join(t, s.Host("app"))
	l, post := s.listen(api, "api:80"), s.post(api, "api:53")
	here := s.dial(app, "api:80")
	there := s.accept(l)
	heal := s.fault("part app api")
	result := s.dialLater(app, "api:80")
	s.await("net.dial", "app>api:80#1", 0)
	heal()
	s.reached(result)
	up := s.fault("down api")
	s.isReset(here)
	s.isReset(there)
	for _, err := range []error{accepting(l), receiving(post)} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("a socket of a host that is down says %v", err)
		}
	}
	s.refuses(app, "api:80")
	if _, err := api.Listen(t.Context(), "tcp", "api:80"); !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("Listen = %v", err)
	}
	up()
	l = s.listen(api, "api:80")
	s.dial(app, "api:80")
	s.accept(l)
	s.await("net.accept", "app>api:80#3", 0)
}

func accepting(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		c.Close()
	}
}

func receiving(p net.PacketConn) error {
	_, _, err := p.ReadFrom(make([]byte, 10))
	return err
}

func TestCloseEndsEverythingAndWaits(t *testing.T) {
	before := runtime.NumGoroutine()
	s := tell(t, loopback.Config{GiveUp: time.Hour})
	app, api := s.pair()
	remote := join(t, s.Host("far"))
	l := s.listen(remote, "far:80")
	post := s.post(s.Host("app"), "app:53")
	s.fault("cut app api")
	writes(t, app, "never arrives")
	result := s.dialLater(s.Host("app"), "api:80")
	s.await("net.dial", "app>api:80#1", 0)
	s.Close()
	s.Close()
	s.isReset(app)
	s.isReset(api)
	d := <-result
	for _, err := range []error{d.err, accepting(l), receiving(post)} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	if _, err := s.Host("api").Listen(t.Context(), "tcp", "api:81"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Listen = %v", err)
	}
	if _, err := s.Host("api").Dial(t.Context(), "tcp", "far:80"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Dial = %v", err)
	}
	if last := s.journal.Tail(1)[0]; last.Kind != "net.close" {
		t.Errorf("behind net.close stands %v", last)
	}
	remote.Close()
	limit := time.Now().Add(late)
	for runtime.NumGoroutine() > before && time.Now().Before(limit) {
		runtime.Gosched() // a goroutine that has said it is over may have a step to go
	}
	if runtime.NumGoroutine() > before {
		buf := make([]byte, 1<<20)
		t.Errorf("goroutines are left:\n%s", buf[:runtime.Stack(buf, true)])
	}
}

func TestPortsOfTheDeadAreFreeBeforeTheirEndIsKnown(t *testing.T) {
	s := tell(t, loopback.Config{})
	before, after := join(t, s.Host("api")), join(t, s.Host("api"))
	l, p := s.listen(before, "api:80"), s.post(before, "api:53")
	for _, listening := range []error{
		listenError(after.Listen(t.Context(), "tcp", "api:80")),
		listenError(after.ListenPacket(t.Context(), "udp", "api:53")),
	} {
		if !errors.Is(listening, syscall.EADDRINUSE) {
			t.Errorf("beside the living: %v", listening)
		}
	}
	loopback.Abandon(l)
	loopback.Abandon(p)
	s.listen(after, "api:80")
	s.post(after, "api:53")
}

func listenError(c io.Closer, err error) error {
	if err == nil {
		c.Close()
	}
	return err
}
