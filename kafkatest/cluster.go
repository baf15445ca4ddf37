// The cluster: its brokers, the one way into its state, its end.

package kafkatest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
)

// A Cluster is a number of brokers with one state. Its methods may be called
// from any goroutine. Those that can fail return net.ErrClosed after Close; where
// they need the state, which a Scripted cluster has not, that is their error.
type Cluster struct {
	config     Config
	journal    *journal.Journal // nil if nothing is recorded
	frameLimit int32            // socket.request.max.bytes
	frames     wire.Budget      // of requests that are being read or served

	before, after rules
	ruleCount     atomic.Int64 // to name rules
	ruled         atomic.Bool  // a rule was added, ever
	complaints    complaints
	exchanges     atomic.Uint64 // remembered by any broker
	stirs         atomic.Uint64 // requests of clients that do something

	// mu guards the state and what follows. It is held for the length of one
	// request's handling and never across a wait.
	mu      sync.Mutex
	state   *state.Cluster                                        // nil if the cluster is scripted
	caps    func(key, lowest, highest int16) (int16, int16, bool) // versions of a scripted cluster
	users   *security.Users                                       // of a scripted cluster
	brokers []*Broker                                             // by ascending id
	timer   *time.Timer                                           // for what the agenda has next
	armed   time.Time                                             // when the timer fires; zero if it is not set
	awaits  []*awaiting
	closed  bool

	running sync.WaitGroup // the timer's goroutines
	endings endings        // of connections, to be recorded
}

// New starts a cluster. It fails if the Config is wrong or a listener cannot
// be opened.
func New(config Config) (*Cluster, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: config, journal: config.Journal, frameLimit: defaultFrameLimit}
	c.frames.Limit = maxFrames
	if config.realSockets && inBubble() {
		return nil, errBubble
	}
	for i := range config.Brokers {
		c.brokers = append(c.brokers, newBroker(c, config.FirstID+int32(i), i))
	}
	if err := c.makeState(); err != nil {
		return nil, err
	}
	for _, b := range c.brokers {
		if err := b.open(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	for _, b := range c.brokers {
		b.serve()
	}
	return c, nil
}

// makeState makes the state; of a scripted cluster, the users alone.
func (c *Cluster) makeState() (err error) {
	if c.config.Scripted {
		if c.caps, err = state.Caps(c.config.Version); err != nil {
			return fmt.Errorf("kafkatest: %w", err)
		}
		if c.users, err = security.NewUsers(call.Seed(c.config.Seed), c.config.securityUsers()); err != nil {
			err = fmt.Errorf("kafkatest: Config.Users: %w", err)
		}
		return err
	}
	config := state.Config{
		Seed:     call.Seed(c.config.Seed),
		Now:      time.Now(),
		Settings: c.config.Settings,
		Version:  c.config.Version,
		Endpoint: c.endpoint,

		Users:      c.config.securityUsers(),
		SuperUsers: c.config.SuperUsers,
	}
	for _, b := range c.brokers {
		config.Brokers = append(config.Brokers, state.Member{ID: b.id, Rack: b.rack})
	}
	s, err := state.New(config)
	if err != nil {
		return fmt.Errorf("kafkatest: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.Topics)) {
		if err := s.CheckTopicConfigs(name, c.config.TopicConfigs[name]); err != nil {
			return fmt.Errorf("kafkatest: Config.TopicConfigs: %q: %w", name, err)
		}
		spec := state.TopicSpec{Name: name, Partitions: c.config.Topics[name], Overrides: c.config.TopicConfigs[name]}
		if _, err := s.CreateTopic(spec); err != nil {
			return fmt.Errorf("kafkatest: Config.Topics: %q: %w", name, err)
		}
	}
	c.state = s
	if limit := s.SettingInt("socket.request.max.bytes"); limit > 0 {
		c.frameLimit = int32(min(limit, math.MaxInt32))
	}
	return nil
}

// maxFrames is how many bytes of large requests a cluster takes at once, before
// it closes the connection of whoever sends more. Kafka's bound for it,
// queued.max.request.bytes, has no limit by default, and a few hundred clients
// that are slow to complete their requests would take all memory.
const maxFrames = 2 << 30

// defaultFrameLimit is Kafka's default of socket.request.max.bytes.
const defaultFrameLimit = 100 << 20

// enter runs f with the state to itself, at the present, and then wakes whoever
// got an answer. It returns false if the cluster is closed.
func (c *Cluster) enter(f func(*state.Cluster)) bool {
	c.mu.Lock()
	if c.closed || c.state == nil {
		c.mu.Unlock()
		return false
	}
	c.state.Agenda.Tick(time.Now())
	f(c.state)
	if c.awaits != nil {
		c.tellAwaits()
	}
	answered := c.state.Agenda.TakeAnswered()
	c.arm()
	c.mu.Unlock()
	for _, p := range answered {
		if x, waits := p.Owner.(*exchange); waits {
			x.settle(p.Response())
		}
	}
	return true
}

// arm sets the timer for what is due next. mu is held.
func (c *Cluster) arm() {
	next, due := c.state.Agenda.Next()
	if !due || !c.armed.IsZero() && !next.Before(c.armed) {
		return // what fires too early finds nothing due, and arms anew
	}
	c.armed = next
	wait := time.Until(next)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.tick)
		return
	}
	c.timer.Reset(wait)
}

