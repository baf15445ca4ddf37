// Bulk streams: many bytes one way, whole or with an error.

package peer

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"time"
)

const (
	pieceSize = 256 << 10 // what small writes are gathered into
	largest   = maxChunk  // what a large write is cut into
)

// Fetch asks the node at addr for a stream, on a connection of its own. It
// returns once the node has answered the hello: Refused if it turned us away.
//
// The reader returns io.EOF after the last byte and only then; if the server
// failed StreamFailed, and Broken for all that lies between the two. It
// returns what it has checked, and is not for concurrent use; Close may be
// called at any time. When ctx ends, so does the stream.
func (t *Transport) Fetch(ctx context.Context, addr string, request []byte) (io.ReadCloser, error) {
	if len(request) > maxRequest {
		return nil, Oversized{What: "request", Bytes: len(request), Limit: maxRequest}
	}
	if t.ctx.Err() != nil {
		return nil, ErrClosed
	}
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	conn, err := t.connect(both, addr, forStream, 0)
	if err != nil {
		return nil, err
	}
	if err := t.hold(conn, math.MaxInt); err != nil {
		sever(conn)
		return nil, err
	}
	f := &fetched{t: t, ctx: ctx, conn: conn, addr: addr, r: newReader(conn, readAhead)}
	f.r.idle = t.c.StreamTimeout
	f.stop = context.AfterFunc(ctx, func() { t.drop(conn) })
	if err := f.ask(request); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// A fetched stream is read from its server.
type fetched struct {
	t    *Transport
	ctx  context.Context
	conn net.Conn
	addr string
	r    *reader
	stop func() bool
	rest []byte // of the last chunk
	seen int64
	err  error // what every further Read returns
}

func (f *fetched) ask(request []byte) error {
	out := newBatch(f.conn)
	out.begin(requestFrame)
	out.data(request)
	if err := out.end(maxRequest); err != nil {
		return err
	}
	f.conn.SetWriteDeadline(time.Now().Add(f.t.c.WriteTimeout))
	if err := out.flush(f.conn); err != nil {
		return f.broken(err)
	}
	return nil
}

// Read reads what has arrived and was checked.
func (f *fetched) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := f.fill(); err != nil {
		return 0, err
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// WriteTo is what io.Copy uses, to copy once less.
func (f *fetched) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if err := f.fill(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		n, err := w.Write(f.rest)
		f.rest = f.rest[n:]
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
}

// fill reads chunks until there is a rest.
func (f *fetched) fill() error {
	for len(f.rest) == 0 && f.err == nil {
		kind, body, err := f.r.frame(maxChunk)
		if err != nil {
			f.err = f.broken(err)
			break
		}
		f.rest, f.err = f.open(kind, body)
		f.seen += int64(len(f.rest))
	}
	if len(f.rest) > 0 {
		return nil
	}
	return f.err
}

// open tells what a frame means.
func (f *fetched) open(kind byte, body []byte) ([]byte, error) {
	switch kind {
	case chunkFrame:
		return body, nil
	case failedFrame:
		return nil, StreamFailed{Addr: f.addr, Why: printable(string(body))}
	case endFrame:
		if n, size := binary.Uvarint(body); size <= 0 || n != uint64(f.seen) {
			return nil, f.broken(Malformed{What: "stream", Why: fmt.Sprintf("its end speaks of %d bytes", n)})
		}
		return nil, io.EOF
	}
	return nil, f.broken(Malformed{What: "stream", Why: fmt.Sprintf("a frame of kind %d in it", kind)})
}

// broken is err as the end of a stream: what ended it here, if that did.
func (f *fetched) broken(err error) error {
	switch {
	case f.ctx.Err() != nil:
		err = context.Cause(f.ctx)
	case f.t.ctx.Err() != nil:
		err = ErrClosed
	}
	return Broken{Addr: f.addr, After: f.seen, Why: whole(err)}
}

// Close ends the stream; the server learns of it.
func (f *fetched) Close() error {
	f.stop()
	f.t.drop(f.conn)
	return nil
}

// serveStream answers a request for a stream.
func (t *Transport) serveStream(conn net.Conn, r *reader, from Hello) error {
	conn.SetReadDeadline(time.Now().Add(t.c.HelloTimeout))
	r.idle = 0
	kind, body, err := r.frame(maxRequest)
	if err != nil {
		return whole(err)
	}
	if kind != requestFrame {
		return Malformed{What: "request", Why: fmt.Sprintf("a frame of kind %d", kind)}
	}
	conn.SetReadDeadline(time.Time{})
	ctx, cancel := context.WithCancel(t.ctx)
	left := make(chan struct{})
	go func() {
		defer close(left)
		defer cancel()
		r.buf.ReadByte() // the reader says no more: this returns when it has gone
	}()
	w := &pieces{t: t, conn: conn, out: newBatch(conn)}
	err = w.finish(t.c.Stream(ctx, from, body, w))
	part(conn, nil)
	<-left
	return err
}

// pieces is what a stream's server writes to. An error stays.
type pieces struct {
	t    *Transport
	conn net.Conn
	out  *batch
	some []byte // gathered, not sent
	sent int64
	err  error
}

// Write sends p, or gathers it until there is enough for a piece.
func (w *pieces) Write(p []byte) (int, error) {
	n := len(p)
	if len(w.some) > 0 || n < pieceSize {
		k := min(n, pieceSize-len(w.some))
		w.some, p = append(w.some, p[:k]...), p[k:]
	}
	if len(w.some) == pieceSize {
		w.piece(w.some)
		w.some = w.some[:0]
	}
	for len(p) >= pieceSize && w.err == nil {
		k := min(len(p), largest)
		w.piece(p[:k])
		p = p[k:]
	}
	w.some = append(w.some, p...)
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

// ReadFrom is what io.Copy uses, to read whole pieces.
func (w *pieces) ReadFrom(r io.Reader) (n int64, err error) {
	b := make([]byte, pieceSize)
	for {
		k, err := r.Read(b)
		n += int64(k)
		if _, err := w.Write(b[:k]); err != nil {
			return n, err
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// piece sends p at once.
func (w *pieces) piece(p []byte) {
	w.out.begin(chunkFrame)
	w.out.data(p)
	w.out.end(maxChunk) // p is no longer
	w.sent += int64(len(p))
	w.flush()
}

func (w *pieces) flush() {
	if w.err == nil {
		w.conn.SetWriteDeadline(time.Now().Add(w.t.c.WriteTimeout))
		w.err = w.out.flush(w.conn)
	}
}

// finish ends the stream: whole, or with the server's error.
func (w *pieces) finish(failed error) error {
	switch {
	case w.err != nil:
		return w.err
	case failed != nil:
		w.out.reason(failedFrame, failed.Error())
		w.flush()
		return fmt.Errorf("peer: stream: %w", failed)
	}
	if len(w.some) > 0 {
		w.piece(w.some)
	}
	w.out.begin(endFrame)
	w.out.uint(uint64(w.sent))
	w.out.end(maxChunk)
	w.flush()
	return w.err
}
