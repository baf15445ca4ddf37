// Faults: what goes wrong with the network, as package vnet writes it down.

package loopback

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// An effect is a fault worked out, of a host by itself where it is one of
// hosts: what the journal will say, and what to do.
type effect struct {
	fault       vnet.Fault
	where, peer string
	strike      func() (undo func())
}

// Fault applies f and records it. Calling end takes it back, once; a host that
// was down or crashed is up again then, but what lived on it must be started
// anew. Faults may overlap: what one of them keeps broken stays so until the
// last has ended. A reset has no end to it.
//
// A host that is not on the network yet or a connection that is not there is
// an error, and so is an f that vnet.ParseFault could not have made. A fault
// that real sockets do not allow is an error that wraps errors.ErrUnsupported.
func (n *Network) Fault(f vnet.Fault) (end func(), err error) {
	effects, err := n.effects(f)
	if err != nil {
		return nil, fmt.Errorf("loopback: fault %q: %w", f, err)
	}
	ends := make([]func(), len(effects))
	for i, e := range effects {
		ends[i] = n.strike(e)
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}, nil
}

// strike records e, then does it: what comes of it stands behind it.
func (n *Network) strike(e effect) (end func()) {
	seq := n.recordFault(e, journal.Kind("fault."+e.fault.Kind), 0)
	undo := e.strike()
	return sync.OnceFunc(func() {
		if undo != nil {
			n.recordFault(e, "fault.end", seq)
			undo()
		}
	})
}

func (n *Network) recordFault(e effect, k journal.Kind, cause int) int {
	return n.append(journal.Event{Kind: k, Where: e.where, Peer: e.peer, Subject: e.fault.String(), Cause: cause})
}

// effects works out what f means on this network, and changes nothing.
func (n *Network) effects(f vnet.Fault) ([]effect, error) {
	if same, err := vnet.ParseFault(f.String()); err != nil {
		return nil, err
	} else if same != f {
		return nil, fmt.Errorf("%+v has fields that its kind does not take", f)
	}
	switch f.Kind {
	case "full":
		return nil, fmt.Errorf("backlogs are the kernel's: %w", errors.ErrUnsupported)
	case "reset":
		return n.resetting(f)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	as, err := n.named(f.A)
	if err != nil {
		return nil, err
	}
	bs, err := n.named(f.B)
	if err != nil {
		return nil, err
	}
	switch f.Kind {
	case "part", "cut", "link":
		return n.separating(f, as, bs)
	case "down", "crash", "pause", "slow":
		return striking(f, as), nil
	}
	return nil, fmt.Errorf("not on real sockets: %w", errors.ErrUnsupported)
}

// named returns the hosts of a list "a,b", each once; mu is held.
func (n *Network) named(list string) (hosts []*Host, err error) {
	if list == "" {
		return nil, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		h := n.hosts[name]
		if h == nil {
			return nil, fmt.Errorf("no host %q", name)
		}
		if slices.Contains(hosts, h) {
			return nil, fmt.Errorf("host %q is named twice", name)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

// separating is a fault of links; mu is held.
func (n *Network) separating(f vnet.Fault, as, bs []*Host) ([]effect, error) {
	for _, a := range as {
		if slices.Contains(bs, a) {
			return nil, fmt.Errorf("host %q always reaches itself", a)
		}
	}
	e := effect{fault: f, where: f.A, peer: f.B}
	there, back := n.between(as, bs), n.between(bs, as)
	switch {
	case f.Kind == "link":
		e.strike = func() func() { return n.overlay(there, f.Link) }
	case f.Kind == "cut":
		e.strike = func() func() { return n.cut(there) }
	case f.B != "":
		e.strike = func() func() { return n.cut(append(there, back...)) }
	default:
		e.strike = func() func() { return n.part(as) }
	}
	return []effect{e}, nil
}

// between returns the links from each of as to each of bs; mu is held.
func (n *Network) between(as, bs []*Host) (links []*link) {
	for _, a := range as {
		for _, b := range bs {
			links = append(links, n.link(a, b))
		}
	}
	return links
}

// change does what changes links or hosts, and lets who waits look again.
func (n *Network) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	n.changed()
}

// cut blocks links until heal is called.
func (n *Network) cut(links []*link) (heal func()) {
	shift := func(by int) {
		n.change(func() {
			for _, l := range links {
				l.cuts += by
			}
		})
	}
	shift(1)
	return func() { shift(-1) }
}

// partition separates the hosts inside from all others.
type partition struct{ inside []*Host }

func (p *partition) crosses(l *link) bool {
	return slices.Contains(p.inside, l.from) != slices.Contains(p.inside, l.to)
}

// part cuts every link, of now and later, between hosts and the others.
func (n *Network) part(hosts []*Host) (heal func()) {
	p := &partition{hosts}
	shift := func(by int) {
		n.change(func() {
			if n.parts = without(n.parts, p); by > 0 {
				n.parts = append(n.parts, p)
			}
			for _, l := range n.links {
				if p.crosses(l) {
					l.cuts += by
				}
			}
		})
	}
	shift(1)
	return func() { shift(-1) }
}

// overlay sets links until undo is called.
func (n *Network) overlay(links []*link, c vnet.LinkConfig) (undo func()) {
	n.change(func() {
		for _, l := range links {
			l.faults = append(l.faults, &c)
		}
	})
	return func() {
		n.change(func() {
			for _, l := range links {
				l.faults = without(l.faults, &c)
			}
		})
	}
}

// resetting is a fault of one connection.
func (n *Network) resetting(f vnet.Fault) ([]effect, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.relays, func(r *relay) bool { return r.name == f.A })
	if i < 0 {
		return nil, fmt.Errorf("no connection %q", f.A)
	}
	r := n.relays[i]
	from, to := &r.ends[0], &r.ends[1]
	return []effect{{fault: f, where: from.host.name, peer: to.host.name, strike: func() func() {
		r.note("net.reset", from, to, journal.Event{})
		r.cut()
		return nil
	}}}, nil
}

// without returns s without the element e.
func without[E comparable](s []E, e E) []E {
	return slices.DeleteFunc(s, func(x E) bool { return x == e })
}
