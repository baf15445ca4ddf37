// A sweep, as the documentation shows it.

package clustertest_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// A test like this one is TestStore in a file of yours; newStore builds your
// program, and say asks it something.
func ExampleSweep() {
	_ = func(t *testing.T) {
		clustertest.Sweep(t, clustertest.SweepConfig{Seeds: 200}, newStore,
			func(t *testing.T, c *clustertest.Cluster[*store]) {
				c.Node(0).AwaitEvent("store.ready", time.Minute)
				say(c, "n0", "put greeting hello", "ok")
				c.Nemesis(clustertest.Nemesis{Within: 20 * time.Second}).Wait()
				c.Node(0).AwaitEvent("store.ready", time.Minute)
				say(c, "n0", "get greeting", "=hello")
			})
	}
}

// The store of newHasty does not sync, and this test is glad to see it.
func ExampleHunt() {
	_ = func(t *testing.T) {
		find := clustertest.Hunt(t, clustertest.SweepConfig{Seeds: 500}, newHasty, durable)
		if find == nil {
			t.Fatal("the store that does not sync has lost nothing")
		}
		t.Log(find)
	}
}
