// What befalls a whole host: down, crashed, paused, slow.

package loopback

import (
	"cmp"
	"slices"

	"github.com/rehearse-go/rehearse/vnet"
)

// striking is a fault of hosts.
func striking(f vnet.Fault, hosts []*Host) (effects []effect) {
	for _, h := range hosts {
		f.A = h.name
		e := effect{fault: f, where: h.name}
		switch f.Kind {
		case "down":
			e.strike = func() func() { return h.fall(&h.kills) }
		case "crash":
			e.strike = func() func() { return h.fall(&h.crashes) }
		case "pause":
			e.strike = h.pause
		default:
			e.strike = func() func() { return h.slow(f.Rate) }
		}
		effects = append(effects, e)
	}
	return effects
}

// fall ends what lives on h and keeps it from opening anything, until undo is
// called. Peers see resets and dials are refused; but if h crashed, they learn
// nothing and dials wait.
func (h *Host) fall(count *int) (undo func()) {
	crashed := count == &h.crashes
	var relays []*relay
	h.net.change(func() {
		*count++
		relays = slices.Clone(h.net.relays)
	})
	for _, r := range relays {
		r.killed(h, crashed)
	}
	shutAll(h.net.takeSockets(h))
	return func() { h.net.change(func() { *count-- }) }
}

// pause stops h's bytes, from and to it, until undo is called.
func (h *Host) pause() (undo func()) {
	h.net.change(func() { h.pauses++ })
	return func() { h.net.change(func() { h.pauses-- }) }
}

// slow makes everything that h's connections read slow.
func (h *Host) slow(rate int) (undo func()) {
	own := &rate
	h.net.change(func() { h.pacing(append(h.rates, own)) })
	return func() { h.net.change(func() { h.pacing(without(h.rates, own)) }) }
}

// pacing makes the slowest of the rates count; net.mu is held.
func (h *Host) pacing(rates []*int) {
	h.rates = rates
	slowest := 0
	for _, r := range rates {
		slowest = min(cmp.Or(slowest, *r), *r)
	}
	h.rate.Store(int64(slowest))
}
