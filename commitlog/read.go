// Reading records.

package commitlog

import (
	"cmp"
	"context"
	"errors"
	"iter"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

const defaultMaxBytes = 1 << 20

// Fetch returns records from an offset on, one at least, as many as lie
// together within MaxBytes. At the end of the log it returns an
// [OffsetOutOfRange], or with Follow waits for a record. With At the offset is
// not looked at. The records share memory, which is theirs alone: keep them as
// long as you like, or copy.
func (n *Node) Fetch(ctx context.Context, from uint64, o ReadOptions) ([]Record, error) {
	if err := n.fresh(ctx, o); err != nil {
		return nil, err
	}
	if o.At.IsZero() {
		return n.readFrom(ctx, from, o)
	}
	from, err := n.log.At(o.At)
	if err != nil {
		return nil, err
	}
	// The log has entries too that are not committed. Others may take their
	// place, with other times: what is read then is looked at again.
	s := n.Status()
	from = min(max(from, s.Low), s.Next)
	for {
		records, err := n.readFrom(ctx, from, o)
		early := 0
		for early < len(records) && records[early].Time.Before(o.At) {
			early++
		}
		if err != nil || early < len(records) {
			return records[early:], err
		}
		from += uint64(early)
	}
}

func (n *Node) readFrom(ctx context.Context, from uint64, o ReadOptions) ([]Record, error) {
	below, err := n.available(ctx, from, o.Follow)
	if err != nil {
		return nil, err
	}
	records, err := n.log.Read(from, below, cmp.Or(o.MaxBytes, defaultMaxBytes))
	var gone wal.Compacted
	if errors.As(err, &gone) { // retention was faster
		s := n.Status()
		return nil, OffsetOutOfRange{from, max(s.Low, from+1), s.Next}
	}
	return records, err
}

// fresh waits until this node has applied what the options ask for.
func (n *Node) fresh(ctx context.Context, o ReadOptions) error {
	index := o.MinIndex
	if o.Level == Linearizable {
		seen, err := n.readIndex(ctx)
		if err != nil {
			return err
		}
		index = max(index, seen)
	}
	if index == 0 {
		return nil
	}
	return n.view.await(ctx, func(p picture) (bool, error) { return p.Applied >= index, nil })
}

// available returns up to which offset records can be read, if the one at from
// can, and with follow waits until it can.
func (n *Node) available(ctx context.Context, from uint64, follow bool) (below uint64, err error) {
	err = n.view.await(ctx, func(p picture) (bool, error) {
		below = p.Next
		switch {
		case from < p.Low, from >= p.Next && !follow:
			return false, OffsetOutOfRange{from, p.Low, p.Next}
		}
		return from < p.Next, nil
	})
	return below, err
}

// Read yields records from an offset on. At the end of the log it ends, or
// with Follow goes on as records are written, until ctx ends. The first error
// is the last it yields.
func (n *Node) Read(ctx context.Context, from uint64, o ReadOptions) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for first := true; ; first = false {
			records, err := n.Fetch(ctx, from, o)
			var out OffsetOutOfRange
			if errors.As(err, &out) && (!first || !o.At.IsZero()) && out.Offset == out.Next {
				return
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				from = r.Offset + 1
			}
			o = o.onward()
		}
	}
}

// onward are the options for what follows the first records.
func (o ReadOptions) onward() ReadOptions {
	return ReadOptions{Follow: o.Follow, MaxBytes: o.MaxBytes}
}

// readIndex asks a quorum how far the log is.
func (n *Node) readIndex(ctx context.Context) (uint64, error) {
	told := make(chan readIndex, 1)
	err := n.call(ctx, func(k *core) {
		if k.failed != nil {
			told <- readIndex{err: k.failed}
			return
		}
		k.reads.waiting = append(k.reads.waiting, reader{ctx, told})
	})
	if err != nil {
		return 0, err
	}
	select {
	case r := <-told:
		return r.index, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-n.gone:
		return 0, ErrClosed
	}
}
