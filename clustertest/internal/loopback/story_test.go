// What the tests stand on: a network that records, and waiting for what it records.

package loopback_test

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// late is how long a test waits for what must come, before it fails.
const late = 20 * time.Second

// A story is a network with its journal.
type story struct {
	*loopback.Network
	t       testing.TB
	journal *journal.Journal
	wake    chan struct{}
}

// tell opens a network that records.
func tell(t testing.TB, c loopback.Config) *story {
	t.Helper()
	s := &story{t: t, journal: &journal.Journal{}, wake: make(chan struct{}, 1)}
	s.journal.Stream(s)
	c.Journal = s.journal
	s.Network = start(t, c)
	return s
}

// Write is called for each event that is appended.
func (s *story) Write(p []byte) (int, error) {
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits until the journal has an event of this kind and subject behind
// the event numbered after, and returns it.
func (s *story) await(kind journal.Kind, subject string, after int) journal.Event {
	s.t.Helper()
	limit := time.NewTimer(late)
	defer limit.Stop()
	for {
		for e := range s.journal.Events(after + 1) {
			if e.Kind == kind && (subject == "" || e.Subject == subject) {
				return e
			}
		}
		select {
		case <-s.wake:
		case <-limit.C:
			s.t.Fatalf("no %s %s behind %d:\n%s", kind, subject, after, s.tale())
		}
	}
}

// has tells whether the journal has such an event behind the one numbered after.
func (s *story) has(kind journal.Kind, subject string, after int) bool {
	for e := range s.journal.Events(after + 1) {
		if e.Kind == kind && e.Subject == subject {
			return true
		}
	}
	return false
}

// tale is the journal as text.
func (s *story) tale() string {
	var b strings.Builder
	for e := range s.journal.Events(1) {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// fault applies a fault given by its text.
func (s *story) fault(text string) (end func()) {
	s.t.Helper()
	f, err := vnet.ParseFault(text)
	if err != nil {
		s.t.Fatal(err)
	}
	if end, err = s.Fault(f); err != nil {
		s.t.Fatal(err)
	}
	return end
}

// listen listens on address as a host.
func (s *story) listen(h member, address string) net.Listener {
	s.t.Helper()
	l, err := h.Listen(s.t.Context(), "tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	return l
}

// pair returns both ends of a connection from app to api's port 80.
func (s *story) pair() (app, api net.Conn) {
	s.t.Helper()
	to, from := s.Host("api"), s.Host("app")
	l := s.listen(to, "api:80")
	app = s.dial(from, "api:80")
	return app, s.accept(l)
}

func (s *story) dial(h member, address string) net.Conn {
	s.t.Helper()
	c, err := h.Dial(s.t.Context(), "tcp", address)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.tale())
	}
	return s.kept(c)
}

func (s *story) accept(l net.Listener) net.Conn {
	s.t.Helper()
	c, err := l.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.kept(c)
}

func (s *story) kept(c net.Conn) net.Conn {
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(late))
	return c
}

// elsewhere connects two hosts that nothing befalls: what could happen
// meanwhile has had its time.
func (s *story) elsewhere() {
	s.t.Helper()
	l := s.listen(s.Host("calm"), ":0")
	port := l.Addr().(*net.TCPAddr).Port
	c := s.dial(s.Host("quiet"), net.JoinHostPort("calm", strconv.Itoa(port)))
	writes(s.t, c, "x")
	reads(s.t, s.accept(l), "x")
}

// dialled is what a dial returned.
type dialled struct {
	c   net.Conn
	err error
}

// dialLater starts a dial.
func (s *story) dialLater(h member, address string) <-chan dialled {
	result := make(chan dialled, 1)
	go func() {
		c, err := h.Dial(s.t.Context(), "tcp", address)
		result <- dialled{c, err}
	}()
	return result
}

func (s *story) reached(result <-chan dialled) net.Conn {
	s.t.Helper()
	d := <-result
	if d.err != nil {
		s.t.Fatalf("%v\n%s", d.err, s.tale())
	}
	return s.kept(d.c)
}

// refuses dials and must be refused.
func (s *story) refuses(h member, address string) {
	s.t.Helper()
	c, err := h.Dial(s.t.Context(), "tcp", address)
	if c != nil {
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		s.t.Fatalf("dialling %s: %v; want a refusal\n%s", address, err, s.tale())
	}
}

func writes(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func reads(t testing.TB, c net.Conn, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Fatalf("read %.40q, %v; want %.40q", b[:n], err, text)
	}
}

// isReset reads, and must be told a reset.
func (s *story) isReset(c net.Conn) {
	s.t.Helper()
	if n, err := c.Read(make([]byte, 8)); !errors.Is(err, syscall.ECONNRESET) {
		s.t.Fatalf("Read = %d, %v; want a reset\n%s", n, err, s.tale())
	}
}
