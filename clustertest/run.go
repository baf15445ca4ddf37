// Run: a test on a cluster, in the mode that is asked for.

package clustertest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// Run makes a cluster, starts its nodes in order, and runs body. Build makes
// the program of one life of a node from all that it is given; it must not
// start what Run of the program does not end.
//
// When body has returned and its Cleanups have run, faults end, the programs
// are told to end, all at once, and the network is closed. Programs that do
// not return within Config.Grace fail the test by name.
//
// A failing test tells its seed, the line that runs it again, the faults in
// force, the last events, and where the whole journal is.
func Run[P Program](
	t *testing.T, c Config, build func(*Env) (P, error), body func(*testing.T, *Cluster[P]),
) {
	t.Helper()
	run := runs.next(t)
	if told != nil {
		runChild(t, run, func(e *Env) (Program, error) { return build(e) })
		return
	}
	c = c.with(t)
	core := &cluster{config: c, run: run, root: realDirs(t)}
	core.open(t, func(t *testing.T) {
		core.t = t
		cl := &Cluster[P]{T: t, core: core, build: build}
		t.Cleanup(core.close)
		for range c.Nodes {
			cl.add()
		}
		for n := range cl.Nodes() {
			n.Start()
			core.world.settle() // one after the other, where that can be known
		}
		body(t, cl)
	})
}

// realDirs is where nodes keep real files: a path that is made when a node
// asks for it.
func realDirs(t *testing.T) string {
	t.Helper()
	return t.TempDir()
}

// open makes the world of the cluster's mode and calls f in it.
func (c *cluster) open(t *testing.T, f func(*testing.T)) {
	t.Helper()
	if c.config.Mode == Bubble {
		c.openBubble(t, f)
		return
	}
	c.openReal(t, f)
}

// openBubble calls f in a bubble with a network.
func (c *cluster) openBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	net := c.config.Net
	net.Seed, net.Journal = c.config.Seed, nil
	vnettest.Run(t, vnettest.Config{Net: net, Deadline: c.config.Deadline}, func(t *vnettest.T) {
		c.seed, c.journal, c.network = t.Seed, t.Journal, t.Network
		c.world = &bubble{t}
		f(t.T)
	})
}

// close ends the cluster: faults, then programs, which are all told before any
// is waited for.
func (c *cluster) close() {
	if c.t.Failed() {
		c.t.Log(c.situation()) // while it is the one that failed
	}
	c.force.end()
	var told []*member
	for _, m := range c.members.load() {
		if m.lock(); m.tell() {
			told = append(told, m)
		}
		m.unlock()
	}
	for _, m := range told {
		if err := m.leave("the test was over"); err != nil {
			c.t.Errorf("clustertest: %v", err)
		}
	}
	for _, m := range c.members.load() {
		m.judged()
	}
}

// bubble is the world of mode Bubble.
type bubble struct{ t *vnettest.T }

func (b *bubble) host(name string) Host { return b.t.Host(name) }

func (b *bubble) fault(f vnet.Fault) (end func(), err error) { return b.t.Fault(f) }

func (b *bubble) reset(x, y string) {
	for c := range b.t.Conns() {
		client, server := c.Client().Host().Name(), c.Server().Host().Name()
		if client == x && (y == "" || server == y) || server == x && (y == "" || client == y) {
			c.Reset()
		}
	}
}

func (b *bubble) await(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	b.t.Await(what, within, ok)
}

func (b *bubble) settle() error {
	synctest.Wait()
	return nil
}

func (b *bubble) spawn(m *member, who identity) (life, error) {
	return spawnInside(m, who, b.t.Host(m.name))
}
