// One direction of a relay: it reads, waits as the link says, and writes.

package loopback

import (
	"errors"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/journal"
)

// kind tells what one transmission is.
type kind uint8

const (
	data kind = iota
	fin
	rst
)

var sendKinds = [...]journal.Kind{data: "net.send", fin: "net.fin", rst: "net.rst"}

// piece is one transmission on its way.
type piece struct {
	kind  kind
	data  []byte
	due   time.Time // zero for at once
	cause int       // Seq of its sending in the journal
	lost  bool      // for ever: its sender gives up when it is due
}

// A way is one direction of a relay.
type way struct {
	relay    *relay
	src, dst *end
	back     *way
	link     *link
	key      uint64 // of its chances
	count    uint64 // transmissions so far

	// What is delayed goes to a goroutine of its own, made when first needed.
	sky    chan piece
	landed sync.WaitGroup // that goroutine
	flying atomic.Int32   // pieces there
	last   time.Time      // when the newest of them is due
	broken chan struct{}  // closed when it cannot deliver any more

	ended bool // nothing more is read from src; relay.mu guards it
	told  bool // dst has been told a reset of src; relay.mu guards it
}

// The most that one piece carries: as much as a buffer takes, or less where
// pieces wait, so that few bytes are on their way.
const (
	largePiece = 64 << 10
	smallPiece = 8 << 10
	skyPieces  = 64 // of them wait at most
)

var buffers = sync.Pool{New: func() any { return new([largePiece]byte) }}

// pump carries what src sends until it ends.
func (w *way) pump() {
	buf := buffers.Get().(*[largePiece]byte)
	defer buffers.Put(buf)
	for {
		n, err := w.src.conn.Read(buf[:w.portion()])
		if n > 0 && !w.send(data, buf[:n]) {
			break
		}
		if err != nil {
			w.send(w.ending(err), nil)
			break
		}
	}
	w.finish()
}

// portion is how much may be read at once.
func (w *way) portion() int {
	if w.link.plain.Load() {
		return largePiece
	}
	if rate := w.dst.host.rate.Load(); rate > 0 {
		return int(min(rate, smallPiece))
	}
	return smallPiece
}

// ending tells what the failure of a read from src means: its end, or its
// reset.
func (w *way) ending(err error) kind {
	if err != io.EOF || w.src.wasReset() {
		return rst
	}
	return fin
}

// send sends one transmission; false says that nothing more can be sent.
func (w *way) send(k kind, b []byte) bool {
	if w.relay.ctx.Err() != nil || w.src.silent.Load() {
		return false
	}
	if k == rst && !w.tells() {
		return false
	}
	p := w.depart(k, b)
	if p.due.IsZero() && w.flying.Load() == 0 {
		return w.deliver(p)
	}
	p.data = append([]byte(nil), b...)
	return w.launch(p)
}

// tells claims to tell dst of a reset, which is done once.
func (w *way) tells() bool {
	w.relay.mu.Lock()
	defer w.relay.mu.Unlock()
	first := !w.told
	w.told = true
	return first
}

// depart records a transmission and asks the link when it arrives.
func (w *way) depart(k kind, b []byte) piece {
	p := piece{kind: k, data: b, cause: w.relay.note(sendKinds[k], w.src, w.dst, journal.Event{Size: len(b)})}
	if w.link.plain.Load() {
		return p
	}
	w.count++
	f := w.link.carry(len(b), chance.Keyed(w.key, w.count), firstResend)
	if f.losses > 0 {
		w.link.net.recordLoss(w.link, w.relay.name, f)
	}
	if p.lost = f.lost; f.delay > 0 {
		p.due = time.Now().Add(f.delay)
		if p.due.Before(w.last) {
			p.due = w.last
		}
		w.last = p.due
	}
	return p
}

