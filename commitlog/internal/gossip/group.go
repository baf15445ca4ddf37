// A group: Serf, tuned, with an end that leaves nothing behind.

package gossip

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// A Group is this node among those that it has found. It is safe for
// concurrent use.
type Group struct {
	c       Config
	serf    *serf.Serf
	said    *log.Logger // what Serf says
	probe   time.Duration
	gate    *gate
	notes   *notes
	cancel  context.CancelFunc // ends dials and joins
	ctx     context.Context
	one     chan struct{} // holds a token while a join is tried
	tagging chan struct{} // holds a token while tags are set
	leaving chan struct{} // holds a token while Leave runs, and once Close has begun
	closing atomic.Bool
	done    chan struct{} // ends what runs
	closed  chan struct{}
	running sync.WaitGroup
}

// New listens and starts. It fails if the Config is wrong, or if it cannot
// listen; that nobody answers to Config.Join is no failure, but logged.
func New(c Config) (*Group, error) {
	c, err := c.with()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t, err := listen(ctx, c)
	if err != nil {
		cancel()
		return nil, err
	}
	g := &Group{
		c: c, ctx: ctx, cancel: cancel, notes: newNotes(), one: make(chan struct{}, 1),
		tagging: make(chan struct{}, 1), leaving: make(chan struct{}, 1),
		done: make(chan struct{}), closed: make(chan struct{}), said: log.New(lines{c.Logger}, "", 0),
	}
	g.gate = &gate{
		name: c.Name, here: t.advertise, notes: g.notes, cluster: c.Tags[ClusterTag], told: map[string]time.Time{},
	}
	// Serf's last events, after its shutdown, find room here.
	events := make(chan serf.Event, 2048)
	s := g.tuned(t, events)
	g.probe = s.MemberlistConfig.ProbeInterval
	if g.serf, err = serf.Create(s); err != nil {
		cancel()
		t.Shutdown()
		return nil, fmt.Errorf("gossip: %w", err)
	}
	g.running.Go(func() { g.hear(events) })
	g.running.Go(func() { g.notes.tell(c.Handler, g.done) })
	if len(c.Join) > 0 {
		g.running.Go(g.joinAtStart)
	}
	return g, nil
}

// tuned configures Serf for a handful of nodes that stay.
func (g *Group) tuned(t *transport, events chan<- serf.Event) *serf.Config {
	s := serf.DefaultConfig()
	s.NodeName, s.Tags, s.EventCh = g.c.Name, maps.Clone(g.c.Tags), events
	s.Logger, s.LogOutput = g.said, nil
	s.Merge = g.gate
	s.DisableCoordinates = true            // nobody asks for them
	s.EnableNameConflictResolution = false // by vote the older node might be shut down; the gate refuses
	s.BroadcastTimeout = 2 * time.Second   // of three nodes all have heard after a few hundred milliseconds
	s.LeavePropagateDelay = 500 * time.Millisecond
	s.ReconnectInterval = 5 * time.Second     // after a partition, find together soon
	s.ReconnectTimeout = 365 * 24 * time.Hour // a voter that has failed is not forgotten after a day

	m := s.MemberlistConfig
	m.Transport, m.Logger, m.LogOutput, m.SecretKey = t, s.Logger, nil, slices.Clone(g.c.Key)
	m.BindPort, m.AdvertisePort = int(t.advertise.Port()), int(t.advertise.Port())
	m.EnableCompression = false           // little is said; and LZW is slow, above all under the race detector
	m.PushPullInterval = 10 * time.Second // whom gossip has passed over hears here
	m.DeadNodeReclaimTime = time.Second   // a pod comes back with its name and another address
	return s
}

// lines is a writer of log lines, which Serf and memberlist begin with "[LEVEL] ".
type lines struct{ logger *slog.Logger }

func (l lines) Write(b []byte) (int, error) {
	if l.logger.Enabled(context.Background(), slog.LevelDebug) {
		l.logger.Debug(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// Addr returns where others reach this node.
func (g *Group) Addr() string { return g.gate.here.String() }

// Members returns everyone who was heard of, this node too, sorted by name.
func (g *Group) Members() []Member {
	var all []Member
	for _, m := range g.serf.Members() {
		all = append(all, memberOf(m))
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// SetTags replaces this node's tags. It waits until others were told, for two
// seconds at most; who misses it then learns it in the next exchange.
func (g *Group) SetTags(tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	select {
	case g.tagging <- struct{}{}:
	case <-g.ctx.Done():
		return ErrClosed
	}
	defer func() { <-g.tagging }()
	if g.closing.Load() {
		return ErrClosed
	}
	g.gate.setCluster(tags[ClusterTag])
	if err := g.serf.SetTags(maps.Clone(tags)); err != nil {
		g.c.Logger.Debug("the new tags were not told to all at once", "error", err)
	}
	return nil
}

// Leave tells the others that this node goes, so that it has left, not failed,
// and waits until they have heard. It takes one to five seconds. If ctx ends
// before, it goes on in the background, and Close waits for it.
func (g *Group) Leave(ctx context.Context) error {
	select {
	case g.leaving <- struct{}{}:
	case <-g.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.closing.Load() {
		<-g.leaving
		return ErrClosed
	}
	left := make(chan error, 1)
	g.running.Go(func() {
		defer func() { <-g.leaving }()
		left <- g.serf.Leave()
	})
	select {
	case err := <-left:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the group; without Leave the others see this node fail. When it
// has returned nothing runs any more, and the Handler is told nothing more.
//
// It takes about a second if there are other members: so long, when it is not
// well with the network longer, may Serf be probing one of them, and it does
// not say when it has ended.
func (g *Group) Close() error {
	if !g.closing.CompareAndSwap(false, true) {
		<-g.closed
		return nil
	}
	defer close(g.closed)
	g.cancel()
	g.leaving <- struct{}{} // Serf panics if it is shut down while it leaves
	err := g.serf.Shutdown()
	g.one <- struct{}{} // the last join has ended, as its connection was closed, and no other begins
	if list := g.serf.Memberlist(); len(g.serf.Members()) > 1 {
		const after = 10 * time.Millisecond // for what the probe does at its end
		<-time.After(g.probe*time.Duration(1+list.GetHealthScore()) + after)
	}
	g.said.SetOutput(io.Discard) // waits for a line that is being written
	close(g.done)
	g.running.Wait()
	<-g.leaving
	return err
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)
