// Faults as data: what can go wrong, written down, applied and taken back.

package vnet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// A Fault is something that goes wrong with a network, as plain data: it can
// be compared, printed, parsed again and applied. Its text is its kind and
// what it is about:
//
//	part a,b c      hosts a and b no longer reach c, nor c them
//	part a,b        likewise, and everybody else
//	cut a,b c       a and b no longer reach c; c reaches them
//	down a          a's process is killed: peers are reset, dials refused
//	crash a         a loses its power: nobody is told
//	pause a         a is alive but silent
//	reset NAME      the connection of that name is reset
//	full a:80       a's listener takes no connection beyond those it has
//	slow a 1024     whatever a reads, it reads at most so many bytes a second
//	link a b latency=10ms loss=0.1     the link from a to b is set so
type Fault struct {
	Kind string     // the first word
	A, B string     // hosts joined by commas, a connection, or an address
	Rate int        // of "slow": bytes a second
	Link LinkConfig // of "link"
}

// String returns the fault's text, which ParseFault reads.
func (f Fault) String() string {
	s := f.Kind + " " + f.A
	if f.B != "" {
		s += " " + f.B
	}
	switch f.Kind {
	case "slow":
		s += " " + strconv.Itoa(f.Rate)
	case "link":
		s += " " + f.Link.String()
	}
	return s
}

// arguments is how many words follow each kind, at least and at most.
var arguments = map[string][2]int{
	"part": {1, 2}, "cut": {2, 2}, "down": {1, 1}, "crash": {1, 1}, "pause": {1, 1},
	"reset": {1, 1}, "full": {1, 1}, "slow": {2, 2}, "link": {3, 10},
}

// ParseFault reads the text of a fault.
func ParseFault(s string) (Fault, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return Fault{}, errors.New("vnet: an empty fault")
	}
	f := Fault{Kind: words[0]}
	most, known := arguments[f.Kind]
	if !known {
		return Fault{}, fmt.Errorf("vnet: fault %q: no kind %q; there are %v", s, f.Kind, slices.Sorted(maps.Keys(arguments)))
	}
	if n := len(words) - 1; n < most[0] || n > most[1] {
		return Fault{}, fmt.Errorf("vnet: fault %q: %s takes %d to %d words, not %d", s, f.Kind, most[0], most[1], n)
	}
	f.A = words[1]
	var err error
	switch {
	case f.Kind == "slow":
		if f.Rate, err = strconv.Atoi(words[2]); err != nil || f.Rate <= 0 {
			err = fmt.Errorf("%q is not a number of bytes a second", words[2])
		}
	case f.Kind == "link":
		f.B = words[2]
		f.Link, err = parseLink(words[3:])
	case len(words) > 2:
		f.B = words[2]
	}
	if err != nil {
		return Fault{}, fmt.Errorf("vnet: fault %q: %w", s, err)
	}
	return f, nil
}

// parseLink reads what LinkConfig.String writes.
func parseLink(words []string) (c LinkConfig, err error) {
	for _, w := range words {
		if w == "perfect" {
			continue
		}
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "latency":
			c.Latency, err = time.ParseDuration(value)
		case "jitter":
			c.Jitter, err = time.ParseDuration(value)
		case "bandwidth":
			c.Bandwidth, err = strconv.Atoi(value)
		case "queue":
			c.Queue, err = strconv.Atoi(value)
		case "loss":
			c.Loss, err = strconv.ParseFloat(value, 64)
		case "duplicate":
			c.Duplicate, err = strconv.ParseFloat(value, 64)
		case "reorder":
			c.Reorder, err = strconv.ParseFloat(value, 64)
		case "corrupt":
			c.Corrupt, err = strconv.ParseFloat(value, 64)
		default:
			err = errors.New("no such setting")
		}
		if err != nil {
			return c, fmt.Errorf("%q: %w", w, err)
		}
	}
	return c, nil
}

// Fault applies f and records it. Calling end takes it back, once; a killed
// or crashed host is up again then, but what lived on it is not. A host that
// is not on the network yet, a connection or a listener that is not there, is
// an error.
func (n *Network) Fault(f Fault) (end func(), err error) {
	undo, err := n.apply(f)
	if err != nil {
		return nil, fmt.Errorf("vnet: fault %q: %w", f, err)
	}
	seq := n.recordFault(f)
	return sync.OnceFunc(func() {
		if undo == nil {
			return
		}
		undo()
		if n.is(recording) {
			n.append(journal.Event{Kind: "fault.end", Where: f.A, Peer: f.B, Subject: f.String(), Cause: seq})
		}
	}), nil
}

func (n *Network) recordFault(f Fault) int {
	if !n.is(recording) {
		return 0
	}
	return n.append(journal.Event{Kind: journal.Kind("fault." + f.Kind), Where: f.A, Peer: f.B, Subject: f.String()})
}

