// Programs that know nothing of this package.

package loopback_test

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
)

func TestAForwardedConnectionIsUnderTheLinksControl(t *testing.T) {
	s := tell(t, loopback.Config{})
	l := s.listen(s.Host("api"), "api:80")
	address := s.forward("app", "api:80")
	if again := s.forward("app", "api:80"); again != address {
		t.Errorf("asked again: %s, before %s", again, address)
	}
	heal := s.fault("cut app api")
	app := s.real(address)
	writes(t, app, "early")
	s.await("net.dial", first, 0)
	heal()
	api := s.accept(l)
	reads(t, api, "early")
	if got := api.RemoteAddr().(*net.TCPAddr).IP.String(); got != s.Host("app").IP4().String() {
		t.Errorf("it comes from %s", got)
	}
	s.fault("down api")
	s.isReset(app)
	if c, err := net.Dial("tcp", address); err == nil { // where a dial would be refused
		s.isReset(s.kept(c))
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

func (s *story) forward(host, target string) (address string) {
	s.t.Helper()
	address, err := s.Host(host).Forward(target)
	if err != nil {
		s.t.Fatal(err)
	}
	return address
}

// real dials a real address.
func (s *story) real(address string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.kept(c)
}

func TestAnInheritedListenerIsAPortOfItsHost(t *testing.T) {
	s := tell(t, loopback.Config{})
	address, file, err := s.Host("api").Reserve(80)
	if err != nil {
		t.Fatal(err)
	}
	early := s.dial(s.Host("app"), "api:80") // waits in the backlog
	l, err := net.FileListener(file)
	file.Close()
	if err != nil || l.Addr().String() != address {
		t.Fatalf("the file is of %v, %v; want %s", l, err, address)
	}
	t.Cleanup(func() { l.Close() })
	writes(t, early, "x")
	reads(t, s.accept(l), "x")
	again, file, err := s.Host("api").Reserve(80)
	if err != nil || again != address {
		t.Errorf("asked again: %s, %v; before %s", again, err, address)
	}
	file.Close()
	up := s.fault("down api")
	s.isReset(early)
	s.refuses(s.Host("app"), "api:80")
	up()
	writes(t, s.dial(s.Host("app"), "api:80"), "y")
	reads(t, s.accept(l), "y")
	if _, err := s.Host("api").Listen(t.Context(), "tcp", "api:80"); err == nil {
		t.Error("a reserved port was listened on")
	}
}

func TestABoundPortIsKeptForWhoListens(t *testing.T) {
	s := tell(t, loopback.Config{})
	address, err := s.Host("api").Bind(80)
	if runtime.GOOS == "windows" {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Bind = %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // two lives of the program
		s.refuses(s.Host("app"), "api:80")
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		writes(t, s.dial(s.Host("app"), "api:80"), "x")
		reads(t, s.accept(l), "x")
		l.Close()
	}
	if _, _, err := s.Host("api").Reserve(80); err == nil {
		t.Error("a bound port was reserved")
	}
}
