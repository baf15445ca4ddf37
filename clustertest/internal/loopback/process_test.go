// A host in a process of its own, which is killed and comes back.

package loopback_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
)

// childGateway is the environment variable by which this test binary knows
// that it is to be a host.
const childGateway = "LOOPBACK_TEST_GATEWAY"

func TestMain(m *testing.M) {
	if gateway := os.Getenv(childGateway); gateway != "" {
		if err := child(context.Background(), gateway); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child echoes on its port 80, over TCP and UDP, and tells app's port 80 that
// it does. It lives until its input ends.
func child(ctx context.Context, gateway string) error {
	r, err := loopback.Join(ctx, gateway)
	if err != nil {
		return err
	}
	l, err := r.Listen(ctx, "tcp", "api:80")
	if err != nil {
		return err
	}
	p, err := r.ListenPacket(ctx, "udp", ":53")
	if err != nil {
		return err
	}
	go echoPackets(p)
	go echoConns(l)
	c, err := r.Dial(ctx, "tcp", "app:80")
	if err != nil {
		return err
	}
	fmt.Fprintf(c, "%v %v\n", l.Addr(), c.LocalAddr().(*net.TCPAddr).IP)
	io.Copy(io.Discard, os.Stdin)
	return r.Close()
}

func echoConns(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go io.Copy(c, c)
	}
}

func echoPackets(p net.PacketConn) {
	b := make([]byte, 1<<10)
	for {
		n, from, err := p.ReadFrom(b)
		if err != nil {
			return
		}
		p.WriteTo(b[:n], from)
	}
}

// spawn starts the child as host api, and returns what ends it, by the
// system's signal 9, and waits.
func (s *story) spawn() (kill func()) {
	s.t.Helper()
	gateway, err := s.Host("api").Gateway()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childGateway+"="+gateway)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill()
		cmd.Wait()
		in.Close()
	}
	s.t.Cleanup(kill)
	return kill
}

func TestAHostIsAProcessThatIsKilledAndComesBack(t *testing.T) {
	s := tell(t, loopback.Config{})
	api := s.Host("api")
	ready, post := s.listen(s.Host("app"), "app:80"), s.post(s.Host("app"), "app:53")
	for life := range 2 {
		kill := s.spawn()
		up := s.accept(ready)
		line, err := bufio.NewReader(up).ReadString('\n')
		if want := "10.0.0.1:80 10.0.0.1\n"; line != want || err != nil {
			t.Fatalf("life %d: the child says %q, %v; want %q", life, line, err, want)
		}
		if got := up.RemoteAddr().(*net.TCPAddr).IP.String(); got != api.IP4().String() {
			t.Errorf("life %d: the child's dial comes from %s", life, got)
		}
		c := s.dial(s.Host("app"), "api:80")
		writes(t, c, "echo")
		reads(t, c, "echo")
		sends(t, post, "echo", &net.UDPAddr{IP: api.IP4().AsSlice(), Port: 53})
		receives(t, post, "echo")
		writes(t, c, "unanswered")
		kill()
		io.Copy(io.Discard, c) // until its end, or its reset
		s.refuses(s.Host("app"), "api:80")
	}
}

func TestAProcessIsPartedAndHealed(t *testing.T) {
	s := tell(t, loopback.Config{})
	ready := s.listen(s.Host("app"), "app:80")
	s.Host("api")
	heal := s.fault("part api")
	s.spawn()
	s.await("net.dial", "api>app:80#0", 0)
	if s.has("net.connect", "api>app:80#0", 0) {
		t.Error("connected through the fault")
	}
	heal()
	up := s.accept(ready)
	if _, err := bufio.NewReader(up).ReadString('\n'); err != nil {
		t.Error(err)
	}
	c := s.dial(s.Host("app"), "api:80")
	end := s.fault("cut api app")
	begun := s.journal.Last()
	writes(t, c, "echo")
	s.await("net.send", first, s.await("net.deliver", first, begun).Seq)
	end()
	reads(t, c, "echo")
}
