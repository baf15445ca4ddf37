// Faults as data: what can go wrong, written down, applied and taken back.

package vnet

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
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
//	part a,b        likewise, and everybody else, hosts to come included
//	cut a,b c       a and b no longer reach c; c reaches them
//	down a          a's process is killed: peers are reset, dials refused
//	crash a         a loses its power: nobody is told
//	pause a         a is alive but silent
//	reset NAME      the connection of that name is reset
//	full a:80       a's listener takes no connection beyond those it has
//	slow a 1024     each of a's connections reads at most so many bytes a second
//	link a b latency=10ms loss=0.1     the link from a to b is set so
//
// Where one host is named, a list may stand, "a,b".
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
	f, err := parseFault(s)
	if err != nil {
		return Fault{}, fmt.Errorf("vnet: fault %q: %w", s, err)
	}
	return f, nil
}

func parseFault(s string) (f Fault, err error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return f, errors.New("it is empty")
	}
	f.Kind = words[0]
	most, known := arguments[f.Kind]
	if !known {
		return f, fmt.Errorf("no kind %q; there are %v", f.Kind, slices.Sorted(maps.Keys(arguments)))
	}
	if n := len(words) - 1; n < most[0] || n > most[1] {
		return f, fmt.Errorf("%s takes %d to %d words, not %d", f.Kind, most[0], most[1], n)
	}
	f.A = words[1]
	switch {
	case f.Kind == "slow":
		if f.Rate, err = strconv.Atoi(words[2]); err != nil || f.Rate <= 0 {
			return f, fmt.Errorf("%q is not a number of bytes a second", words[2])
		}
	case f.Kind == "link":
		f.B = words[2]
		f.Link, err = parseLink(words[3:])
	case len(words) > 2:
		f.B = words[2]
	}
	return f, err
}

// parseLink reads what LinkConfig.String writes.
func parseLink(words []string) (c LinkConfig, err error) {
	seconds := func(d *time.Duration) func(string) error {
		return func(s string) (err error) { *d, err = time.ParseDuration(s); return }
	}
	count := func(n *int) func(string) error {
		return func(s string) (err error) { *n, err = strconv.Atoi(s); return }
	}
	chance := func(p *float64) func(string) error {
		return func(s string) (err error) { *p, err = strconv.ParseFloat(s, 64); return }
	}
	settings := map[string]func(string) error{
		"latency": seconds(&c.Latency), "jitter": seconds(&c.Jitter),
		"bandwidth": count(&c.Bandwidth), "queue": count(&c.Queue),
		"loss": chance(&c.Loss), "duplicate": chance(&c.Duplicate),
		"reorder": chance(&c.Reorder), "corrupt": chance(&c.Corrupt),
		"perfect": func(s string) error { return nil },
	}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		set := settings[key]
		if set == nil {
			return c, fmt.Errorf("%q: a link has %v", w, slices.Sorted(maps.Keys(settings)))
		}
		if err := set(value); err != nil {
			return c, fmt.Errorf("%q: %w", w, err)
		}
	}
	return c, c.check()
}

// An effect is a fault worked out, of a host by itself where it is one of
// hosts: what the journal will say, and what to do.
type effect struct {
	fault       Fault
	where, peer string
	host        *Host // whose Up ends it, or nil
	strike      func() (undo func())
}

// Fault applies f and records it. Calling end takes it back, once; a killed
// or crashed host is up again then, but what lived on it is not. Faults may
// overlap: what one of them keeps broken stays so until the last has ended. A
// reset has no end to it.
//
// A host that is not on the network yet, a connection or a listener that is
// not there, is an error, and so is an f that ParseFault could not have made.
func (n *Network) Fault(f Fault) (end func(), err error) {
	effects, err := n.effects(f)
	if err != nil {
		return nil, fmt.Errorf("vnet: fault %q: %w", f, err)
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
	end = sync.OnceFunc(func() {
		if undo == nil {
			return
		}
		n.recordFault(e, "fault.end", seq)
		undo()
		if e.host != nil {
			e.host.strained(func(s *strain) { s.ends = without(s.ends, &end) })
		}
	})
	if e.host != nil {
		e.host.strained(func(s *strain) { s.ends = append(s.ends, &end) })
	}
	return end
}

func (n *Network) recordFault(e effect, k journal.Kind, cause int) int {
	if !n.is(recording) {
		return 0
	}
	return n.append(journal.Event{Kind: k, Where: e.where, Peer: e.peer, Subject: e.fault.String(), Cause: cause})
}

// must is Fault for a fault that is wrong only by misuse.
func (n *Network) must(f Fault) func() {
	end, err := n.Fault(f)
	if err != nil {
		panic(err.Error())
	}
	return end
}

// effects works out what f means on this network, and changes nothing.
func (n *Network) effects(f Fault) ([]effect, error) {
	if same, err := parseFault(f.String()); err != nil {
		return nil, err
	} else if same != f {
		return nil, fmt.Errorf("%+v has fields that its kind does not take", f)
	}
	switch f.Kind {
	case "reset":
		return n.resetting(f)
	case "full":
		return n.filling(f)
	}
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
	}
	return striking(f, as), nil
}

