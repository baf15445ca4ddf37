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
	w := &weather{
		t: t, c: c, end: make(chan struct{}), open: map[string]*history.LogCall{},
		trims: k.node.Retain != commitlog.Retain{},
	}
	var working sync.WaitGroup
	for i := range 3 {
		working.Go(func() { w.produce(fmt.Sprintf("p%d", i), uint64(i)) }) // p0 has no producer ID
	}
	for i := range 2 {
		working.Go(func() { w.consume(fmt.Sprintf("c%d", i)) })
	}
	if k.meanwhile != nil {
		working.Go(func() { k.meanwhile(w) })
	}
	n := clustertest.Nemesis{Majority: true}
	if k.nemesis != nil {
		n = k.nemesis(c)
	}
	c.Nemesis(n).Wait()
	close(w.end)
	working.Wait()
	revive(c)
	if k.afterward != nil {
		k.afterward(w)
	}
	w.judge()
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
	c     *replicas
	log   history.Log
	end   chan struct{}
	trims bool // the log's beginning goes

	mu   sync.Mutex
	open map[string]*history.LogCall // of batches whose outcome nobody knows, by value
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
	draw := w.c.Rand(client)
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
		pos, err := w.any(draw).Program().Produce(ctx, b)
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
	draw := w.c.Rand(client)
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
		records, err := w.any(draw).Program().Fetch(ctx, uint64(from), o)
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

// judge compares what clients were told with what the nodes hold.
func (w *weather) judge() {
	w.t.Helper()
	last := produce(w.t, leader(w.c), "last")
	var holds []history.Record
	var start uint64
	for n := range w.c.Nodes() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := n.Program().WaitApplied(ctx, last.Index); err != nil {
			status := n.Program().Status()
			w.t.Fatalf("%s does not come to the end of the log: %v, %v\n%+v", n.Name(), status.Failed, err, status)
		}
		cancel()
		start = max(start, n.Program().Status().Low)
		holds = w.read(n)
		w.log.Final(n.Name(), holds...)
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

// read returns what a node holds, but for the record that judge has added.
func (w *weather) read(n *place) (all []history.Record) {
	w.t.Helper()
	for r, err := range n.Program().Read(context.Background(), n.Program().Status().Low, commitlog.ReadOptions{}) {
		if err != nil {
			w.t.Fatalf("reading %s: %v", n.Name(), err)
		}
		if string(r.Value) != "last" {
			all = append(all, history.Record{Offset: int64(r.Offset), Value: string(r.Value)})
		}
	}
	return all
}
