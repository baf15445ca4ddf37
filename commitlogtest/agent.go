// An agent as a cluster's program.

package commitlogtest

import (
	"context"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/journal"
)

// An Agent is what runs on a node. Its events are in the journal, as
// "log.elected" and the like.
type Agent struct {
	*agent.Agent
	env *clustertest.Env
}

// The ports that agents have on their hosts.
const (
	rpcPort  = ":8400"
	serfPort = ":8401"
)

// segment is the size of an agent's segments, in bytes: small, since a virtual
// disk is memory, and a node that starts looks at all of its last segment.
const segment = 1 << 20

func rpcAddr(node string) string { return node + rpcPort }

// builder returns what makes the agent of one life of a node.
func builder(c Config, trust *trust) func(*clustertest.Env) (*Agent, error) {
	return func(e *clustertest.Env) (*Agent, error) {
		config := agent.Config{
			Name: e.Name(), Bootstrap: e.Index() == 0,
			Bind: e.Name() + serfPort, RPC: rpcAddr(e.Name()),
			FS: e.FS(), Listen: e.Listen, ListenPacket: e.ListenPacket, Dial: e.Dial,
			Tick: e.Tick, Now: e.Now, Logger: e.Logger(),
			Plaintext: c.Plain, Segment: segment,
		}
		for _, other := range e.Nodes() {
			if other != e.Name() {
				config.Join = append(config.Join, other+serfPort)
			}
		}
		if !c.Plain {
			files, err := trust.files(e.Name())
			if err != nil {
				return nil, err
			}
			config.ServerTLS = files
		}
		if c.Agent != nil {
			c.Agent(&config, e)
		}
		a, err := agent.New(config)
		if err != nil {
			return nil, err
		}
		return &Agent{a, e}, nil
	}
}

// Run runs the agent, and tells the journal what happens.
func (a *Agent) Run(ctx context.Context) error {
	told := make(chan struct{})
	go func() {
		defer close(told)
		for e := range a.Node().Events(context.Background(), 0) {
			a.env.Event(kindOf(e.Kind), e.Node, journal.Note{Key: "note", Value: e.Note},
				journal.Note{Key: "event", Value: e.String()})
		}
	}()
	err := a.Agent.Run(ctx)
	<-told
	return err
}

func kindOf(k commitlog.Kind) journal.Kind { return "log." + journal.Kind(k) }

func noteOf(e journal.Event) string {
	for _, n := range e.Notes {
		if n.Key == "note" {
			return n.Value
		}
	}
	return ""
}

// epoch is before the first moment of any bubble, from which certificates hold.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
