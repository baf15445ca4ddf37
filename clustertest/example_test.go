// A cluster's life, as the documentation shows it.

package clustertest_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// The same body in every mode; newStore builds your program from its Env, and
// say asks it something.
func ExampleRun() {
	_ = func(t *testing.T) {
		for _, mode := range clustertest.Modes() {
			t.Run(mode.String(), func(t *testing.T) {
				clustertest.Run(t, clustertest.Config{Mode: mode}, newStore,
					func(t *testing.T, c *clustertest.Cluster[*store]) {
						c.Node(1).AwaitEvent("store.ready", time.Minute) // no sleep, no poll
						say(c, "n1", "put greeting hello", "ok")
						c.Node(1).Crash() // what was not synced is lost
						c.Node(1).Start()
						c.Node(1).AwaitEvent("store.ready", time.Minute)
						say(c, "n1", "get greeting", "=hello")
					})
			})
		}
	}
}
