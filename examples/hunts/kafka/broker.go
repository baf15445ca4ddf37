// Brokers as nodes: each is killed, stopped and started again with its host.

package kafka

import (
	"context"
	"net"
	"strings"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/kafkatest"
)

// Seeds are the addresses of a cluster's brokers.
var Seeds = []string{"n0:9092", "n1:9092", "n2:9092"}

// port is where each broker is served, on its own host.
const port = "9092"

// A Site is where a Kafka cluster stands: one broker on each node. It is of
// one cluster at a time; the first node's first life begins a new one.
type Site struct {
	Config kafkatest.Config   // of each cluster; Build sets Brokers, Seed, Listen and Listeners
	Kafka  *kafkatest.Cluster // of the cluster that runs

	envs  map[string]*clustertest.Env // of each node's latest life, by its name
	hosts map[string]string           // the nodes' names, by the address that was listened on
}

// A Broker is one life of a broker.
type Broker struct {
	site *Site
	env  *clustertest.Env
}

// Build makes the broker of a node. All begin to serve when the last is there.
func (s *Site) Build(e *clustertest.Env) (*Broker, error) {
	if e.Index() == 0 && e.Life() == 0 {
		s.envs, s.hosts = map[string]*clustertest.Env{}, map[string]string{}
	}
	s.envs[e.Name()] = e
	b := &Broker{site: s, env: e}
	switch {
	case e.Life() > 0:
		return b, b.stand().Restart()
	case len(s.envs) == len(e.Nodes()):
		return b, s.open(e)
	}
	return b, nil
}

func (s *Site) open(e *clustertest.Env) (err error) {
	c := s.Config
	c.Brokers, c.Seed, c.Listen = len(s.envs), e.Seed(), s.listen
	c.Listeners = []kafkatest.Listener{{Bind: "n{id}:" + port, Advertise: "n{id}:" + port}}
	s.Kafka, err = kafkatest.New(c)
	return err
}

// listen listens on the host of a broker's address, which is a name at first,
// and a number when the broker comes back.
func (s *Site) listen(ctx context.Context, network, address string) (net.Listener, error) {
	host, known := s.hosts[address]
	if !known {
		host, _, _ = strings.Cut(address, ":")
	}
	l, err := s.envs[host].Listen(ctx, network, net.JoinHostPort(host, port))
	if err == nil {
		s.hosts[l.Addr().String()] = host
	}
	return l, err
}

// stand is the broker of the cluster.
func (b *Broker) stand() *kafkatest.Broker { return b.site.Kafka.Broker(int32(b.env.Index())) }

// Run serves until ctx is done. Then it shuts down in order, or falls, as the
// seed has it: in the second case its cluster notices after a while.
func (b *Broker) Run(ctx context.Context) error {
	<-ctx.Done()
	if b.env.Rand("end").IntN(2) == 0 {
		b.stand().Stop()
	} else {
		b.stand().Kill()
	}
	return nil
}
