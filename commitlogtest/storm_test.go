// Storms of faults with producers and consumers at work, and what must hold after them.

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
	sweep := clustertest.SweepConfig{Seeds: 200, Isolate: true, Config: clustertest.Config{
		Mode: clustertest.Bubble, Disk: vdisk.Config{Latency: time.Millisecond},
	}}
	clustertest.Sweep(t, sweep, small, storm)
}

// small nodes roll and trim often, so that storms meet that too.
func small(e *clustertest.Env) (*replica, error) {
	return buildReplica(e, commitlog.Config{Segment: 16 << 10})
}

// storm lets producers and consumers work amid faults, and then judges what
// they were told.
func storm(t *testing.T, c *replicas) {
	found(c)
	w := &weather{t: t, c: c, end: make(chan struct{}), open: map[string]*history.LogCall{}}
	var working sync.WaitGroup
	for i := range 3 {
		working.Go(func() { w.produce(fmt.Sprintf("p%d", i), uint64(i)) }) // p0 has no producer ID
	}
	for i := range 2 {
		working.Go(func() { w.consume(fmt.Sprintf("c%d", i)) })
	}
	c.Nemesis(clustertest.Nemesis{Majority: true}).Wait()
	close(w.end)
	working.Wait()
	w.judge()
}

// weather is what the clients of one storm share.
type weather struct {
	t   *testing.T
	c   *replicas
	log history.Log
	end chan struct{}

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
		n := w.c.Node(draw.IntN(3))
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		pos, err := n.Program().Produce(ctx, b)
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
	seen := uint64(0)
	for from := int64(0); !w.over(); {
		n := w.c.Node(draw.IntN(3))
		o, op := commitlog.ReadOptions{MinIndex: seen}, (*history.LogCall)(nil)
		if draw.IntN(2) == 0 {
			o.Level = commitlog.Linearizable
			op = w.log.LinearizableRead(client, from)
		} else {
			op = w.log.Read(client, from)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		records, err := n.Program().Fetch(ctx, uint64(from), o)
		cancel()
		var end commitlog.OffsetOutOfRange
		switch {
		case errors.As(err, &end) && end.Offset == end.Next:
			op.Return(history.Records())
		case err != nil:
			op.Fail(err)
		default:
			op.Return(history.Some(told(records)...))
			seen = max(seen, records[len(records)-1].Index)
			from += int64(draw.IntN(len(records) + 1))
		}
		w.rest(draw)
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
	for n := range w.c.Nodes() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := n.Program().WaitApplied(ctx, last.Index); err != nil {
			w.t.Fatalf("%s does not come to the end of the log: %v", n.Name(), err)
		}
		cancel()
		holds = w.read(n)
		w.log.Final(n.Name(), holds...)
	}
	w.learn(holds)
	if err := w.log.Check(history.LogConfig{}).Err(); err != nil {
		w.t.Error(err)
	}
	linear.Require(w.t, &w.log.History, linear.Log())
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
	for _, value := range slices.Sorted(maps.Keys(w.open)) {
		w.open[value].Fail(errors.New("it is not in the log"))
	}
}

// read returns what a node holds, but for the record that judge has added.
func (w *weather) read(n *place) (all []history.Record) {
	w.t.Helper()
	for r, err := range n.Program().Read(context.Background(), 0, commitlog.ReadOptions{}) {
		if err != nil {
			w.t.Fatalf("reading %s: %v", n.Name(), err)
		}
		if string(r.Value) != "last" {
			all = append(all, history.Record{Offset: int64(r.Offset), Value: string(r.Value)})
		}
	}
	return all
}
