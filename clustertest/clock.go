// A node's clock, which a test may let run slow or fast.

package clustertest

import (
	"sync"
	"time"
)

// clock is a node's sense of time. It outlives the node's lives.
type clock struct {
	mu    sync.Mutex
	rate  float64   // how much of the node's time passes in a second
	since time.Time // when rate was set, by the world's clock
	local time.Time // what this clock said then
	used  bool      // a program has asked it for something
}

func newClock() *clock {
	now := time.Now()
	return &clock{rate: 1, since: now, local: now}
}

// now is what the clock says.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = true
	return c.read(time.Now())
}

// read is what the clock says at an instant of the world's; c.mu is held.
func (c *clock) read(at time.Time) time.Time {
	return c.local.Add(time.Duration(float64(at.Sub(c.since)) * c.rate))
}

// set lets the clock run at another rate from now on, and tells whether any
// program has ever asked it for the time.
func (c *clock) set(rate float64) (used bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.local, c.since, c.rate = c.read(now), now, rate
	return c.used
}

// pace is how much of the node's time passes in a second.
func (c *clock) pace() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rate
}

// stretch is how long d of this clock takes of the world's.
func (c *clock) stretch(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = true
	return time.Duration(float64(d) / c.rate)
}

// ticker ticks on a clock whose rate may change: the interval that is under
// way keeps its length.
type ticker struct {
	clock *clock
	every time.Duration
	c     chan time.Time

	mu    sync.Mutex
	timer *time.Timer // nil when stopped
}

func newTicker(c *clock, every time.Duration) *ticker {
	t := &ticker{clock: c, every: every, c: make(chan time.Time, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(c.stretch(every), t.tick)
	return t
}

// tick sends one tick, unless the last was not taken, and winds the timer up.
func (t *ticker) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil {
		return
	}
	select {
	case t.c <- t.clock.now():
	default:
	}
	t.timer.Reset(t.clock.stretch(t.every))
}

func (t *ticker) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// Now is what the node's clock says. Node.Clock changes how fast it runs.
func (e *Env) Now() time.Time { return e.clock.now() }

// Tick is a time.Ticker by the node's clock: one tick every so often, until
// stop is called. It panics if every is not positive.
func (e *Env) Tick(every time.Duration) (ticks <-chan time.Time, stop func()) {
	if every <= 0 {
		panic("clustertest: Tick needs a positive interval")
	}
	t := newTicker(e.clock, every)
	return t.c, t.stop
}

// After is time.After by the node's clock, as fast as it runs now.
func (e *Env) After(d time.Duration) <-chan time.Time { return time.After(e.clock.stretch(d)) }
