// Clusters for clients on loopback, and a record of what the clients ask.

package kafka_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// patience is how long a client may take for anything on a busy machine. What
// takes longer hangs.
const patience = 60 * time.Second

// A usage is one version of one API, as some client asked it.
type usage struct {
	client       string
	key, version int16
}

// used gathers what every client asked in this run of the tests.
var used struct {
	sync.Mutex
	asked map[usage]bool
}

// observe notes who asked what. A client's name is its client id; that which
// kgo has by default, in franz-go's own suite, is franz-go's.
func observe(name string, key, version int16) {
	if name == "kgo" {
		name = "franz-go"
	}
	used.Lock()
	defer used.Unlock()
	if used.asked == nil {
		used.asked = map[usage]bool{}
	}
	used.asked[usage{name, key, version}] = true
}

// observed is a Config whose exchanges are observed.
func observed(config kafkatest.Config) kafkatest.Config {
	config.Notify = func(t kafkatest.Traffic) { observe(t.ClientID, t.Request.Key(), t.Request.GetVersion()) }
	return config
}

// start starts a cluster on loopback that lives as long as the test.
func start(t testing.TB, config kafkatest.Config) *kafkatest.Cluster {
	t.Helper()
	c, err := kafkatest.New(observed(config))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

// three is a cluster of three brokers with a topic of some partitions.
func three(topic string, partitions int) kafkatest.Config {
	return kafkatest.Config{Brokers: 3, Topics: map[string]int{topic: partitions}}
}

// soon is a context that ends when the test's patience does.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// equal fails the test if two values differ.
func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// texts are n distinct values.
func texts(prefix string, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%s-%05d", prefix, i)
	}
	return values
}

// A tally counts what arrived, by value.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	full   chan struct{}
	want   int
}

// newTally wants n distinct values.
func newTally(n int) *tally {
	return &tally{counts: map[string]int{}, full: make(chan struct{}), want: n}
}

func (y *tally) add(value string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.counts[value]++
	if y.counts[value] == 1 && len(y.counts) == y.want {
		close(y.full)
	}
}

// await waits until every value has come, and fails the test if one came more
// than most times.
func (y *tally) await(t testing.TB, most int) {
	t.Helper()
	select {
	case <-y.full:
	case <-soon(t).Done():
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.counts) < y.want {
		t.Fatalf("%d of %d values arrived", len(y.counts), y.want)
	}
	for value, n := range y.counts {
		if n > most {
			t.Errorf("%q came %d times", value, n)
		}
	}
}
