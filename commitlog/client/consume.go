// Reading: one record, or on and on, over whatever breaks on the way.

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// Options say how to read. The zero Options read what the node has.
type Options struct {
	Level    commitlog.Level // Linearizable reads go to the leader
	MinIndex uint64          // a node waits until it has applied this index: read your own writes
	At       time.Time       // begin at the first record of this time or later, instead of at an offset
	MaxBytes int             // of records in one piece; if 0, 1 MiB; one record is always sent
	ToEnd    bool            // Consume ends at the end of the log, instead of waiting there for more
}

// Consume returns the records from an offset on, and waits at the log's end for
// more. When the connection breaks it goes on at the next offset on another
// node: no record is left out and none comes twice, also if that node is behind.
// It ends with an error, told last: of ctx, [ErrClosed], or one that another
// node would not change, such as [commitlog.OffsetOutOfRange] for what retention
// has removed. It never ends on its own, unless o says ToEnd: also for an offset
// far behind the log's end it waits.
func (c *Client) Consume(ctx context.Context, from uint64, o Options) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		u := &cursor{client: c, o: o, next: from, yield: yield}
		if err := u.run(ctx); err != nil {
			yield(Record{}, err)
		}
	}
}

// Read returns the record at an offset, or the first one at o.At. It waits for
// none: what is not there yet is a [commitlog.OffsetOutOfRange], on a follower
// also if it is there elsewhere, unless o.MinIndex or o.Level tell. Of o, ToEnd
// and MaxBytes have no meaning here.
func (c *Client) Read(ctx context.Context, offset uint64, o Options) (Record, error) {
	o.MaxBytes = 1
	resp, err := ask(ctx, c, o.target(), func(ctx context.Context) (*logv1.ConsumeResponse, error) {
		return c.log.Consume(ctx, o.request(offset))
	})
	if err != nil {
		return Record{}, err
	}
	records := fromWire(resp)
	if len(records) == 0 || o.At.IsZero() && records[0].Offset != offset {
		return Record{}, fmt.Errorf("client: asked for offset %d, the node sent something else", offset)
	}
	return records[0], nil
}

func (o Options) target() target {
	if o.Level == commitlog.Linearizable {
		return toLeader
	}
	return toReader
}

func (o Options) request(offset uint64) *logv1.ConsumeRequest {
	req := &logv1.ConsumeRequest{
		Offset: offset, MaxBytes: uint32(min(max(o.MaxBytes, 0), math.MaxUint32)),
		MinAppliedIndex: o.MinIndex, Level: logv1.Level(o.Level), Many: true,
	}
	if !o.At.IsZero() {
		req.AtTime = o.At.UnixNano()
	}
	return req
}

// A cursor is a Consume under way.
type cursor struct {
	client *Client
	o      Options // At is zero once its record is found
	next   uint64  // the offset that is due
	began  bool    // a record has been read, so that everything before next was there
	yield  func(Record, error) bool
}

// The ways in which reading ends without an error.
var (
	errStopped = errors.New("client: the caller has had enough")
	errAtEnd   = errors.New("client: the log ends here")
)

// run reads until there is an end of it.
func (u *cursor) run(ctx context.Context) error {
	if err := u.client.ready(ctx); err != nil {
		return err
	}
	p := pace{Retry: u.client.conf.Retry}
	avoid := ""
	for {
		at := &call{to: u.o.target(), avoid: avoid}
		before := u.next
		err := u.read(ctx, at)
		if errors.Is(err, errStopped) || errors.Is(err, errAtEnd) {
			return nil
		}
		if end := u.client.over(ctx); end != nil {
			return ended(end, err)
		}
		if u.final(err) {
			return err
		}
		if u.next != before {
			p.reset()
		}
		if end := u.client.settle(ctx, &p, at, err); end != nil {
			return ended(end, err)
		}
		avoid = at.at()
	}
}

// read reads from one node until that breaks off.
func (u *cursor) read(ctx context.Context, at *call) error {
	ctx, cancel := context.WithCancel(at.in(ctx))
	defer cancel()
	next, err := u.open(ctx)
	for err == nil {
		var resp *logv1.ConsumeResponse
		if resp, err = next(); err == nil {
			err = u.deliver(fromWire(resp))
		}
	}
	if errors.Is(err, io.EOF) {
		return errors.New("client: the node has ended the stream")
	}
	err = status.FromStatus(err)
	if e := (commitlog.OffsetOutOfRange{}); u.o.ToEnd && errors.As(err, &e) && u.ends(e) {
		return errAtEnd
	}
	return err
}

// open returns what fetches the next piece: a stream that waits, or calls that do not.
func (u *cursor) open(ctx context.Context) (func() (*logv1.ConsumeResponse, error), error) {
	if u.o.ToEnd {
		return func() (*logv1.ConsumeResponse, error) {
			resp, err := u.client.log.Consume(ctx, u.o.request(u.next))
			if err == nil && resp.GetRecord() == nil && len(resp.GetRecords()) == 0 {
				err = errors.New("client: the node has sent nothing")
			}
			return resp, err
		}, nil
	}
	stream, err := u.client.log.ConsumeStream(ctx, u.o.request(u.next))
	if err != nil {
		return nil, err
	}
	return stream.Recv, nil
}

// ends holds if nothing is missing between what was read and the log's end.
func (u *cursor) ends(e commitlog.OffsetOutOfRange) bool {
	return u.next == e.Next || !u.o.At.IsZero() && e.Low <= e.Next
}

// A skipped error is that of a node that left records out.
type skipped struct{ due, sent uint64 }

func (s skipped) Error() string {
	return fmt.Sprintf("client: the node sent offset %d where %d was due", s.sent, s.due)
}

// deliver gives the caller the records that are due.
func (u *cursor) deliver(records []Record) error {
	for _, r := range records {
		if !u.o.At.IsZero() {
			u.next, u.o.At = r.Offset, time.Time{}
		}
		switch {
		case r.Offset < u.next:
			continue
		case r.Offset > u.next:
			return skipped{due: u.next, sent: r.Offset}
		}
		u.next, u.began = r.Offset+1, true
		if !u.yield(r, nil) {
			return errStopped
		}
	}
	return nil
}

// final holds for errors after which another attempt would not help. A node
// that does not have the next offset yet is behind, or everybody is: one who
// follows the log waits for it.
func (u *cursor) final(err error) bool {
	e := commitlog.OffsetOutOfRange{}
	switch {
	case errors.As(err, new(skipped)):
		return true
	case errors.As(err, &e):
		return u.next < e.Low || u.o.ToEnd && !u.began
	default:
		return judge(err, true) == refused
	}
}

func fromWire(resp *logv1.ConsumeResponse) []Record {
	wire := resp.GetRecords()
	if r := resp.GetRecord(); r != nil && len(wire) == 0 {
		wire = []*logv1.Record{r} // of a server that does not know many
	}
	records := make([]Record, len(wire))
	for i, w := range wire {
		r := Record{Offset: w.GetOffset(), Key: w.GetKey(), Value: w.GetValue()}
		if ns := w.GetTimestamp(); ns != 0 {
			r.Time = time.Unix(0, ns)
		}
		for _, h := range w.GetHeaders() {
			r.Header = append(r.Header, commitlog.Header{Name: h.GetName(), Value: h.GetValue()})
		}
		records[i] = r
	}
	return records
}
