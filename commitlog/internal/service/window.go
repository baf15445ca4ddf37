// A window: the batches of a stream that are under way, in the order in which they came.

package service

import (
	"sync"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

const (
	windowRequests = 256     // that are under way at most
	windowBytes    = 4 << 20 // of requests that are under way at most, but one may always be
)

// A flight is a batch that is under way.
type flight struct {
	req   *logv1.ProduceRequest
	batch commitlog.Batch
	size  int
	wait  Outcome
	err   error // it did not even begin, because of this
}

// A window has one goroutine that begins flights and one that ends them.
type window struct {
	mu      sync.Mutex
	changed sync.Cond
	flights []flight
	begins  bool // a flight has room and is not there yet
	count   int  // of flights, begun and not ended
	bytes   int  // of their requests
	err     error
}

func newWindow() *window {
	w := &window{}
	w.changed.L = &w.mu
	return w
}

// room waits until there is room for a flight of that size, which begin must
// then bring. It is false when the window has closed.
func (w *window) room(size int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && w.count > 0 && (w.count >= windowRequests || w.bytes+size > windowBytes) {
		w.changed.Wait()
	}
	if w.err != nil {
		return false
	}
	w.begins = true
	w.count++
	w.bytes += size
	return true
}

// begin brings the flight that has room.
func (w *window) begin(f flight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begins = false
	w.flights = append(w.flights, f)
	w.changed.Broadcast()
}

// close says that no more flights get room, and why. The first reason stands.
func (w *window) close(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = why
	}
	w.changed.Broadcast()
}

// next waits for the next flight. When all have been given and the window has
// closed, it returns why.
func (w *window) next() (flight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.flights) == 0 && (w.err == nil || w.begins) {
		w.changed.Wait()
	}
	if len(w.flights) == 0 {
		return flight{}, w.err
	}
	f := w.flights[0]
	w.flights[0] = flight{}
	w.flights = w.flights[1:]
	return f, nil
}

// end makes room again for what f took.
func (w *window) end(f flight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count--
	w.bytes -= f.size
	w.changed.Broadcast()
}
