// Agents in processes of their own, killed at random under load, and what must be in the log then.

//go:build unix

package commitlogtest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlogtest"
	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/linear"
)

// More of them: go test -run Kill ./commitlogtest -kills 2000 -timeout 0.
var kills = flag.Int("kills", killsAsked(), "how often TestNoKillLosesWhatWasAcknowledged kills")

// killsAsked is what $REHEARSE_KILLS says, which CI sets to a hundred, else 30.
func killsAsked() int {
	if n, err := strconv.Atoi(os.Getenv("REHEARSE_KILLS")); err == nil {
		return n
	}
	return 30
}

// patience is how long one step of it may take.
const patience = 2 * time.Minute

// Each round kills a node as kill -9 does, every tenth all of them at once, at
// a moment that the seed draws, counted in acknowledged records; then the node
// comes back and catches up. Nobody who produces or consumes ever pauses.
func TestNoKillLosesWhatWasAcknowledged(t *testing.T) {
	if *kills < 1 {
		t.Fatalf("-kills is %d; it takes at least one to prove anything", *kills)
	}
	config := commitlogtest.Config{
		Config: clustertest.Config{Mode: clustertest.Processes},
		Agent: func(a *agent.Config, _ *clustertest.Env) {
			a.Segment = 64 << 10                // so that kills meet nodes that roll
			a.Heartbeat = 30 * time.Millisecond // so that there is soon another leader
		},
	}
	commitlogtest.Run(t, config, func(t *testing.T, c *commitlogtest.Cluster) {
		c.AwaitVoters(3)
		w := newWork(t, c)
		w.begin()
		draw := c.Rand("kills")
		for round := 1; round <= *kills; round++ {
			w.awaitAcks(1 + draw.IntN(50))
			victims := []*commitlogtest.Node{c.Node(draw.IntN(3))}
			if round%10 == 0 {
				victims = slices.Collect(c.Nodes())
			}
			killed(c, victims)
			for _, n := range victims {
				w.awaitBack(n)
			}
		}
		w.finish()
		w.judge()
	})
}

// killed kills nodes at one blow, and starts them again.
func killed(c *commitlogtest.Cluster, victims []*commitlogtest.Node) {
	names := ""
	for _, n := range victims {
		names += "," + n.Name()
	}
	c.Fault("kill " + names[1:])()
}

// work is clients that produce and consume, and what they were told.
type work struct {
	t       *testing.T
	c       *commitlogtest.Cluster
	client  *client.Client
	log     history.Log
	begun   time.Time
	working sync.WaitGroup
	end     chan struct{} // closed when no more is to be begun

	mu    sync.Mutex
	open  map[string]*history.LogCall // of records whose fate nobody knows, by value
	acks  int
	last  ack           // the one that lies farthest
	acked chan struct{} // closed, and another one made, at each ack
}

// An ack is a record that was acknowledged.
type ack struct {
	pos   commitlog.Pos
	value string
}

func newWork(t *testing.T, c *commitlogtest.Cluster) *work {
	return &work{
		t: t, c: c, client: c.Client("root"), begun: time.Now(), end: make(chan struct{}),
		open: map[string]*history.LogCall{}, acked: make(chan struct{}),
	}
}

// begin lets two producers with an ID, one without, and three consumers work.
func (w *work) begin() {
	for id := range uint64(2) {
		p := w.client.Producer(client.ProducerConfig{ID: 1 + id})
		for i := range 4 { // who share it, so that it has several records at a time to send
			name := fmt.Sprintf("p%d.%d", id, i)
			w.working.Go(func() {
				w.produce(name, func(ctx context.Context, r client.Record) (commitlog.Pos, error) {
					result := <-p.Send(ctx, r)
					return result.Pos, result.Err
				})
			})
		}
	}
	w.working.Go(func() {
		w.produce("q", func(ctx context.Context, r client.Record) (commitlog.Pos, error) {
			return w.client.ProduceBatch(ctx, commitlog.Batch{Records: []commitlog.Record{r}})
		})
	})
	w.working.Go(w.follow)
	w.working.Go(func() { w.look("linear", w.readNewest) })
	w.working.Go(func() { w.look("own", w.readOwn) })
}

