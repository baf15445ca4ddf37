// Keep: the journal and the story of a test that runs in real time, outside of bubbles.

package vnettest

import (
	"cmp"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// A Kept is the journal of a test on real sockets, kept as Run keeps that of a
// bubble.
type Kept struct {
	Journal *journal.Journal
	Seed    uint64 // c.Seed, else -rehearse.seed, else 1

	news chan struct{}
}

// Keep begins to keep a journal for a test that runs in real time: when it
// fails it prints the seed, the command that runs it again, the last events,
// and where the whole journal is. Of c, Seed and Journal count, and its text
// goes into the journal's header; a nil Journal is made.
func Keep(t *testing.T, c vnet.Config) *Kept {
	t.Helper()
	c.Seed = cmp.Or(c.Seed, chosenSeed(t), 1)
	if c.Journal == nil {
		c.Journal = new(journal.Journal)
	}
	r := newRecord(t, Config{Net: c})
	return &Kept{Journal: c.Journal, Seed: c.Seed, news: r.subscribe()}
}

// Await returns when ok holds, asking it at once, whenever the journal has
// grown, and at the end of the time, which is real; then it ends the test. One
// goroutine may await at a time.
func (k *Kept) Await(t testing.TB, what string, within time.Duration, ok func() bool) {
	t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	for over := false; ; {
		if ok() {
			return
		}
		if over {
			t.Fatalf("vnettest: awaited %s; it did not come within %v", what, within)
		}
		select {
		case <-k.news:
		case <-end.C:
			over = true
		}
	}
}
