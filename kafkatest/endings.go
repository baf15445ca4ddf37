// Endings: connections that end at one instant are recorded in one order.

package kafkatest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// endings gathers the ends of connections until every one that ends at the
// same instant has come. Clients close all they have at once, and brokers that
// stop do too: which connection's goroutine notices first is the scheduler's
// choice, which no journal should hang on.
//
// They are recorded a nanosecond later. In a testing/synctest bubble that is
// when all goroutines have come to rest; elsewhere it is soon enough.
type endings struct {
	mu    sync.Mutex
	ended []ending
	timer *time.Timer
}

type ending struct {
	broker int32
	conn   int
	event  journal.Event
}

// noteEnd records the end of a connection, with those that end now too.
func (c *Cluster) noteEnd(x *conn, e journal.Event) {
	if c.journal == nil {
		return
	}
	c.endings.mu.Lock()
	defer c.endings.mu.Unlock()
	c.endings.ended = append(c.endings.ended, ending{x.broker.id, x.number, e})
	if len(c.endings.ended) == 1 {
		c.endings.timer = time.AfterFunc(time.Nanosecond, c.recordEndings)
	}
}

// recordEndings records what has gathered.
func (c *Cluster) recordEndings() {
	c.endings.mu.Lock()
	defer c.endings.mu.Unlock()
	slices.SortFunc(c.endings.ended, func(a, b ending) int {
		return cmp.Or(cmp.Compare(a.broker, b.broker), cmp.Compare(a.conn, b.conn))
	})
	for _, e := range c.endings.ended {
		c.note(e.event)
	}
	c.endings.ended = nil
	if c.endings.timer != nil {
		c.endings.timer.Stop()
	}
}