func (w *work) over() bool {
	select {
	case <-w.end:
		return true
	default:
		return false
	}
}

// produce appends records, one after the other. A call has no deadline: with an
// ID it ends when the record is in the log, without one perhaps before.
func (w *work) produce(name string, send func(context.Context, client.Record) (commitlog.Pos, error)) {
	for i := 0; !w.over(); i++ {
		value := fmt.Sprintf("%s-%d", name, i)
		op := w.log.Produce(name, value)
		pos, err := send(context.Background(), client.Record{Value: []byte(value)})
		w.mu.Lock()
		switch {
		case err == nil:
			op.Return(history.At(int64(pos.Offset)))
			w.note(ack{pos, value})
		case errors.As(err, new(commitlog.Uncertain)) && name == "q":
			w.open[value] = op
		default:
			op.Fail(err)
			w.t.Errorf("%s: %v", value, err)
		}
		w.mu.Unlock()
	}
}

// note tells those who wait that a record was acknowledged.
func (w *work) note(a ack) {
	w.acks++
	if a.pos.Offset >= w.last.pos.Offset {
		w.last = a
	}
	close(w.acked)
	w.acked = make(chan struct{})
}

func (w *work) state() (acks int, last ack, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acks, w.last, w.acked
}

// follow reads the log from its beginning to the record "last", as it grows.
func (w *work) follow() {
	const piece = 32
	op, got := w.log.Read("follow", 0), []history.Record(nil)
	for r, err := range w.client.Consume(context.Background(), 0, client.Options{}) {
		if err != nil {
			w.t.Errorf("following the log: %v", err)
			return
		}
		got = append(got, history.Record{Offset: int64(r.Offset), Value: string(r.Value)})
		if string(r.Value) == "last" {
			op.Return(history.Some(got...))
			return
		}
		if len(got) == piece {
			op.Return(history.Some(got...))
			op, got = w.log.Read("follow", int64(r.Offset)+1), nil
		}
	}
}

// look reads something after every acknowledgement.
func (w *work) look(name string, read func(draw func(n int) int, newest ack)) {
	draw := w.c.Rand(name).IntN
	for {
		_, newest, changed := w.state()
		select {
		case <-changed:
			read(draw, newest)
		case <-w.end:
			return
		}
	}
}

// readNewest reads what is about to be written, perhaps, as if there were one
// node.
func (w *work) readNewest(draw func(n int) int, newest ack) {
	from := newest.pos.Offset + uint64(draw(4))
	op := w.log.LinearizableRead("linear", int64(from))
	r, err := w.client.Read(context.Background(), from, client.Options{Level: commitlog.Linearizable})
	var outside commitlog.OffsetOutOfRange
	switch {
	case err == nil:
		op.Return(history.Some(history.Record{Offset: int64(r.Offset), Value: string(r.Value)}))
	case errors.As(err, &outside) && from >= outside.Next:
		op.Return(history.Records())
	default:
		op.Fail(err)
		w.t.Errorf("a linearizable read from %d: %v", from, err)
	}
}

// readOwn reads what was acknowledged, of any node.
func (w *work) readOwn(draw func(n int) int, newest ack) {
	if newest.pos.Index == 0 {
		return // none yet
	}
	node := fmt.Sprintf("n%d", draw(3))
	op := w.log.Read("own", int64(newest.pos.Offset))
	r, err := w.client.Read(client.OnNode(context.Background(), node), newest.pos.Offset,
		client.Options{MinIndex: newest.pos.Index})
	if err != nil || string(r.Value) != newest.value {
		op.Fail(err)
		w.t.Errorf("%s, asked for %q at %d: %q, %v", node, newest.value, newest.pos.Offset, r.Value, err)
		return
	}
	op.Return(history.Some(history.Record{Offset: int64(r.Offset), Value: string(r.Value)}))
}

// awaitAcks waits until so many more records were acknowledged.
func (w *work) awaitAcks(more int) {
	w.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	begun, _, _ := w.state()
	for {
		acks, _, changed := w.state()
		if acks >= begun+more {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			w.t.Fatalf("%d records were acknowledged, and within %v no more than %d", begun, patience, acks)
		}
	}
}