// striking is a fault of hosts.
func striking(f Fault, hosts []*Host) (effects []effect) {
	for _, h := range hosts {
		f.A = h.name
		e := effect{fault: f, where: h.name}
		switch f.Kind {
		case "down":
			e.host, e.strike = h, h.kill
		case "crash":
			e.host, e.strike = h, h.crash
		case "pause":
			e.strike = h.pause
		default:
			e.strike = func() func() { return h.slowDown(f.Rate) }
		}
		effects = append(effects, e)
	}
	return effects
}

// separating is a fault of links.
func (n *Network) separating(f Fault, as, bs []*Host) ([]effect, error) {
	for _, a := range as {
		if slices.Contains(bs, a) {
			return nil, fmt.Errorf("host %q always reaches itself", a)
		}
	}
	e := effect{fault: f, where: f.A, peer: f.B}
	there, back := n.between(as, bs), n.between(bs, as)
	switch {
	case f.Kind == "link":
		e.strike = func() func() { return overlay(there, f.Link) }
	case f.Kind == "cut":
		e.strike = func() func() { return n.cut(there) }
	case f.B != "":
		e.strike = func() func() { return n.cut(append(there, back...)) }
	default:
		e.strike = func() func() { return n.part(as) }
	}
	return []effect{e}, nil
}

// resetting is a fault of one connection.
func (n *Network) resetting(f Fault) ([]effect, error) {
	for c := range n.Conns() {
		if c.Name() == f.A {
			from, to := c.Client().Host().Name(), c.Server().Host().Name()
			reset := func() func() { c.Reset(); return nil }
			return []effect{{fault: f, where: from, peer: to, strike: reset}}, nil
		}
	}
	return nil, fmt.Errorf("no connection %q", f.A)
}

// filling is a fault of one listener.
func (n *Network) filling(f Fault) ([]effect, error) {
	host, service, err := net.SplitHostPort(f.A)
	if err != nil {
		return nil, err
	}
	if _, err := parsePort(service); err != nil {
		return nil, err
	}
	if hosts, err := n.named(host); err != nil || len(hosts) != 1 {
		return nil, cmp.Or(err, fmt.Errorf("%q names no single host", host))
	}
	l := n.findListener(f.A)
	if l == nil {
		return nil, fmt.Errorf("nobody listens on %q", f.A)
	}
	return []effect{{fault: f, where: host, strike: l.fill}}, nil
}

// named returns the hosts of a list "a,b", each once.
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
		if slices.Contains(hosts, h) {
			return nil, fmt.Errorf("host %q is named twice", name)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

// between returns the links from each of as to each of bs.
func (n *Network) between(as, bs []*Host) (links []*Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range as {
		for _, b := range bs {
			links = append(links, n.link(a, b))
		}
	}
	return links
}

// fill makes the listener's backlog as small as what it holds.
func (l *listener) fill() (undo func()) {
	l.mu.Lock()
	most := len(l.queue)
	l.caps = append(l.caps, &most)
	l.limit = l.capped()
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.caps = without(l.caps, &most)
		l.limit = l.capped()
		l.mu.Unlock()
		for l.promote() {
		}
	}
}

// capped returns how many connections the backlog takes; l.mu is held.
func (l *listener) capped() int {
	limit := l.net.cfg.Backlog
	for _, most := range l.caps {
		limit = min(limit, *most)
	}
	return limit
}
