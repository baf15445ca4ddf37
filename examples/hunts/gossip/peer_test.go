// memberlist alone: five peers amid faults, each life at another port, and who knows whom afterwards.

package gossip_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/hunts/gossip"
)

func TestPeersKnowWhereTheOthersLiveNow(t *testing.T) {
	d := &directory{ports: map[string]string{}}
	sweep := clustertest.SweepConfig{Seeds: 4, Isolate: true, Config: clustertest.Config{Nodes: 5, Net: lossy}}
	clustertest.Sweep(t, sweep, d.build, func(t *testing.T, c *clustertest.Cluster[*gossip.Peer]) {
		lost := func() string { return d.lost(c) }
		awaitNone(c, "lost before", time.Minute, lost)
		storm := clustertest.Nemesis{Within: 2 * time.Minute, Pause: 3 * time.Second, Length: 10 * time.Second, Most: 3}
		c.Nemesis(storm).Wait()
		awaitNone(c, "lost after", 15*time.Minute, lost)
	})
}

// A directory knows the port of everybody's present life, as DNS would.
type directory struct {
	mu    sync.Mutex
	ports map[string]string
}

func (d *directory) port(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ports[name]
}

func (d *directory) find(name string) string { return net.JoinHostPort(name, d.port(name)) }

func (d *directory) build(e *clustertest.Env) (*gossip.Peer, error) {
	port := 7946 + e.Life()
	d.mu.Lock()
	d.ports[e.Name()] = strconv.Itoa(port)
	d.mu.Unlock()
	return gossip.NewPeer(gossip.Config{
		Name: e.Name(), Join: e.Nodes(), Logger: e.Logger(), Port: port, Find: d.find,
		Listen: e.Listen, ListenPacket: e.ListenPacket, Dial: e.Dial,
	})
}

// lost tells who does not know where somebody lives.
func (d *directory) lost(c *clustertest.Cluster[*gossip.Peer]) (lost string) {
	for n := range c.Nodes() {
		for o := range c.Nodes() {
			port := d.port(o.Name())
			if at := n.Program().Where(o.Name()); !strings.HasSuffix(at, ":"+port) {
				lost += fmt.Sprintf("%s has %s at %q, not at %s; ", n.Name(), o.Name(), at, port)
			}
		}
	}
	return lost
}
