// What goes wrong: faults of nodes, networks and disks, all by their text.

package clustertest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
	"github.com/rehearse-go/rehearse/vdisk"
	"github.com/rehearse-go/rehearse/vnet"
)

// Fault makes something go wrong, told by its text, and returns what ends it:
//
//	crash n1        and started again at the end; likewise kill, poweroff, stop
//	restart n1      stopped and started, at once
//	pause n1
//	clock n1 0.2    the node's clock runs at this rate
//
//	part n0,n1 n2   these no longer reach those, nor those these
//	part n0         likewise, n0 and everybody else, clients included
//	cut n0 n1,n2    n0 no longer reaches those; they reach n0
//	ring n0,n1,n2,n3
//	link n0 n1 latency=300ms loss=0.1
//	slow n0 1024    n0 reads so many bytes a second
//	full n0:80      this listener takes no connection beyond those it has
//	reset n0 n1     every connection between the two; without n1, all of n0
//
//	disk n1 sync eio
//	disk n1 slow 20ms
//
// What is said of links is what vnet.ParseFault reads, of disks what
// vdisk.ParseFault reads; what is not said of a link stays as in Config.Net. It
// fails the test if the text is wrong or the mode cannot do it.
func (c *Cluster[P]) Fault(what string) (end func()) {
	c.T.Helper()
	end, err := c.core.strike(what)
	if err != nil {
		c.T.Fatalf("clustertest: %v", err)
	}
	return end
}

// Part parts the nodes of these numbers from all other nodes, both ways, until
// heal is called. Clients reach both sides.
func (c *Cluster[P]) Part(side ...int) (heal func()) {
	c.T.Helper()
	var in, out []string
	for _, m := range c.core.members.load() {
		if slices.Contains(side, m.index) {
			in = append(in, m.name)
		} else {
			out = append(out, m.name)
		}
	}
	if len(in) == 0 || len(in) != len(side) || len(out) == 0 {
		c.T.Fatalf("clustertest: Part(%v) leaves no two sides of %s", side, strings.Join(c.core.names(), ", "))
	}
	return c.Fault("part " + strings.Join(in, ",") + " " + strings.Join(out, ","))
}

// OneWay cuts the way from one node to another; the way back stays. Since a
// dial needs both, neither can dial the other.
func (c *Cluster[P]) OneWay(from, to int) (heal func()) {
	c.T.Helper()
	return c.Fault("cut " + c.Node(from).Name() + " " + c.Node(to).Name())
}

// Isolate parts one node from everybody, clients and hosts to come included.
func (c *Cluster[P]) Isolate(i int) (heal func()) {
	c.T.Helper()
	return c.Fault("part " + c.Node(i).Name())
}

// Ring lets every node reach its two neighbours only, the first being the
// last's. It needs at least four nodes.
func (c *Cluster[P]) Ring() (heal func()) {
	c.T.Helper()
	names := c.core.names()
	if len(names) < 4 {
		c.T.Fatalf("clustertest: a ring of %d nodes parts nobody", len(names))
	}
	return c.Fault("ring " + strings.Join(names, ","))
}

// Heal ends every fault that is in force, and starts the nodes that faults
// have ended.
func (c *Cluster[P]) Heal() { c.core.force.end() }

// strike makes something go wrong. Its end may be called from any goroutine,
// and does something once.
func (c *cluster) strike(what string) (end func(), err error) {
	deed, err := faults.ParseDeed(what)
	if err != nil {
		return nil, err
	}
	undo, err := c.effects(deed)
	if err != nil {
		return nil, fmt.Errorf("fault %q: %w", what, err)
	}
	return c.force.begin(what, undo), nil
}

// effects does a deed to each it befalls, and returns what undoes all of it.
func (c *cluster) effects(d faults.Deed) (undo func(), err error) {
	var undos []func()
	undo = func() {
		for _, u := range slices.Backward(undos) {
			u()
		}
	}
	for _, one := range c.parts(d) {
		u, err := one()
		if err != nil {
			undo()
			return nil, err
		}
		undos = append(undos, u)
	}
	return undo, nil
}

// An effect is one part of a deed.
type effect func() (undo func(), err error)

// parts takes a deed apart: by nodes, or by faults of the network.
func (c *cluster) parts(d faults.Deed) (all []effect) {
	switch d.Kind {
	case "crash":
		return []effect{func() (func(), error) { return c.slay(crashed, d.Hosts) }}
	case "kill":
		return []effect{func() (func(), error) { return c.slay(killed, d.Hosts) }}
	case "poweroff":
		return []effect{func() (func(), error) { return c.slay(powerOff, d.Hosts) }}
	case "stop", "restart", "pause", "clock", "disk":
		for _, name := range d.Hosts {
			all = append(all, func() (func(), error) { return c.suffer(name, d) })
		}
		return all
	case "reset":
		if d.Words == "" {
			return []effect{func() (func(), error) { return func() {}, c.reset(d) }}
		}
	}
	for _, f := range d.Network() {
		if f.Kind == "link" {
			f.Link = c.link(f.Link)
		}
		all = append(all, func() (func(), error) { return c.world.fault(f) })
	}
	return all
}

