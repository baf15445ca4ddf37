// A storm of faults with producers and consumers at work, and what must hold after it.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/linear"
	"github.com/rehearse-go/rehearse/vdisk"
)

// Two hundred storms of a minute each. More of them: make sweep SEEDS=100000.
func TestNoStormLosesWhatWasAcknowledged(t *testing.T) {
	climate{seeds: 200}.sweep(t)
}

// A climate is what storms are made of, beside producers and consumers. The
// zero climate has three nodes with small segments, which roll often, and
// every fault but those of clocks and disks.
type climate struct {
	seeds     int
	cluster   clustertest.Config
	node      commitlog.Config
	nemesis   func(*replicas) clustertest.Nemesis
	meanwhile func(*weather) // what else goes on
	afterward func(*weather) // what makes the cluster whole again
}

// sweep judges a storm for each seed.
func (k climate) sweep(t *testing.T) {
	t.Helper()
	s := clustertest.SweepConfig{Seeds: k.seeds, Isolate: true, Config: k.cluster}
	s.Mode, s.Failed = clustertest.Bubble, diskFailed
	if s.Disk == (vdisk.Config{}) {
		s.Disk.Latency = time.Millisecond
	}
	if k.node.Segment == 0 {
		k.node.Segment = 16 << 10
	}
	build := func(e *clustertest.Env) (*replica, error) {
		r, err := buildReplica(e, k.node)
		if err == nil {
			r.mortal = true
		}
		return r, err
	}
	clustertest.Sweep(t, s, build, func(t *testing.T, c *replicas) { k.storm(t, c) })
}

// storm lets producers and consumers work amid faults, and then judges what
// they were told.
func (k climate) storm(t *testing.T, c *replicas) {
	found(c)
	w := newWeather(t, c.Rand)
	w.c, w.trims = c, k.node.Retain != commitlog.Retain{}
	w.write = func(ctx context.Context, draw *rand.Rand, b commitlog.Batch) (commitlog.Pos, error) {
		return w.any(draw).Program().Produce(ctx, b)
	}
	w.fetch = func(
		ctx context.Context, draw *rand.Rand, from uint64, o commitlog.ReadOptions,
	) ([]commitlog.Record, error) {
		return w.any(draw).Program().Fetch(ctx, from, o)
	}
	n := clustertest.Nemesis{Majority: true}
	if k.nemesis != nil {
		n = k.nemesis(c)
	}
	if k.meanwhile != nil {
		w.working.Go(func() { k.meanwhile(w) })
	}
	w.rage(c.Nemesis(n))
	revive(c)
	if k.afterward != nil {
		k.afterward(w)
	}
	last := produce(t, leader(c), "last")
	var nodes []*commitlog.Node
	for n := range c.Nodes() {
		nodes = append(nodes, n.Program().Node)
	}
	w.judge(nodes, last)
}

// revive starts nodes whose disk was so slow to fail that the storm was over.
func revive(c *replicas) {
	time.Sleep(5 * time.Second) // virtual
	for n := range c.Nodes() {
		if !n.Running() {
			n.Start()
		}
	}
}

// weather is what the clients of one storm share.
type weather struct {
	t     *testing.T
	c     *replicas // nil if the nodes are agents
	rand  func(name string) *rand.Rand
	write func(context.Context, *rand.Rand, commitlog.Batch) (commitlog.Pos, error)
	fetch func(context.Context, *rand.Rand, uint64, commitlog.ReadOptions) ([]commitlog.Record, error)
	log   history.Log
	trims bool // the log's beginning goes

	working sync.WaitGroup
	end     chan struct{}

	mu   sync.Mutex
	open map[string]*history.LogCall // of batches whose outcome nobody knows, by value
}

func newWeather(t *testing.T, draws func(name string) *rand.Rand) *weather {
	return &weather{t: t, rand: draws, end: make(chan struct{}), open: map[string]*history.LogCall{}}
}

// rage lets clients work until the storm is over.
func (w *weather) rage(storm *clustertest.Storm) {
	for i := range 3 {
		w.working.Go(func() { w.produce(fmt.Sprintf("p%d", i), uint64(i)) }) // p0 has no producer ID
	}
	for i := range 2 {
		w.working.Go(func() { w.consume(fmt.Sprintf("c%d", i)) })
	}
	storm.Wait()
	close(w.end)
	w.working.Wait()
}

func (w *weather) over() bool {
	select {
	case <-w.end:
		return true
	default:
		return false
	}
}

// any returns one of the nodes.
func (w *weather) any(draw *rand.Rand) *place {
	all := slices.Collect(w.c.Nodes())
	return all[draw.IntN(len(all))]
}

