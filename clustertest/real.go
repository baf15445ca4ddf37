// The worlds of real sockets: modes Loopback and Processes.

package clustertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// real is the world of mode Loopback, and what Processes shares with it.
type real struct {
	kept    *vnettest.Kept
	network *loopback.Network
}

// openReal calls f on a network of real sockets.
func (c *cluster) openReal(t *testing.T, f func(*testing.T)) {
	t.Helper()
	net := c.config.Net
	net.Seed, net.Journal = c.config.Seed, nil
	kept := vnettest.Keep(t, net)
	c.seed, c.journal = kept.Seed, kept.Journal
	network, err := loopback.New(loopback.Config{
		Journal: kept.Journal, Seed: kept.Seed, GiveUp: net.GiveUp, Link: net.Link,
	})
	if err != nil {
		t.Fatalf("clustertest: %v", err)
	}
	t.Cleanup(func() { network.Close() })
	world := real{kept, network}
	if c.world = &world; c.config.Mode == Processes {
		if c.world, err = openProcesses(t, world, c.run); err != nil {
			t.Fatalf("clustertest: %v", err)
		}
	}
	f(t)
}

func (r *real) host(name string) Host { return r.network.Host(name) }

func (r *real) fault(f vnet.Fault) (end func(), err error) { return r.network.Fault(f) }

func (r *real) reset(x, y string) {
	for _, name := range r.network.Conns() {
		client, rest, _ := strings.Cut(name, ">")
		server, _, _ := strings.Cut(rest, ":")
		if client == x && (y == "" || server == y) || server == x && (y == "" || client == y) {
			r.network.Fault(vnet.Fault{Kind: "reset", A: name})
		}
	}
}

func (r *real) await(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	r.kept.Await(t, what, within, ok)
}

func (r *real) settle() error { return errors.ErrUnsupported }

func (r *real) spawn(m *member, who identity) (life, error) {
	return spawnInside(m, who, r.network.Host(m.name))
}
