// A cluster whose leader crashes.

package commitlogtest_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/commitlogtest"
)

// In a file of tests this is TestTheLogOutlivesItsLeader.
func Example() {
	_ = func(t *testing.T) {
		commitlogtest.Run(t, commitlogtest.Config{}, func(t *testing.T, c *commitlogtest.Cluster) {
			c.AwaitVoters(3)
			first := c.Leader()
			c.Produce("one")
			first.Crash()
			c.Leader(first)
			c.Produce("two")
			first.Start()
			c.AwaitEverywhere("one", "two")
		})
	}
}
