// Starting a cluster for a test: it ends with the test, and says what went wrong.

package kafkatest

import (
	"errors"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// A TB is what a test is to Start: *testing.T, *testing.B, *testing.F.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// tail is how many events of the journal a failed test prints.
const tail = 30

// journalLimit bounds the journal that Start makes where it is given none.
const journalLimit = 8 << 20

// Start starts a cluster for a test, which fails at once if that does not
// work, and closes it when the test is over. At the end Start reports each of
// Problems as an error and logs each rule that never fired. If the test has
// failed, it prints the seed and the end of the journal, which is one of
// Start's own, without payloads, if the Config has none.
func Start(tb TB, config Config) *Cluster {
	tb.Helper()
	if config.Journal == nil {
		config.Journal, config.brief = &journal.Journal{Limit: journalLimit}, true
	}
	c, err := New(config)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(func() { c.report(tb) })
	return c
}

// report ends the cluster and says what went wrong.
func (c *Cluster) report(tb TB) {
	tb.Helper()
	if err := c.Close(); err != nil {
		tb.Errorf("%v", err)
	}
	for _, problem := range c.Problems() {
		tb.Errorf("kafkatest: %s", problem)
	}
	for _, s := range c.RuleStats() {
		if s.Fired == 0 {
			tb.Logf("kafkatest: %v", s)
		}
	}
	if !tb.Failed() {
		return
	}
	tb.Logf("kafkatest: seed %d; the last events:", c.config.Seed)
	for _, e := range c.journal.Tail(tail) {
		e.Body = nil
		tb.Logf("  %v", e)
	}
}

// errBubble explains why real sockets are refused in a bubble.
var errBubble = errors.New("kafkatest: real sockets in a testing/synctest bubble: whoever waits for one is not " +
	"durably blocked, so the bubble's clock never moves; set Config.Listen to that of a vnet host (vnettest.Run)")

// inBubble reports whether the caller runs in a testing/synctest bubble, where
// alone time has no monotonic reading.
func inBubble() bool {
	now := time.Now()
	return now == now.Round(0)
}
