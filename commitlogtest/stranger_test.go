// Who gossips with the cluster and is none of it.

package commitlogtest_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlogtest"
)

// A node without certificates finds the others by Serf, and must not become a
// member whom nobody can talk to.
func TestAStrangerWhoGossipsBecomesNoMember(t *testing.T) {
	plain := func(c *agent.Config, e *clustertest.Env) {
		if e.Index() == 3 {
			c.ServerTLS, c.Plaintext = agent.TLS{}, true
		}
	}
	config := commitlogtest.Config{Config: clustertest.Config{Nodes: 4}, Agent: plain}
	commitlogtest.Run(t, config, func(t *testing.T, c *commitlogtest.Cluster) {
		c.AwaitVoters(3)
		time.Sleep(30 * time.Second) // virtual
		servers, err := c.Client("root").Servers(t.Context())
		if err != nil || len(servers) != 3 {
			t.Errorf("the members are %+v, %v", servers, err)
		}
	})
}