// awaitBack waits until a node has come back, and has what was acknowledged
// before.
func (w *work) awaitBack(n *commitlogtest.Node) {
	w.t.Helper()
	_, last, _ := w.state()
	n.AwaitEvent("log.recovered", patience)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.client.WaitOffset(client.OnNode(ctx, n.Name()), last.pos.Offset); err != nil {
		w.t.Fatalf("%s has come back, but not to offset %d: %v", n.Name(), last.pos.Offset, err)
	}
}

// finish lets the clients end what they have begun, and writes a last record.
func (w *work) finish() {
	w.t.Helper()
	close(w.end)
	op := w.log.Produce("end", "last")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pos, err := w.client.Produce(ctx, client.Record{Value: []byte("last")})
	if err != nil {
		w.t.Fatalf("the last record: %v", err)
	}
	op.Return(history.At(int64(pos.Offset)))
	w.working.Wait()
}

// judge compares what clients were told with what the nodes hold.
func (w *work) judge() {
	w.t.Helper()
	took := time.Since(w.begun)
	pos, err := w.client.Produce(context.Background(), client.Record{Value: []byte("end")})
	if err != nil {
		w.t.Fatal(err)
	}
	var holds []history.Record
	for n := range w.c.Nodes() {
		holds = w.read(n, pos)
		w.log.Final(n.Name(), holds...)
	}
	unsure := len(w.open)
	w.learn(holds)
	if err := w.log.Check(history.LogConfig{}).Err(); err != nil {
		w.t.Error(err)
	}
	w.linear(int64(len(holds)))
	w.t.Logf("%d rounds in %v: %d records, of %d of which their producer did not know; %d operations",
		*kills, took.Round(time.Second), len(holds), unsure, w.log.Len())
}

// read returns what a node holds before the record at end.
func (w *work) read(n *commitlogtest.Node, end commitlog.Pos) (all []history.Record) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(client.OnNode(context.Background(), n.Name()), patience)
	defer cancel()
	for r, err := range w.client.Consume(ctx, 0, client.Options{MinIndex: end.Index}) {
		if err != nil {
			w.t.Fatalf("reading all of %s: %v", n.Name(), err)
		}
		if r.Offset == end.Offset {
			return all
		}
		all = append(all, history.Record{Offset: int64(r.Offset), Value: string(r.Value)})
	}
	return all
}

// learn ends the calls that are open: what is in the log now was written, and
// what is not never will be.
func (w *work) learn(holds []history.Record) {
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

// linear searches for an order of what happened to some stretches of the log.
func (w *work) linear(end int64) {
	w.t.Helper()
	const stretches, length = 10, 200
	ops := w.log.Ops()
	for i := range int64(stretches) {
		from := max(0, end-length) * i / (stretches - 1)
		linear.Require(w.t, &stretch(ops, from, from+length).History, linear.Log())
	}
}

// stretch is the history of the records in a range of offsets, as if they were
// all, counted from 0: an order of the whole log orders each stretch of it.
func stretch(ops []history.Op[history.LogOp, history.LogResult], from, to int64) *history.Log {
	type moment struct {
		at int
		do func()
	}
	var log history.Log
	var moments []moment
	for _, op := range ops {
		at := op.In.From
		if op.In.Kind == history.LogProduce {
			at = op.Out.Offset
		} else if !op.In.Linearizable {
			continue
		}
		if op.Outcome != history.Returned || at < from || at >= to {
			continue
		}
		op.In.From, op.Out.Offset = max(0, op.In.From-from), max(0, op.Out.Offset-from)
		op.Out.Records = slices.Clone(op.Out.Records)
		for i := range op.Out.Records { // one at most, where it was asked for
			op.Out.Records[i].Offset -= from
		}
		var call *history.LogCall
		moments = append(moments,
			moment{op.Called, func() { call = log.Call(op.Client, op.In) }},
			moment{op.Returned, func() { call.Return(op.Out) }})
	}
	slices.SortFunc(moments, func(a, b moment) int { return a.at - b.at })
	for _, m := range moments {
		m.do()
	}
	return &log
}
