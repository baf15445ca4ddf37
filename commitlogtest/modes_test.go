// The tests of agents once more, on real sockets, and with each agent a process.

package commitlogtest_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/clustertest"
)

// Elsewhere these run in a bubble: what is here are the same functions, which
// take the mode that the environment says.
func TestAgentsInRealTime(t *testing.T) {
	for _, mode := range []clustertest.Mode{clustertest.Loopback, clustertest.Processes} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Setenv("REHEARSE_MODE", mode.String())
			t.Run("three hold one log", atOnce(TestThreeAgentsHoldOneLog))
			t.Run("what befalls nodes", atOnce(TestTheLogOutlivesWhateverBefallsItsNodes))
		})
	}
}

// atOnce runs a test beside others: most of their time is spent waiting for
// elections.
func atOnce(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		test(t)
	}
}