// apply does what f says and returns what takes it back, if anything can.
func (n *Network) apply(f Fault) (undo func(), err error) {
	switch f.Kind {
	case "reset":
		return nil, n.resetNamed(f.A)
	case "full":
		return n.fill(f.A)
	}
	as, err := n.named(f.A)
	if err != nil {
		return nil, err
	}
	bs, err := n.named(f.B)
	if err != nil {
		return nil, err
	}
	if f.B == "" {
		bs = n.others(as)
	}
	switch f.Kind {
	case "part":
		return n.cut(append(n.between(as, bs), n.between(bs, as)...)), nil
	case "cut":
		return n.cut(n.between(as, bs)), nil
	case "link":
		return n.relink(n.between(as, bs), f.Link), nil
	case "down":
		return each(as, (*Host).kill), nil
	case "crash":
		return each(as, (*Host).crash), nil
	case "pause":
		return each(as, (*Host).pause), nil
	case "slow":
		return each(as, func(h *Host) func() { return h.slowDown(f.Rate) }), nil
	}
	return nil, errors.New("unknown kind")
}

// each applies a fault to every host and returns what takes all of them back.
func each(hosts []*Host, f func(*Host) func()) func() {
	var undo []func()
	for _, h := range hosts {
		undo = append(undo, f(h))
	}
	return func() {
		for _, u := range undo {
			u()
		}
	}
}

// named returns the hosts of a list "a,b".
func (n *Network) named(list string) (hosts []*Host, err error) {
	if list == "" {
		return nil, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for name := range strings.SplitSeq(list, ",") {
		h := n.hosts[name]
		if h == nil {
			return nil, fmt.Errorf("no host %q", name)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

// others returns the hosts that are not among these.
func (n *Network) others(these []*Host) (rest []*Host) {
	for h := range n.Hosts() {
		if !slices.Contains(these, h) {
			rest = append(rest, h)
		}
	}
	return rest
}

// between returns the links from each of as to each of bs.
func (n *Network) between(as, bs []*Host) (links []*Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range as {
		for _, b := range bs {
			if a != b {
				links = append(links, n.link(a, b))
			}
		}
	}
	return links
}

// Part separates the named hosts from all others, in both directions: what is
// sent between them waits until heal is called, and times out after
// Config.GiveUp. It panics when there is no host of a name.
func (n *Network) Part(hosts ...string) (heal func()) {
	return n.must(Fault{Kind: "part", A: strings.Join(hosts, ",")})
}

// OneWay cuts the link from one host to another; the way back stays.
func (n *Network) OneWay(from, to string) (heal func()) {
	return n.must(Fault{Kind: "cut", A: from, B: to})
}

// must is Fault for a fault that is wrong only by misuse.
func (n *Network) must(f Fault) func() {
	end, err := n.Fault(f)
	if err != nil {
		panic(err.Error())
	}
	return end
}

// cut blocks links until the returned function is called.
func (n *Network) cut(links []*Link) (heal func()) {
	for _, l := range links {
		l.cuts.Add(1)
	}
	n.changed()
	return func() {
		for _, l := range links {
			l.cuts.Add(-1)
		}
		n.changed()
	}
}

// relink sets links until the returned function sets them back.
func (n *Network) relink(links []*Link, c LinkConfig) (undo func()) {
	before := make([]LinkConfig, len(links))
	for i, l := range links {
		before[i] = l.Config()
		l.Set(c)
	}
	return func() {
		for i, l := range links {
			l.Set(before[i])
		}
	}
}

// resetNamed resets the connection of that name.
func (n *Network) resetNamed(name string) error {
	for c := range n.Conns() {
		if c.Name() == name {
			c.Reset()
			return nil
		}
	}
	return fmt.Errorf("no connection %q", name)
}

// fill makes a listener's backlog as small as what it holds.
func (n *Network) fill(addr string) (undo func(), err error) {
	l := n.findListener(addr)
	if l == nil {
		return nil, fmt.Errorf("nobody listens on %q", addr)
	}
	l.mu.Lock()
	before := l.limit
	l.limit = min(l.limit, len(l.queue))
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.limit = before
		l.mu.Unlock()
		l.promote()
	}, nil
}

// changed finds out anew which links are blocked: what waits on them starts
// its clock, what waited on a healed one goes on. Connections come in the
// order they were made, so that a healed run repeats.
func (n *Network) changed() {
	n.mu.Lock()
	for _, l := range n.links {
		l.refresh()
	}
	stuck := n.stuck
	n.stuck = nil
	n.mu.Unlock()
	for c := range n.internalConns() {
		for i := range c.ends {
			c.ends[i].relinked()
		}
	}
	for _, a := range stuck {
		a.arrive()
	}
	n.held.signal()
}

// relinked looks after what travels towards p when links have changed.
func (p *stream) relinked() {
	p.c.mu.Lock()
	defer p.c.unlock()
	switch {
	case !p.wire.pending() || p.wire.lost:
	case p.peer().link.blocked():
		p.stick()
	default:
		p.unstick()
	}
}
