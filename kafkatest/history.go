// History: the exchanges that brokers remember.

package kafkatest

import (
	"cmp"
	"reflect"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A history holds the latest exchanges of one broker, as a ring.
type history struct {
	mu   sync.Mutex
	kept []remembered
	next int // where the next one goes, once the ring is full
}

// A remembered exchange knows its place among those of all brokers.
type remembered struct {
	number uint64
	Exchange
}

// remember keeps an exchange that is over.
func (b *Broker) remember(e Exchange) {
	limit := b.cluster.config.History
	if limit <= 0 {
		return
	}
	e.found, e.ctx = nil, nil
	h := &b.history
	h.mu.Lock()
	defer h.mu.Unlock()
	r := remembered{b.cluster.exchanges.Add(1), e}
	if len(h.kept) < limit {
		h.kept = append(h.kept, r)
		return
	}
	h.kept[h.next] = r
	h.next = (h.next + 1) % limit
}

// all returns what is remembered, the oldest first.
func (h *history) all() []remembered {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Concat(h.kept[h.next:], h.kept[:h.next])
}

// History returns the latest exchanges of the broker, the oldest first: as
// many as Config.History says. An exchange is remembered when its answer has
// been written, or when it is clear that it gets none. The requests and
// answers are copies.
func (b *Broker) History() []Exchange { return copies(b.history.all()) }

// History returns the latest exchanges of all brokers, in the order in which
// they were over.
func (c *Cluster) History() []Exchange {
	var all []remembered
	for _, b := range c.Brokers() {
		all = append(all, b.history.all()...)
	}
	slices.SortFunc(all, func(a, b remembered) int { return cmp.Compare(a.number, b.number) })
	return copies(all)
}

func copies(all []remembered) []Exchange {
	exchanges := make([]Exchange, len(all))
	for i, r := range all {
		exchanges[i] = r.Exchange
		exchanges[i].Request = cloneRequest(r.Request)
		exchanges[i].Reply = cloneResponse(r.Reply)
	}
	return exchanges
}

// cloneRequest returns a deep copy of what the request's version says.
func cloneRequest(r kmsg.Request) kmsg.Request {
	c := kmsg.RequestForKey(r.Key())
	c.SetVersion(r.GetVersion())
	if err := c.ReadFrom(r.AppendTo(nil)); err != nil {
		return r
	}
	return c
}

// cloneResponse returns a deep copy of what the answer's version says.
func cloneResponse(r kmsg.Response) kmsg.Response {
	if r == nil {
		return nil
	}
	c := kmsg.ResponseForKey(r.Key())
	c.SetVersion(r.GetVersion())
	if err := c.ReadFrom(r.AppendTo(nil)); err != nil {
		return r
	}
	return c
}

// shallow returns a copy whose own fields may be changed.
func shallow(r kmsg.Response) kmsg.Response {
	c := reflect.New(reflect.TypeOf(r).Elem())
	c.Elem().Set(reflect.ValueOf(r).Elem())
	return c.Interface().(kmsg.Response)
}
