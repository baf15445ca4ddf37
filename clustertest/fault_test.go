// What the end of a fault does.

package clustertest_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest"
)

// writer is a program that writes before it runs.
type writer struct{}

func (writer) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func newWriter(e *clustertest.Env) (writer, error) {
	f, err := e.FS().OpenFile("wal", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return writer{}, err
	}
	defer f.Close()
	_, err = f.Write([]byte("begun"))
	return writer{}, err
}

func TestAProgramThatADiskKeepsFromBeingBuiltIsDownUntilTheDiskIsWell(t *testing.T) {
	var asked error
	config := clustertest.Config{Mode: clustertest.Bubble, Nodes: 1, Failed: func(_ string, err error) bool {
		asked = err
		return true
	}}
	clustertest.Run(t, config, newWriter, func(t *testing.T, c *clustertest.Cluster[writer]) {
		revive := c.Fault("crash n0")
		heal := c.Fault("disk n0 write enospc")
		revive()
		if n := c.Node(0); n.Running() || !errors.Is(asked, syscall.ENOSPC) {
			t.Errorf("it runs: %v; Failed was asked about %v", n.Running(), asked)
		}
		heal()
		if !c.Node(0).Running() {
			t.Error("it is down though its disk is well")
		}
	})
}
