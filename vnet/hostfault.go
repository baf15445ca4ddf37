// What befalls a whole host: killed, crashed, paused, slow.

package vnet

// Down kills the host's process: its listeners and connections are gone,
// peers see resets, dials to it are refused, and nothing can be opened on it
// until Up.
func (h *Host) Down() { h.net.must(Fault{Kind: "down", A: h.name}) }

// Crash takes the host's power: its listeners and connections are gone and
// nobody is told. Dials to it and bytes for it wait and time out; after Up,
// who writes to a lost connection is reset.
func (h *Host) Crash() { h.net.must(Fault{Kind: "crash", A: h.name}) }

// Up ends Down and Crash. What lived on the host must be started again.
func (h *Host) Up() {
	h.down.Store(false)
	h.crashed.Store(false)
	h.net.changed()
}

// Pause makes the host alive but silent: its programs' reads and accepts see
// nothing, and what they write does not leave, until resume is called. Their
// clocks go on.
func (h *Host) Pause() (resume func()) { return h.net.must(Fault{Kind: "pause", A: h.name}) }

func (h *Host) kill() (undo func()) {
	h.down.Store(true)
	h.shut()
	return h.Up
}

func (h *Host) crash() (undo func()) {
	h.down.Store(true)
	h.crashed.Store(true)
	h.net.changed()
	h.shut()
	return h.Up
}

func (h *Host) pause() (undo func()) {
	h.paused.Store(true)
	h.net.changed()
	return func() {
		h.paused.Store(false)
		h.net.changed()
		h.wake()
	}
}

// wake lets every waiting operation on h look again.
func (h *Host) wake() {
	h.eachStream((*stream).wakeLocked)
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for _, l := range h.listeners {
		l.cond.Broadcast()
	}
	for _, p := range h.packets {
		p.cond.Broadcast()
	}
}

// slowDown makes everything h reads slow.
func (h *Host) slowDown(rate int) (undo func()) {
	h.rate.Store(int64(rate))
	h.eachStream(func(s *stream) { s.slow = &pace{rate: rate} })
	return func() {
		h.rate.Store(0)
		h.eachStream(func(s *stream) {
			s.slow = nil
			s.wakeLocked()
		})
	}
}

// eachStream does f to every stream on h, under its connection's lock.
func (h *Host) eachStream(f func(*stream)) {
	for c := range h.net.internalConns() {
		c.mu.Lock()
		for i := range c.ends {
			if c.ends[i].host == h {
				f(&c.ends[i])
			}
		}
		c.mu.Unlock()
	}
}
