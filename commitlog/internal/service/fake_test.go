// A node in memory, and a client at it.

package service_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A fake is a node without a disk or a peer. Its zero value is an empty log.
type fake struct {
	produce func(ctx context.Context, b commitlog.Batch) error // asked first, if set
	piece   int                                                // of records in one Fetch; if 0, 1000

	mu      sync.Mutex
	changed chan struct{} // closed at each change
	closed  bool
	records []commitlog.Record
	batches []commitlog.Batch
	fetched []commitlog.ReadOptions
	events  []commitlog.Event
	status  commitlog.Status
	waited  []string
}

// change changes the node, and tells whoever waits.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// until waits for a change that makes ok true, or for the end of ctx or node.
func (f *fake) until(ctx context.Context, ok func() bool) error {
	for {
		f.mu.Lock()
		done, closed := ok(), f.closed
		if f.changed == nil {
			f.changed = make(chan struct{})
		}
		changed := f.changed
		f.mu.Unlock()
		switch {
		case done:
			return nil
		case closed:
			return commitlog.ErrClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Produce(ctx context.Context, b commitlog.Batch) (pos commitlog.Pos, err error) {
	if f.produce != nil {
		if err := f.produce(ctx, b); err != nil {
			return pos, err
		}
	}
	f.change(func() {
		f.batches = append(f.batches, b)
		pos = commitlog.Pos{Offset: uint64(len(f.records)), Index: uint64(len(f.batches)), Term: 7}
		for _, r := range b.Records {
			r.Offset, r.Time, r.Index, r.Term = uint64(len(f.records)), time.Now(), pos.Index, pos.Term
			f.records = append(f.records, r)
		}
	})
	return pos, nil
}

// slowly enqueues batches at once and tells of them after a round.
func (f *fake) slowly(round time.Duration) func(context.Context, commitlog.Batch) (service.Outcome, error) {
	return func(ctx context.Context, b commitlog.Batch) (service.Outcome, error) {
		pos, err := f.Produce(ctx, b)
		done := time.After(round)
		return func(ctx context.Context) (commitlog.Pos, error) {
			select {
			case <-done:
				return pos, err
			case <-ctx.Done():
				return commitlog.Pos{}, commitlog.Uncertain{Why: ctx.Err()}
			}
		}, nil
	}
}

// has says whether the log has a record of that offset.
func (f *fake) has(offset uint64) bool { return offset < uint64(len(f.records)) }

func (f *fake) Fetch(ctx context.Context, from uint64, o commitlog.ReadOptions) ([]commitlog.Record, error) {
	f.mu.Lock()
	f.fetched = append(f.fetched, o)
	next := uint64(len(f.records))
	f.mu.Unlock()
	if from > next || from < f.status.Low || from == next && !o.Follow {
		return nil, commitlog.OffsetOutOfRange{Offset: from, Low: f.status.Low, Next: next}
	}
	if err := f.until(ctx, func() bool { return f.has(from) }); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := cmp.Or(f.piece, 1000)
	if o.MaxBytes == 1 {
		n = 1
	}
	return slices.Clone(f.records[from:min(from+uint64(n), uint64(len(f.records)))]), nil
}

func (f *fake) Wait(ctx context.Context, stage commitlog.Stage, index, term uint64) error {
	f.change(func() { f.waited = append(f.waited, fmt.Sprintf("%v %d %d", stage, index, term)) })
	if term == 1 {
		return commitlog.Superseded{Index: index, Term: 1, By: 7}
	}
	return f.until(ctx, func() bool { return index <= uint64(len(f.batches)) })
}

func (f *fake) WaitOffset(ctx context.Context, offset uint64) error {
	return f.until(ctx, func() bool { return f.has(offset) })
}

func (f *fake) WatchLeader(ctx context.Context) iter.Seq[commitlog.Leader] {
	return func(yield func(commitlog.Leader) bool) {
		for gen := uint64(0); ; {
			var now commitlog.Leader
			if f.until(ctx, func() bool { now = f.status.Leader; return now.Gen > gen }) != nil || !yield(now) {
				return
			}
			gen = now.Gen
		}
	}
}

func (f *fake) Events(ctx context.Context, from uint64) iter.Seq[commitlog.Event] {
	return func(yield func(commitlog.Event) bool) {
		for ; ; from++ {
			var e commitlog.Event
			there := func() bool {
				ok := from <= uint64(len(f.events))
				if ok {
					e = f.events[from-1]
				}
				return ok
			}
			if f.until(ctx, there) != nil || !yield(e) {
				return
			}
		}
	}
}

func (f *fake) Status() commitlog.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.status
	now.Next = uint64(len(f.records))
	return now
}

// at returns what the node holds at this moment.
func at[T any](f *fake, all *[]T) []T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(*all)
}

// happens adds an event.
func (f *fake) happens(e commitlog.Event) {
	f.change(func() {
		e.Seq = uint64(len(f.events)) + 1
		f.events = append(f.events, e)
	})
}

// fill puts n records into the log.
func (f *fake) fill(n int, value func(i int) []byte) {
	for i := range n {
		f.Produce(context.Background(), commitlog.Batch{Records: []commitlog.Record{{Value: value(i)}}})
	}
}

func numbered(i int) []byte { return fmt.Appendf(nil, "record %d", i) }

// A site is a service and a client at it, both in the test's bubble.
type site struct {
	logv1.LogClient
	conn     *grpc.ClientConn
	service  *service.Service
	listener *bufconn.Listener
	stopped  chan error // what Serve has returned
}

// serve serves c until the test ends.
func serve(t testing.TB, c service.Config, options ...grpc.DialOption) *site {
	t.Helper()
	s := &site{service: service.New(c), listener: bufconn.Listen(64 << 10), stopped: make(chan error, 1)}
	go func() { s.stopped <- s.service.Serve(s.listener) }()
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return s.listener.DialContext(ctx)
		}))
	conn, err := grpc.NewClient("passthrough:///log", options...)
	if err != nil {
		t.Fatal(err)
	}
	s.conn, s.LogClient = conn, logv1.NewLogClient(conn)
	t.Cleanup(func() {
		conn.Close()
		if err := s.service.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s
}

// expect fails the test unless err has that code.
func expect(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := grpcstatus.Code(err); got != want {
		t.Errorf("%s: code %v (%v), want %v", what, got, err, want)
	}
}

// must fails the test at an error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