// produce appends values, one after the other. A producer with an ID sends
// each until it knows that it is there.
func (w *weather) produce(client string, id uint64) {
	draw := w.rand(client)
	for sequence := uint64(1); !w.over(); sequence++ {
		value := fmt.Sprintf("%s-%d", client, sequence)
		op := w.log.Produce(client, value)
		b := commitlog.Batch{Records: []commitlog.Record{{Value: []byte(value)}}}
		if id != 0 {
			b.Producer, b.Sequence = id, sequence
		}
		switch pos, err := w.send(draw, b); {
		case err == nil:
			op.Return(history.At(int64(pos.Offset)))
		case refused(err):
			op.Fail(err)
		default:
			w.mu.Lock()
			w.open[value] = op
			w.mu.Unlock()
		}
		w.rest(draw)
	}
}

// send sends a batch to whoever leads, until it is known what became of it.
func (w *weather) send(draw *rand.Rand, b commitlog.Batch) (commitlog.Pos, error) {
	begun := false // somebody may have it
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		pos, err := w.write(ctx, draw, b)
		cancel()
		if err == nil {
			return pos, nil
		}
		begun = begun || !refused(err)
		if b.Producer == 0 && begun || w.over() {
			if begun {
				err = commitlog.Uncertain{Why: err}
			}
			return pos, err
		}
		w.rest(draw)
	}
}

// refused says that nothing was done, nor will be.
func refused(err error) bool {
	switch err.(type) {
	case commitlog.NotLeader, commitlog.Superseded:
		return true
	}
	return false // an Uncertain too, whatever it wraps
}

// consume reads behind what it has read, here and there, of nodes that have
// come as far as it has.
func (w *weather) consume(client string) {
	draw := w.rand(client)
	session, seen := client, uint64(0)
	for from := int64(0); !w.over(); w.rest(draw) {
		o, op := commitlog.ReadOptions{MinIndex: seen}, (*history.LogCall)(nil)
		if draw.IntN(2) == 0 {
			o.Level = commitlog.Linearizable
			op = w.log.LinearizableRead(session, from)
		} else {
			op = w.log.Read(session, from)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		records, err := w.fetch(ctx, draw, uint64(from), o)
		cancel()
		var out commitlog.OffsetOutOfRange
		switch {
		case errors.As(err, &out) && out.Offset == out.Next:
			op.Return(history.Records())
		case w.trims && errors.As(err, &out) && out.Offset < out.Low:
			op.Fail(err)
			from = int64(out.Low)
			session = fmt.Sprint(client, " from ", from)
		case err != nil:
			op.Fail(err)
		default:
			op.Return(history.Some(told(records)...))
			seen = max(seen, records[len(records)-1].Index)
			from += int64(draw.IntN(len(records) + 1))
		}
	}
}

func told(records []commitlog.Record) []history.Record {
	all := make([]history.Record, len(records))
	for i, r := range records {
		all[i] = history.Record{Offset: int64(r.Offset), Value: string(r.Value)}
	}
	return all
}

func (w *weather) rest(draw *rand.Rand) {
	time.Sleep(time.Duration(50+draw.IntN(200)) * time.Millisecond) // virtual
}

// judge compares what clients were told with what the nodes hold, up to the
// last record.
func (w *weather) judge(nodes []*commitlog.Node, last commitlog.Pos) {
	w.t.Helper()
	var holds []history.Record
	var start uint64
	for _, n := range nodes {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := n.WaitApplied(ctx, last.Index)
		cancel()
		s := n.Status()
		if err != nil {
			w.t.Fatalf("%s does not come to the end of the log: %v, %v\n%+v", s.Name, s.Failed, err, s)
		}
		start = max(start, s.Low)
		holds = w.read(n)
		w.log.Final(s.Name, holds...)
	}
	w.learn(holds)
	if err := w.log.Check(history.LogConfig{Start: int64(start)}).Err(); err != nil {
		w.t.Error(err)
	}
	if !w.trims { // the model knows of no log without its beginning
		linear.Require(w.t, &w.log.History, linear.Log())
	}
}

// learn ends the calls that are open: what is in the log now was written, and
// what is not never will be. Without that a search would have to try both.
func (w *weather) learn(holds []history.Record) {
	for _, r := range holds {
		if op, ok := w.open[r.Value]; ok {
			op.Return(history.At(r.Offset))
			delete(w.open, r.Value)
		}
	}
	if w.trims {
		return // it may have been there
	}
	for _, value := range slices.Sorted(maps.Keys(w.open)) {
		w.open[value].Fail(errors.New("it is not in the log"))
	}
}

// read returns what a node holds, but for the last record, which is no client's.
func (w *weather) read(n *commitlog.Node) (all []history.Record) {
	w.t.Helper()
	for r, err := range n.Read(context.Background(), n.Status().Low, commitlog.ReadOptions{}) {
		if err != nil {
			w.t.Fatalf("reading %s: %v", n.Status().Name, err)
		}
		if string(r.Value) != "last" {
			all = append(all, history.Record{Offset: int64(r.Offset), Value: string(r.Value)})
		}
	}
	return all
}