// recordLoss notes what loss did to a transmission.
func (n *Network) recordLoss(l *link, conn string, f fate) {
	resent := strconv.Itoa(f.losses)
	if f.lost {
		resent = "until the sender gave up"
	}
	n.append(journal.Event{
		Kind: "fault.loss", Where: l.from.name, Peer: l.to.name, Subject: conn,
		Notes: []journal.Note{{Key: "resent", Value: resent}},
	})
}

// launch lets p travel until it is due.
func (w *way) launch(p piece) bool {
	if w.sky == nil {
		w.sky = make(chan piece, skyPieces)
		w.landed.Go(w.land)
	}
	w.flying.Add(1)
	select {
	case w.sky <- p:
		return true
	case <-w.broken:
	case <-w.relay.ctx.Done():
	}
	return false
}

// land delivers what travels, in order, until there is no more. What comes
// after a failure vanishes.
func (w *way) land() {
	failed := false
	for p := range w.sky {
		if !failed && (wait(w.relay.ctx, time.Until(p.due)) != nil || !w.deliver(p)) {
			failed = true
			close(w.broken)
		}
		w.flying.Add(-1)
	}
}

// finish waits for what travels and marks the way ended. When somebody has
// found src dead meanwhile, dst is told.
func (w *way) finish() {
	if w.sky != nil {
		close(w.sky)
		w.landed.Wait()
	}
	w.relay.mu.Lock()
	w.ended = true
	tell := w.src.dead
	w.relay.mu.Unlock()
	if tell {
		w.tell()
	}
}

// tell tells dst that src was reset, after the way has ended; if it has not
// been told already.
func (w *way) tell() {
	if w.relay.ctx.Err() != nil || !w.tells() {
		return
	}
	p := w.depart(rst, nil)
	if wait(w.relay.ctx, time.Until(p.due)) == nil && w.link.pass(w.relay.ctx) == nil {
		w.arrive(p)
		return
	}
	reset(w.dst.conn)
}

// deliver brings p to dst, once the link lets it through; false says that
// nothing more can be delivered.
func (w *way) deliver(p piece) bool {
	err := w.link.pass(w.relay.ctx)
	switch {
	case errors.Is(err, errGaveUp) || err == nil && p.lost:
		w.giveUp()
		return false
	case err != nil || w.src.silent.Load():
		return false
	}
	return w.arrive(p)
}

// giveUp resets a sender whose bytes could not go on. Its peer learns of that
// when it writes.
func (w *way) giveUp() {
	w.relay.note("net.timeout", w.src, w.dst, journal.Event{})
	w.src.silent.Store(true)
	reset(w.src.conn)
}

// arrive writes p to dst. It is recorded first, so that whoever learns of it
// finds it in the journal.
func (w *way) arrive(p piece) bool {
	w.relay.note("net.deliver", w.dst, w.src, journal.Event{Size: len(p.data), Cause: p.cause})
	var err error
	switch p.kind {
	case rst:
		w.back.tells() // who is reset has nothing more to tell
		reset(w.dst.conn)
		return true
	case fin:
		w.dst.fin.Store(true)
		err = w.dst.conn.CloseWrite()
	default:
		err = w.dst.write(p.data)
		w.pace(len(p.data))
	}
	if err != nil {
		w.dead()
	}
	return err == nil
}

// pace takes time for n bytes that a slow host reads.
func (w *way) pace(n int) {
	if rate := w.dst.host.rate.Load(); rate > 0 {
		wait(w.relay.ctx, time.Duration(float64(n)/float64(rate)*float64(time.Second)))
	}
}

// dead says that dst's program is gone, and src must learn of it, as a reset
// would tell: from the way back, whose next read fails, or from here when that
// way has ended.
func (w *way) dead() {
	w.relay.mu.Lock()
	w.dst.dead = true
	ended, nobody := w.back.ended, w.src.dead
	w.relay.mu.Unlock()
	switch {
	case nobody: // is left to be told
	case ended:
		w.back.tell()
	default:
		w.src.conn.SetWriteDeadline(time.Now().Add(grace))
	}
}
