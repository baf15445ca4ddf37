// Partitions: links that let nothing through, and what happens when they heal.

package vnet

import (
	"slices"
	"strings"
)

// Part separates the named hosts from all others, in both directions, hosts
// that are added later too: what is sent between them waits until heal is
// called, and times out after Config.GiveUp. It panics when there is no host
// of a name.
func (n *Network) Part(hosts ...string) (heal func()) {
	return n.must(Fault{Kind: "part", A: strings.Join(hosts, ",")})
}

// OneWay cuts the link from one host to another; the way back stays. Since a
// dial needs both, neither host can dial the other. It panics when there is no
// host of a name.
func (n *Network) OneWay(from, to string) (heal func()) {
	return n.must(Fault{Kind: "cut", A: from, B: to})
}

// partition separates the hosts inside from all others.
type partition struct{ inside []*Host }

func (p *partition) crosses(l *Link) bool {
	return slices.Contains(p.inside, l.from) != slices.Contains(p.inside, l.to)
}

// part cuts every link, of now and later, between hosts and the others.
func (n *Network) part(hosts []*Host) (heal func()) {
	p := &partition{hosts}
	shift := func(by int32) {
		n.mu.Lock()
		if n.parts = without(n.parts, p); by > 0 {
			n.parts = append(n.parts, p)
		}
		for _, l := range n.links {
			if p.crosses(l) {
				l.cuts.Add(by)
			}
		}
		n.mu.Unlock()
		n.changed()
	}
	shift(1)
	return func() { shift(-1) }
}

// cut blocks links until heal is called.
func (n *Network) cut(links []*Link) (heal func()) {
	shift := func(by int32) {
		for _, l := range links {
			l.cuts.Add(by)
		}
		n.changed()
	}
	shift(1)
	return func() { shift(-1) }
}

// overlay sets links until undo is called.
func overlay(links []*Link, c LinkConfig) (undo func()) {
	var undos []func()
	for _, l := range links {
		undos = append(undos, l.overlay(c))
	}
	return func() {
		for _, u := range undos {
			u()
		}
	}
}

// changed finds out anew which links are blocked: what waits on them starts
// its clock, what waited on a healed one goes on. Connections come in the
// order they were made, so that a healed run repeats.
func (n *Network) changed() {
	n.mu.Lock()
	for _, l := range n.links {
		l.mu.Lock()
		l.refresh()
		l.mu.Unlock()
	}
	stuck := n.stuck
	n.stuck = nil
	n.mu.Unlock()
	for c := range n.internalConns() {
		c.relinked()
	}
	for _, a := range stuck {
		if n.is(holding) {
			n.held.push(a.entry(n.now()))
			continue
		}
		a.goOn()
	}
	n.held.signal()
}

// relinked looks after what travels on c when links have changed.
func (c *conn) relinked() {
	c.mu.Lock()
	defer c.unlock()
	for i := range c.ends {
		switch p := &c.ends[i]; {
		case !p.wire.pending() || p.wire.lost:
		case p.peer().link.blocked():
			p.stick()
		default:
			p.unstick()
		}
	}
}
