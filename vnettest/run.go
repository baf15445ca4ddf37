// Run: a test in a bubble with a network in it.

// Package vnettest runs a test inside a testing/synctest bubble with a
// virtual network in it, speaks to programs through scripted peers, tries the
// orders in which messages can arrive, and keeps what happened when the test
// fails.
package vnettest

import (
	"cmp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// A Config describes a test's network. The zero Config is a perfect network
// that runs freely.
type Config struct {
	Net      vnet.Config   // Settle, Journal and, when 0, Seed are set by Run
	Deadline time.Duration // of the bubble's time, after which the test is stopped; if 0, 24 h
	Held     bool          // begin with Hold
}

// A T is a test and its network. Everything it does must be done on the
// test's own goroutine, except what testing.T and vnet.Network allow.
type T struct {
	*testing.T
	*vnet.Network
	Journal *journal.Journal // everything that happened so far
	Seed    uint64           // that decided every chance of the network

	news chan struct{} // has a token when the journal has grown
}

// grace is how long a program may go on after its network was closed.
const grace = time.Minute

// Run runs f in a bubble of its own, with a new network. The bubble's clock
// starts at midnight UTC 2000-01-01 and jumps ahead whenever everybody waits.
//
// When f has returned and its Cleanups have run, Run closes the network:
// every connection is reset and every listener closed, so that servers end.
// Programs then have a minute of the bubble's time to finish what only a timer
// ends. Goroutines that live on after that fail the test, which names them and
// what they wait for. They lie still from then on: other tests run as if they
// were not there, unless they share something with them that they hold.
//
// When the test fails, Run prints the seed, the command that runs it again,
// the journal's last events, and where the whole journal is kept. The journal
// is written while the test runs, so it is there after a panic or a timeout.
// A panic on another goroutine than the test's ends the process, as always.
func Run(t *testing.T, c Config, f func(*T)) {
	t.Helper()
	prepare(t)
	c.Net.Seed = cmp.Or(c.Net.Seed, chosenSeed(t), 1)
	c.Net.Settle = synctest.Wait
	if c.Net.Journal == nil {
		c.Net.Journal = new(journal.Journal)
	}
	r := newRecord(t, c)
	defer watch(t, r)()
	deadlock := contain(func() {
		synctest.Test(t, func(t *testing.T) { r.inside(t, c, f) })
	})
	if deadlock != "" {
		t.Fatalf("vnettest: %s\n%s", deadlock, r.remaining())
	}
}

// inside is what Run does in the bubble.
func (r *record) inside(t *testing.T, c Config, f func(*T)) {
	bubble := ownBubble()
	r.bubble.Store(&bubble)
	news := r.subscribe()
	n := vnet.New(c.Net)
	t.Cleanup(func() {
		n.Close()
		time.Sleep(grace)
		idleRules(t, n)
	})
	stop := time.AfterFunc(cmp.Or(c.Deadline, 24*time.Hour), func() { r.stuck(t, n) })
	t.Cleanup(func() { stop.Stop() })
	defer r.tellPanic()
	defer func() { r.ended.Store(int64(r.journal.Last())) }()
	if c.Held {
		n.Hold()
	}
	f(&T{T: t, Network: n, Journal: c.Net.Journal, Seed: c.Net.Seed, news: news})
}

// neverRule is the name of rules that only look, and are not to decide.
const neverRule = "never"

// idleRules logs the rules that never decided anything.
func idleRules(t *testing.T, n *vnet.Network) {
	for _, s := range n.RuleStats() {
		if s.Fired == 0 && s.Name != neverRule {
			t.Logf("vnettest: %v", s)
		}
	}
}

// Run is not possible inside a bubble; it fails the test and says so.
func (t *T) Run(string, func(*testing.T)) bool {
	t.Helper()
	t.Fatal("vnettest: no subtests inside a bubble; call vnettest.Run once for each subtest, outside")
	return false
}