// tick runs what is due.
func (c *Cluster) tick() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.running.Add(1)
	c.armed = time.Time{}
	c.mu.Unlock()
	defer c.running.Done()
	c.enter(func(*state.Cluster) {})
}

// Close stops every broker and returns when nothing of the cluster runs any
// more; where a Handler or a rule of the test's does not return, after a second,
// and that is one of Problems. The error is nil. Closing it again does nothing.
func (c *Cluster) Close() error {
	c.mu.Lock()
	c.closed = true
	c.endAwaits()
	if c.timer != nil {
		c.timer.Stop()
	}
	brokers := slices.Clone(c.brokers)
	c.mu.Unlock()
	var lives []*life
	for _, b := range brokers {
		over := b.turn()
		b.release()
		if l := b.shut(Close); l != nil {
			lives = append(lives, l)
		}
		over()
	}
	for _, l := range lives {
		if !wait(&l.running) {
			c.complaints.add("a handler or a rule did not return when the cluster was closed; " +
				"let it wait for Exchange.Context")
		}
	}
	wait(&c.running)
	c.recordEndings()
	return nil
}

func (c *Cluster) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Addrs returns the addresses of the first listener of every broker, as a
// client on this machine dials them.
func (c *Cluster) Addrs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var addrs []string
	for _, b := range c.brokers {
		addrs = append(addrs, b.addr(c.config.Listeners[0].Name))
	}
	return addrs
}

// Addr returns the address of the first broker.
func (c *Cluster) Addr() string { return c.Addrs()[0] }

// Brokers returns the brokers by id, those that are stopped included.
func (c *Cluster) Brokers() []*Broker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.brokers)
}

// Broker returns a broker by id. It panics if there is none.
func (c *Cluster) Broker(id int32) *Broker {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.broker(id); b != nil {
		return b
	}
	panic(fmt.Sprintf("kafkatest: there is no broker %d", id))
}

// broker returns a broker by id, or nil. mu is held.
func (c *Cluster) broker(id int32) *Broker {
	at, found := slices.BinarySearchFunc(c.brokers, id, func(b *Broker, id int32) int { return cmp.Compare(b.id, id) })
	if !found {
		return nil
	}
	return c.brokers[at]
}

// endpoint tells the state how a caller reaches a broker. mu is held.
func (c *Cluster) endpoint(x *call.Call, id int32) (host string, port int32, ok bool) {
	b := c.broker(id)
	if b == nil {
		return "", 0, false
	}
	return b.advertised(x.Listener, x.Reached)
}

// do is enter for methods that report a closed cluster.
func (c *Cluster) do(f func(*state.Cluster) error) error {
	var err error
	if c.state == nil {
		return errStateless
	}
	if !c.enter(func(s *state.Cluster) { err = f(s) }) {
		return net.ErrClosed
	}
	return err
}

// note records an event and returns its number; 0 if nothing is recorded.
func (c *Cluster) note(e journal.Event) int {
	if c.journal == nil {
		return 0
	}
	return c.journal.Append(e)
}
