// Random operations against the model: each byte once, in order, or an error.

package vnet_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// A chooser picks one of n.
type chooser func(n int) int

// side is one end of a connection and what the model knows of it.
type side struct {
	net.Conn
	peer   *side
	sent   int // bytes that Write took
	got    int // bytes that Read gave
	ended  bool
	closed bool
	salt   byte
}

// letter is the i-th byte that s sends.
func (s *side) letter(i int) byte { return byte(i) ^ byte(i>>8)*29 ^ s.salt }

// model drives a network and watches what comes through.
type model struct {
	*vnet.Network
	t      *testing.T
	choose chooser
	sides  []*side
	loose  map[*side]bool // a reset may have taken what its peer sent to it
	heals  []func()
	story  []string
}

const (
	modelConns = 3
	modelWait  = 999_983 // nanoseconds; a prime, so that no two timers fall on one instant
)

func newModel(t *testing.T, n *vnet.Network, choose chooser) *model {
	m := &model{Network: n, t: t, choose: choose, loose: map[*side]bool{}}
	for k := range modelConns {
		a, b := n.Pair("a", []string{"b", "c"}[k%2])
		x, y := &side{Conn: a, salt: byte(2 * k)}, &side{Conn: b, salt: byte(2*k + 101)}
		x.peer, y.peer = y, x
		m.sides = append(m.sides, x, y)
	}
	return m
}

func (m *model) tell(format string, args ...any) {
	m.story = append(m.story, time.Now().Format("15:04:05.000000000 ")+fmt.Sprintf(format, args...))
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf(format+"\nafter\n%s", append(args, strings.Join(m.story[max(0, len(m.story)-60):], "\n"))...)
}

// name calls s "2<" for the answering end of the third connection.
func (m *model) name(s *side) string {
	i := slices.Index(m.sides, s)
	return fmt.Sprint(i/2, []string{">", "<"}[i%2])
}

func (m *model) write(s *side, size int) {
	b := make([]byte, size)
	for i := range b {
		b[i] = s.letter(s.sent + i)
	}
	s.SetWriteDeadline(time.Now().Add(modelWait))
	k, err := s.Write(b)
	s.sent += k
	m.tell("%s writes %d of %d, %v", m.name(s), k, size, err)
	switch {
	case err == nil && k == size, errors.Is(err, os.ErrDeadlineExceeded):
	case s.closed && errors.Is(err, net.ErrClosed), s.ended && errors.Is(err, syscall.EPIPE):
	case m.loose[s] && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)):
	default:
		m.fail("%s wrote %d of %d bytes: %v", m.name(s), k, size, err)
	}
}

// read returns whether there may be more.
func (m *model) read(s *side, size int) bool {
	b := make([]byte, size)
	s.SetReadDeadline(time.Now().Add(modelWait))
	k, err := s.Read(b)
	m.tell("%s reads %d, %v", m.name(s), k, err)
	for i, c := range b[:k] {
		if s.got+i >= s.peer.sent || c != s.peer.letter(s.got+i) {
			m.fail("%s: byte %d is not what was sent, or was not sent", m.name(s), s.got+i)
		}
	}
	s.got += k
	switch {
	case err == nil && k > 0:
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return true
	case err == io.EOF && s.peer.ended && s.got == s.peer.sent, s.closed && errors.Is(err, net.ErrClosed):
	case m.loose[s] && (err == io.EOF || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)):
	default:
		m.fail("%s read %d bytes, %d of %d in all: %v", m.name(s), k, s.got, s.peer.sent, err)
	}
	return false
}

// upset notes that a reset may travel on s's connection.
func (m *model) upset(s *side) { m.loose[s], m.loose[s.peer] = true, true }

func (m *model) end(s *side, how int) {
	switch how {
	case 0, 1, 2, 3:
		m.tell("%s closes its writing", m.name(s))
		s.Conn.(interface{ CloseWrite() error }).CloseWrite()
		s.ended = true
	case 4:
		m.tell("%s closes", m.name(s))
		s.Close()
		s.ended, s.closed = true, true
		m.upset(s)
	default:
		m.tell("%s's connection is reset", m.name(s))
		vnet.EndOf(s.Conn).Conn().Reset()
		m.upset(s)
	}
}

func (m *model) policy(s *side) {
	n := 1 + m.choose(600)
	p := []vnet.ReadPolicy{{}, vnet.AtMost(n), vnet.AtLeast(n), vnet.Exactly(n)}[m.choose(4)]
	m.tell("%s reads by the policy %v", m.name(s), p)
	vnet.EndOf(s.Conn).SetReadPolicy(p)
}

func (m *model) fault() {
	text := []string{
		"part a", "part b,c", "cut a b", "cut c a", "pause b", "slow a 307", "link a b loss=0.3",
		"link b a latency=5ms jitter=20ms", "link a c bandwidth=2000 latency=1ms", "link a b perfect",
	}[m.choose(10)]
	f, err := vnet.ParseFault(text)
	if err != nil {
		m.t.Fatal(err)
	}
	end, err := m.Fault(f)
	if err != nil {
		m.t.Fatal(err)
	}
	m.tell("%s", text)
	m.heals = append(m.heals, end)
}

