// Await on a held network: what links delay comes when its time has come.

package vnettest_test

import (
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

func TestAwaitLetsDelaysPassOnAHeldNetwork(t *testing.T) {
	slow := vnettest.Config{Held: true, Net: vnet.Config{Link: vnet.LinkConfig{Latency: time.Second}}}
	vnettest.Run(t, slow, func(t *vnettest.T) {
		c, s := t.Pair("app", "api")
		go io.Copy(s, s)
		go io.WriteString(c, "there and back")
		var echoed atomic.Bool
		go func() {
			io.ReadFull(c, make([]byte, len("there and back")))
			echoed.Store(true)
		}()
		start := time.Now()
		t.Await("the echo", time.Minute, echoed.Load)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("the echo came after %v, want twice the link's second", took)
		}
	})
}