// link is what a fault says of a link, and else what Config.Net.Link does.
func (c *cluster) link(f vnet.LinkConfig) vnet.LinkConfig {
	base := c.config.Net.Link
	return vnet.LinkConfig{
		Latency: cmp.Or(f.Latency, base.Latency), Jitter: cmp.Or(f.Jitter, base.Jitter),
		Bandwidth: cmp.Or(f.Bandwidth, base.Bandwidth), Queue: cmp.Or(f.Queue, base.Queue),
		Loss: cmp.Or(f.Loss, base.Loss), Duplicate: cmp.Or(f.Duplicate, base.Duplicate),
		Reorder: cmp.Or(f.Reorder, base.Reorder), Corrupt: cmp.Or(f.Corrupt, base.Corrupt),
	}
}

// reset resets every connection of a deed's hosts, or of those with others.
func (c *cluster) reset(d faults.Deed) error {
	for _, a := range d.Hosts {
		if len(d.Others) == 0 {
			c.world.reset(a, "")
		}
		for _, b := range d.Others {
			c.world.reset(a, b)
		}
	}
	return nil
}

// slay cuts nodes off, all at one blow. They start again when that is undone.
func (c *cluster) slay(how death, names []string) (undo func(), err error) {
	var all []*member
	for _, name := range names {
		m, err := c.named(name)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if err := die(how, all...); err != nil {
		return nil, err
	}
	return func() {
		for _, m := range all {
			m.again()
		}
	}, nil
}

// named returns the member of that name.
func (c *cluster) named(name string) (*member, error) {
	if m := c.member(name); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("no node %q; there are %s", name, strings.Join(c.names(), ", "))
}

// suffer does a deed to one node.
func (c *cluster) suffer(name string, d faults.Deed) (undo func(), err error) {
	m, err := c.named(name)
	if err != nil {
		return nil, err
	}
	switch d.Kind {
	case "stop":
		return m.again, m.stop()
	case "restart":
		if err := m.stop(); err != nil {
			return nil, err
		}
		return func() {}, m.start()
	case "pause":
		return m.pause()
	case "clock":
		right := func() {
			m.clock.set(1) // also if nobody runs by it
			m.pace(1)
		}
		return right, m.pace(d.Rate)
	}
	return m.breakDisk(d.Words)
}

// again starts a node that is down, for a fault that has ended. Another that is
// in force, such as a disk's, may keep the program from being built.
func (m *member) again() {
	if m.state.Load() != down {
		return
	}
	err := m.start()
	if err == nil {
		return
	}
	m.fell.Store(true)
	if !m.cluster.config.Failed(m.name, err) {
		m.cluster.t.Errorf("clustertest: %v", err)
	}
}

func (m *member) breakDisk(words string) (undo func(), err error) {
	if m.disk == nil {
		return nil, errCannot(m.cluster.config.Mode, "faults of disks")
	}
	f, err := vdisk.ParseFault(words)
	if err != nil {
		return nil, err
	}
	end, err := m.disk.Fault(f)
	if err != nil {
		return nil, err
	}
	return func() {
		end()
		if m.fell.Load() { // for a program may end at an error that it cannot bear
			m.again()
		}
	}, nil
}

// forces are the faults in force, in the order they began. They may change on
// any goroutine.
type forces struct {
	mu  sync.Mutex
	all []*force
}

type force struct {
	what string
	end  func()
}

// begin adds a fault, and returns what ends it once.
func (fs *forces) begin(what string, undo func()) (end func()) {
	f := &force{what: what}
	f.end = func() {
		if fs.take(f) {
			undo()
		}
	}
	fs.mu.Lock()
	fs.all = append(fs.all, f)
	fs.mu.Unlock()
	return f.end
}

// take takes a fault out, and tells whether it was there.
func (fs *forces) take(f *force) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	i := slices.Index(fs.all, f)
	if i >= 0 {
		fs.all = slices.Delete(fs.all, i, i+1)
	}
	return i >= 0
}

// end ends them all, the last first.
func (fs *forces) end() {
	fs.mu.Lock()
	all := slices.Clone(fs.all)
	fs.mu.Unlock()
	for _, f := range slices.Backward(all) {
		f.end()
	}
}

// String lists the faults.
func (fs *forces) String() string {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.all) == 0 {
		return "none"
	}
	var texts []string
	for _, f := range fs.all {
		texts = append(texts, f.what)
	}
	return strings.Join(texts, "; ")
}
