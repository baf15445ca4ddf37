// A storm of faults, and what must be there after it.

package kv_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/kv"
	"github.com/rehearse-go/rehearse/vdisk"
)

// syncEvery is for whoever wants to see a fault found: go test -sync-every=1s
var syncEvery = flag.Duration("sync-every", 0, "the servers' Config.SyncEvery")

func TestNoPutThatWasAcknowledgedIsLost(t *testing.T) {
	sweep := clustertest.SweepConfig{Seeds: 20, Config: clustertest.Config{
		Mode: clustertest.Bubble, Disk: vdisk.Config{Latency: time.Millisecond},
	}}
	build := func(e *clustertest.Env) (*kv.Server, error) {
		return kv.New(kv.Config{FS: e.FS(), Listen: e.Listen, SyncEvery: *syncEvery})
	}
	clustertest.Sweep(t, sweep, build, storm)
}

// A server that acknowledges before it has synced loses what it acknowledged,
// and the storm must find that out. Since such a test fails, this one runs it
// in a process of its own.
func TestTheStormFindsAServerThatSyncsTooLate(t *testing.T) {
	again := exec.CommandContext(t.Context(), os.Args[0],
		"-test.run=^TestNoPutThatWasAcknowledgedIsLost$", "-sync-every=1s")
	told, err := again.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		t.Fatalf("a server that syncs every second passed: %v\n%s", err, told)
	}
	for _, line := range []string{`has "none" for key`, "smallest faults:", "crash n"} {
		if !bytes.Contains(told, []byte(line)) {
			t.Errorf("it does not say %q:\n%s", line, told)
		}
	}
}

// storm puts one key after the other amid faults, and then looks for those
// that were acknowledged.
func storm(t *testing.T, c *cluster) {
	app := kv.Client{Dial: c.Dial}
	faults := c.Nemesis(clustertest.Nemesis{})
	acknowledged := map[string][]string{}
	for i := 0; !over(faults); i++ {
		server, key := fmt.Sprintf("n%d", i%3), fmt.Sprintf("key%d", i)
		if app.Put(within(t, time.Second), server, key, "value") == nil {
			acknowledged[server] = append(acknowledged[server], key)
		}
		time.Sleep(100 * time.Millisecond) // virtual
	}
	for n := range c.Nodes() {
		for _, key := range acknowledged[n.Name()] {
			expect(c, n.Name(), key, "value")
		}
	}
}

func over(s *clustertest.Storm) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}
