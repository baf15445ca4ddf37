// Watches: an event is not seen before the write that it tells of.

package etcd_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

// A board has what was written so far.
type board struct {
	mu      sync.Mutex
	written map[string]bool
}

func (b *board) write(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written[text] = true
}

func (b *board) has(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written[text]
}

// watch sees n events of a watcher, and returns when it has.
func watch(a *stage.Act, who string, events clientv3.WatchChan, b *board, n int) {
	for n > 0 {
		r, ok := <-events
		if !ok || r.Err() != nil {
			a.Errorf("%s: the watch ended: %v", who, r.Err())
			return
		}
		for _, e := range r.Events {
			text := fmt.Sprintf("%s=%s", e.Kv.Key, e.Kv.Value)
			if e.Type == clientv3.EventTypePut && !b.has(text) {
				a.Errorf("%s saw %s before it was written", who, text)
			}
			a.See(who, "%v %s of version %d at %d", e.Type, text, e.Kv.Version, e.Kv.ModRevision)
			n--
		}
	}
}

// put writes as the board has it.
func put(a *stage.Act, c *clientv3.Client, b *board, key, value string) {
	b.write(key + "=" + value)
	r, err := c.Put(a.Context(), key, value)
	a.See("program", "put %v %v", r, err)
}

func TestAWatcherSeesWhatIsWrittenWhenItIs(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		b := &board{written: make(map[string]bool)}
		ctx, cancel := context.WithCancel(a.Context())
		events := c.Watch(ctx, "a", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		a.See("watcher", "created %v", (<-events).Created)
		done := make(chan struct{})
		go func() {
			defer close(done)
			watch(a, "watcher", events, b, 4)
		}()
		for i := range 3 {
			put(a, c, b, fmt.Sprint("a", i), "v")
		}
		deleted, err := c.Delete(a.Context(), "a1")
		a.See("program", "delete %v %v", deleted, err)
		<-done
		cancel()
		for range events { // until the watcher is gone
		}
	})
}

func TestEachWatcherSeesItsOwn(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		b := &board{written: make(map[string]bool)}
		put(a, c, b, "b", "old")
		first := c.Watch(a.Context(), "a", clientv3.WithCreatedNotify())
		a.See("a", "created %v", (<-first).Created)
		second := c.Watch(a.Context(), "b", clientv3.WithCreatedNotify())
		a.See("b", "created %v", (<-second).Created)
		var group sync.WaitGroup
		group.Go(func() { watch(a, "a", first, b, 3) })
		group.Go(func() { watch(a, "b", second, b, 2) })
		put(a, c, b, "a", "1")
		put(a, c, b, "b", "1")
		put(a, c, b, "a", "2")
		put(a, c, b, "c", "1")
		put(a, c, b, "b", "2")
		put(a, c, b, "a", "3")
		past := c.Watch(a.Context(), "b", clientv3.WithRev(1), clientv3.WithPrevKV())
		group.Go(func() { watch(a, "past", past, b, 3) })
		group.Wait()
	})
}

func TestWatchersOfSeveralClientsDoNotCross(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		b := &board{written: make(map[string]bool)}
		writer := client(a)
		defer writer.Close()
		var group sync.WaitGroup
		for i := range 4 {
			c := client(a)
			defer c.Close()
			who := fmt.Sprint("watcher ", i)
			events := c.Watch(a.Context(), fmt.Sprint("k", i%2), clientv3.WithCreatedNotify())
			a.See(who, "created %v", (<-events).Created)
			group.Go(func() { watch(a, who, events, b, 5) })
		}
		for i := range 10 {
			put(a, writer, b, fmt.Sprint("k", i%2), fmt.Sprint("v", i))
		}
		group.Wait()
	})
}