func (m *model) heal() {
	if len(m.heals) > 0 {
		i := m.choose(len(m.heals))
		m.tell("heal %d", i)
		m.heals[i]()
		m.heals = slices.Delete(m.heals, i, i+1)
	}
}

// step does something with a held network.
func (m *model) step() {
	switch m.choose(5) {
	case 0:
		m.tell("flush %d", m.Flush())
	case 1:
		d := time.Duration(m.choose(50)) * 1_000_033
		m.tell("drain %d", m.Drain(d))
	case 2:
		if waiting := slices.Collect(m.Waiting()); len(waiting) > 0 {
			id := waiting[m.choose(len(waiting))].ID
			m.tell("deliver %d: %v", id, m.Deliver(id))
		}
	default:
		seg, ok := m.TryStep()
		m.tell("step %v %v", seg, ok)
	}
}

// act does one random operation.
func (m *model) act() {
	s := m.sides[m.choose(len(m.sides))]
	switch m.choose(20) {
	case 0, 1, 2, 3, 4:
		m.write(s, m.choose(400))
	case 5, 6, 7, 8, 9:
		m.read(s, 1+m.choose(400))
	case 10:
		if m.choose(8) == 0 {
			m.end(s, m.choose(6))
		}
	case 11:
		m.policy(s)
	case 12:
		m.fault()
	case 13:
		m.heal()
	case 14:
		m.tell("hold or release")
		if m.Holding() {
			m.Release()
		} else {
			m.Hold()
		}
	case 15:
		d := time.Duration(m.choose(100)) * 1_000_003
		m.tell("sleep %v", d)
		time.Sleep(d) // virtual
	default:
		if m.Holding() {
			m.step()
		}
	}
}

// finish heals everything, ends every direction and reads what is left.
func (m *model) finish() {
	m.tell("finish")
	m.Release()
	for len(m.heals) > 0 {
		m.heal()
	}
	for _, s := range m.sides {
		if !s.ended {
			m.end(s, 0)
		}
	}
	for _, s := range m.sides {
		for rounds := 0; m.read(s, 1000); rounds++ {
			if time.Sleep(1_000_000_007); rounds > 5000 { // virtual
				m.fail("%s still waits: %d of %d bytes", m.name(s), s.got, s.peer.sent)
			}
		}
		if !m.loose[s] && s.got != s.peer.sent {
			m.fail("%s read %d of %d bytes", m.name(s), s.got, s.peer.sent)
		}
	}
}

// play runs one model to its end and returns its story.
func play(t *testing.T, link vnet.LinkConfig, seed uint64, choose chooser, more func() bool) (story []string) {
	c := vnet.Config{Seed: seed, Link: link, Window: 1000, GiveUp: 1e6 * time.Hour}
	if seed%2 == 1 {
		c.Order = vnet.Shuffled(seed)
	}
	bubble(t, c, func(t *testing.T, n *vnet.Network) {
		m := newModel(t, n, choose)
		for more() {
			m.act()
		}
		m.finish()
		story = m.story
	})
	return story
}

// parting shows where two stories part.
func parting(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return strings.Join(a[max(0, i-30):i], "\n") + "\n- " + a[i] + "\n+ " + b[i]
		}
	}
	return ""
}

var modelLinks = []vnet.LinkConfig{
	{},
	{Latency: 3 * time.Millisecond},
	{Latency: time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.1, Bandwidth: 1 << 16},
}

func TestEachByteArrivesOnceAndInOrderOrThereIsAnError(t *testing.T) {
	const rounds = 20
	first := rand.Uint64()
	for round := range rounds {
		seed := first + uint64(round)
		if round < 3 {
			seed = uint64(round) // the same every time
		}
		for _, link := range modelLinks {
			ok := t.Run(fmt.Sprintf("seed %#x %v", seed, link), func(t *testing.T) {
				var stories [2][]string
				for i := range stories {
					r, left := rand.New(rand.NewPCG(seed, 1)), 300
					stories[i] = play(t, link, seed, r.IntN, func() bool { left--; return left >= 0 })
				}
				if diff := parting(stories[0], stories[1]); diff != "" {
					t.Fatalf("two runs differ:\n%s", diff)
				}
			})
			if !ok {
				return
			}
		}
	}
}

func FuzzModel(f *testing.F) {
	for seed := range uint64(3) {
		b := make([]byte, 600)
		r := rand.New(rand.NewPCG(seed, 2))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		f.Add(byte(seed), b)
	}
	f.Fuzz(func(t *testing.T, seed byte, b []byte) {
		b = b[:min(len(b), 2000)]
		choose := func(n int) int {
			if len(b) == 0 {
				return 0
			}
			k := int(b[0])
			if b = b[1:]; n > 256 && len(b) > 0 {
				k, b = k<<8|int(b[0]), b[1:]
			}
			return k % n
		}
		play(t, modelLinks[int(seed)%len(modelLinks)], uint64(seed), choose, func() bool { return len(b) > 0 })
	})
}
