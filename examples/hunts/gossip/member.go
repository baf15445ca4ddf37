// A member: it joins the others, says what it hears, and leaves.

package gossip

import (
	"cmp"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/serf/serf"
)

// nowhere is the address of those of whom nothing but a name is known.
const nowhere = "0.0.0.0:"

// Config configures a [Member].
type Config struct {
	Name   string       // also of its host
	Join   []string     // names of members to find the others by, maybe its own among them
	Port   int          // where it listens, for packets and streams; if 0, 7946
	Logger *slog.Logger // if nil, nothing is logged

	// Find tells where the named member listens now, as DNS would; if nil, on
	// the host of that name, on Port.
	Find func(name string) (address string)

	// The network has no default, so that nothing goes past a test's.
	Listen       func(ctx context.Context, network, address string) (net.Listener, error)   // must be set
	ListenPacket func(ctx context.Context, network, address string) (net.PacketConn, error) // must be set
	Dial         func(ctx context.Context, network, address string) (net.Conn, error)       // must be set
}

// A Member is one of the cluster.
type Member struct {
	c      Config
	serf   *serf.Serf
	events chan serf.Event

	mu    sync.Mutex
	heard map[string]int // how often each user event was delivered
}

// New starts a member, which works until the context of [Member.Run] is done.
func New(c Config) (*Member, error) {
	c = c.with()
	m := &Member{c: c, events: make(chan serf.Event, 256), heard: map[string]int{}}
	t, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	sc := serf.DefaultConfig()
	sc.NodeName, sc.EventCh = c.Name, m.events
	sc.Logger = c.lineLogger()
	sc.MemberlistConfig.Logger = sc.Logger
	sc.MemberlistConfig.Transport = t
	if m.serf, err = serf.Create(sc); err != nil {
		t.Shutdown()
		return nil, err
	}
	return m, nil
}

// Run works until ctx is done, and then leaves.
func (m *Member) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { m.join(ctx) })
	running.Go(m.listen)
	<-ctx.Done()
	if err := m.serf.Leave(); err != nil {
		return err
	}
	err := m.serf.Shutdown()
	running.Wait()
	return err
}

// join asks again every second until one of the named members answers.
func (m *Member) join(ctx context.Context) {
	var seeds []string
	for _, name := range m.c.Join {
		if name != m.c.Name {
			seeds = append(seeds, name+"/"+nowhere+"1")
		}
	}
	for len(seeds) > 0 {
		if n, _ := m.serf.Join(seeds, false); n > 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// listen takes what serf delivers until it is shut down.
func (m *Member) listen() {
	for {
		select {
		case e := <-m.events:
			if u, ok := e.(serf.UserEvent); ok {
				m.mu.Lock()
				m.heard[u.Name]++
				m.mu.Unlock()
			}
		case <-m.serf.ShutdownCh():
			return
		}
	}
}

// Say tells all members a word.
func (m *Member) Say(word string) error { return m.serf.UserEvent(word, nil, false) }

// Heard is how often a word was delivered to this member.
func (m *Member) Heard(word string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard[word]
}

// Status is what the member knows of another, "none" if nothing.
func (m *Member) Status(name string) string {
	for _, other := range m.serf.Members() {
		if other.Name == name {
			return other.Status.String()
		}
	}
	return "none"
}

// lineLogger is the Logger for libraries that log lines.
func (c Config) lineLogger() *log.Logger {
	if c.Logger == nil {
		return log.New(io.Discard, "", 0)
	}
	return slog.NewLogLogger(c.Logger.Handler(), slog.LevelInfo)
}

// with returns c with its zero fields filled in.
func (c Config) with() Config {
	c.Port = cmp.Or(c.Port, 7946)
	if c.Find == nil {
		c.Find = func(name string) string { return net.JoinHostPort(name, strconv.Itoa(c.Port)) }
	}
	return c
}

// address is where the member listens.
func (c Config) address() string { return net.JoinHostPort(c.Name, strconv.Itoa(c.Port)) }
