// Agents that come in any order, leave for good, are shut down, fail, or belong elsewhere.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlogtest"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
)

type (
	agents = commitlogtest.Cluster
	house  = commitlogtest.Node
)

// plain runs a body on agents without certificates.
func plain(t *testing.T, nodes int, config func(*agent.Config, *clustertest.Env), body func(*testing.T, *agents)) {
	t.Helper()
	commitlogtest.Run(t, commitlogtest.Config{
		Config: clustertest.Config{Nodes: nodes}, Plain: true, Agent: config,
	}, body)
}

// knows awaits that a node knows just these members: "n0 n1 learner:n2".
func knows(t *testing.T, n *house, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	node := n.Program().Node()
	err := node.WaitMembers(ctx, func(all []commitlog.Member) bool { return membersText(all) == want })
	if err != nil {
		t.Fatalf("%s knows the members %q, not %q: %v", n.Name(), membersText(node.Status().Members), want, err)
	}
}

// ended awaits that something returns, in the bubble's time, and says how long
// it took.
func ended(t *testing.T, what string, f func(context.Context) error) time.Duration {
	t.Helper()
	ctx, cancel := minute()
	defer cancel()
	began := time.Now()
	if err := f(ctx); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return time.Since(began)
}

// goes lets a node's agent end by f, and awaits that it is down.
func goes(c *agents, n *house, what string, f func(*agent.Agent, context.Context) error) {
	c.T.Helper()
	a := n.Program().Agent
	took := ended(c.T, what, func(ctx context.Context) error { return f(a, ctx) })
	if took > 4*time.Second {
		c.T.Errorf("%s: %s took %v", n.Name(), what, took)
	}
	c.Await("it is down", time.Minute, func() bool { return !n.Running() })
}

// awaitLog awaits a line in a node's log with all of these words.
func awaitLog(c *agents, n *house, words ...string) {
	c.T.Helper()
	c.AwaitEvent(fmt.Sprintf("%s logs %q", n.Name(), words), time.Minute, func(e journal.Event) bool {
		if e.Kind != "node.log" || e.Where != n.Name() {
			return false
		}
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(string(e.Body), w) })
	})
}

func TestAgentsComeInAnyOrder(t *testing.T) {
	for _, founder := range []int{0, 1, 2} {
		t.Run(fmt.Sprintf("the founder is %d", founder), func(t *testing.T) {
			plain(t, 3, func(a *agent.Config, e *clustertest.Env) { a.Bootstrap = e.Index() == founder },
				func(t *testing.T, c *agents) {
					c.AwaitVoters(3)
					c.Produce("one")
					time.Sleep(time.Minute) // virtual
					late := c.Add()
					for n := range c.Nodes() {
						knows(t, n, "n0 n1 n2 n3")
					}
					c.Node(founder).Crash()
					c.Produce("two")
					c.Node(founder).Start()
					late.Restart()
					c.AwaitEverywhere("one", "two")
				})
		})
	}
}

// The founder starts long after those that join it.
func TestTheFounderMayComeLast(t *testing.T) {
	plain(t, 2, func(a *agent.Config, e *clustertest.Env) {
		a.Bootstrap = e.Index() == 2
		a.Join = []string{"n0:8401", "n1:8401", "n2:8401"}
	}, func(t *testing.T, c *agents) {
		time.Sleep(time.Minute) // virtual
		if s := c.Node(0).Program().Node().Status(); s.Leader.ID != "" {
			t.Errorf("somebody leads before a cluster was founded: %+v", s)
		}
		c.Add()
		for n := range c.Nodes() {
			knows(t, n, "n0 n1 n2")
		}
		c.Produce("one")
		c.AwaitEverywhere("one")
	})
}

func TestWhoLeavesIsRemovedAndWhoIsShutDownIsNot(t *testing.T) {
	plain(t, 4, nil, func(t *testing.T, c *agents) {
		c.AwaitVoters(4)
		c.Produce("one")
		first := c.Leader()
		var rest []*house
		for n := range c.Nodes() {
			if n != first {
				rest = append(rest, n)
			}
		}
		goes(c, rest[0], "leave", (*agent.Agent).Leave)
		left := fmt.Sprint(first.Name(), " ", rest[1].Name(), " ", rest[2].Name())
		names := strings.Fields(left)
		slices.Sort(names)
		knows(t, first, strings.Join(names, " "))
		knows(t, rest[1], strings.Join(names, " "))

		goes(c, rest[1], "shutdown", (*agent.Agent).Shutdown)
		time.Sleep(2 * time.Minute) // virtual
		knows(t, first, strings.Join(names, " "))
		c.Produce("two")
		rest[1].Start()

		goes(c, first, "the leader leaves", (*agent.Agent).Leave)
		c.Produce("three")
		names = slices.DeleteFunc(names, func(n string) bool { return n == first.Name() })
		knows(t, rest[2], strings.Join(names, " "))
		c.AwaitEverywhere("one", "two", "three")
		rest[0].Start() // for good, until it is started again
		knows(t, rest[2], strings.Join(slices.Sorted(slices.Values(append(names, rest[0].Name()))), " "))
		c.AwaitEverywhere("one", "two", "three")
	})
}

func TestTheLastNodeOnlyShutsDownWhenItLeaves(t *testing.T) {
	plain(t, 1, nil, func(t *testing.T, c *agents) {
		c.Produce("one")
		goes(c, c.Node(0), "leave", (*agent.Agent).Leave)
		c.Node(0).Start()
		c.Produce("two")
		c.AwaitEverywhere("one", "two")
	})
}

func TestWhoFailedStaysUnlessItIsToBeRemoved(t *testing.T) {
	plain(t, 3, nil, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		dead := follower(c)
		dead.Crash()
		time.Sleep(5 * time.Minute) // virtual
		knows(t, c.Leader(), "n0 n1 n2")
	})
}

func follower(c *agents, not ...*house) (found *house) {
	first := c.Leader()
	for n := range c.Running() {
		if n != first && !slices.Contains(not, n) {
			found = n
		}
	}
	return found
}

func TestWhoFailedIsRemovedAsLongAsMostAreThere(t *testing.T) {
	remove := func(a *agent.Config, _ *clustertest.Env) { a.Gone.RemoveAfter = time.Minute }
	plain(t, 3, remove, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		c.Produce("one")
		one := follower(c)
		one.Crash()
		first := c.Leader()
		time.Sleep(30 * time.Second) // virtual
		knows(t, first, "n0 n1 n2")
		two := follower(c, one)
		names := []string{first.Name(), two.Name()}
		slices.Sort(names)
		knows(t, first, strings.Join(names, " "))
		c.Produce("two")
		two.Crash()
		time.Sleep(2 * time.Minute) // virtual
		if all := membersText(first.Program().Node().Status().Members); all != strings.Join(names, " ") {
			t.Errorf("without a majority somebody was removed: %s are left", all)
		}
		two.Start()
		c.Produce("three")
		one.Start()
		knows(t, c.Leader(), "n0 n1 n2")
		c.AwaitEverywhere("one", "two", "three")
	})
}

// All are started again but one, which nobody sees any more.
func TestWhoIsNeverSeenAgainIsRemovedToo(t *testing.T) {
	remove := func(a *agent.Config, _ *clustertest.Env) { a.Gone.RemoveAfter = time.Minute }
	plain(t, 3, remove, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		c.Produce("one")
		for n := range c.Nodes() {
			n.Crash()
		}
		c.Node(0).Start()
		c.Node(1).Start()
		knows(t, c.Node(0), "n0 n1")
		c.Produce("two")
	})
}

func TestFoundingAgainIsHarmless(t *testing.T) {
	plain(t, 3, nil, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		c.Produce("one")
		cluster := c.Node(1).Program().Node().Status().Cluster
		for range 3 {
			c.Node(0).Restart()
			c.Produce("more")
		}
		if now := c.Node(0).Program().Node().Status().Cluster; now != cluster {
			t.Errorf("the cluster is %s, then %s", cluster, now)
		}
		c.AwaitEverywhere("one", "more", "more", "more")
	})
}

func TestTwoClustersThatMeetSayWhatIsWrong(t *testing.T) {
	config := func(a *agent.Config, e *clustertest.Env) {
		a.Bootstrap = e.Index() == 0 || e.Index() == 2
		a.Join = []string{map[int]string{1: "n0", 3: "n2", 0: "n1", 2: "n3"}[e.Index()] + ":8401"}
		if e.Index() == 3 && e.Life() > 0 {
			a.Join = []string{"n0:8401", "n1:8401"} // by mistake
		}
	}
	plain(t, 4, config, func(t *testing.T, c *agents) {
		one, two := c.Node(0), c.Node(2)
		knows(t, one, "n0 n1")
		knows(t, two, "n2 n3")
		record := commitlog.Batch{Records: []commitlog.Record{{Value: []byte("one")}}}
		for _, n := range []*house{one, two} {
			if _, err := n.Program().Node().Produce(t.Context(), record); err != nil {
				t.Fatal(err)
			}
		}
		c.Node(3).Restart()
		awaitLog(c, c.Node(3), "of cluster", one.Program().Node().Status().Cluster)
		awaitLog(c, one, "turned away", "n3", two.Program().Node().Status().Cluster)
		time.Sleep(time.Minute) // virtual
		knows(t, one, "n0 n1")
		knows(t, two, "n2 n3")
		for n := range c.Nodes() {
			if next := n.Program().Node().Status().Next; next != 1 {
				t.Errorf("%s holds %d records", n.Name(), next)
			}
		}
	})
}

func TestAnothersDirectoryIsRefused(t *testing.T) {
	plain(t, 1, nil, func(t *testing.T, c *agents) {
		c.Produce("one")
		c.Node(0).Stop()
		host := c.Host("stranger")
		_, err := agent.New(agent.Config{
			Name: "stranger", Bind: "stranger:8401", RPC: "stranger:8400", Plaintext: true,
			FS: c.Node(0).Disk().Mount(), Listen: host.Listen, ListenPacket: host.ListenPacket, Dial: host.Dial,
		})
		var wrong commitlog.WrongCluster
		if !errors.As(err, &wrong) || wrong.Want != "node stranger" || !strings.Contains(wrong.Have, "node n0") {
			t.Errorf("another node's directory: %v", err)
		}
		c.Node(0).Start()
		c.Produce("two")
	})
}

func TestAWrongGossipKeyKeepsANodeOut(t *testing.T) {
	key := func(a *agent.Config, e *clustertest.Env) {
		a.GossipKey = []byte("0123456789abcdef")
		if e.Index() == 2 && e.Life() == 0 {
			a.GossipKey = []byte("fedcba9876543210")
		}
	}
	plain(t, 3, key, func(t *testing.T, c *agents) {
		knows(t, c.Node(0), "n0 n1")
		c.Produce("one")
		awaitLog(c, c.Node(2), "nobody could be joined")
		time.Sleep(time.Minute) // virtual
		knows(t, c.Node(0), "n0 n1")
		c.Node(2).Restart()
		knows(t, c.Node(2), "n0 n1 n2")
		c.AwaitEverywhere("one")
	})
}

func TestAnAgentEndsHoweverItIsTold(t *testing.T) {
	plain(t, 1, nil, func(t *testing.T, c *agents) {
		alone := func(name string) *agent.Agent {
			host := c.Host(name)
			a, err := agent.New(agent.Config{
				Name: name, Bind: name + ":8401", RPC: name + ":8400", Plaintext: true, Bootstrap: true,
				Health: name + ":80", Gateway: name + ":81",
				FS:     vdisk.New(vdisk.Config{}).Mount(),
				Listen: host.Listen, ListenPacket: host.ListenPacket, Dial: host.Dial,
			})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for i, end := range []func(*agent.Agent, context.Context) error{(*agent.Agent).Shutdown, (*agent.Agent).Leave} {
			before := alone(fmt.Sprint("before", i))
			for range 2 {
				took := ended(t, "before it ran", func(ctx context.Context) error { return end(before, ctx) })
				if took > 0 {
					t.Errorf("it took %v", took)
				}
			}
			if err := before.Run(t.Context()); err == nil {
				t.Error("it ran after its end")
			}
			runs := alone(fmt.Sprint("runs", i))
			ran := make(chan error, 1)
			go func() { ran <- runs.Run(context.Background()) }()
			var all sync.WaitGroup
			for range 5 { // some perhaps before Run has begun
				all.Go(func() { ended(t, "at once", func(ctx context.Context) error { return end(runs, ctx) }) })
			}
			all.Wait()
			if err := <-ran; err != nil && !strings.Contains(err.Error(), "after Shutdown") {
				t.Errorf("it ran until %v", err)
			}
			now, cancel := context.WithCancel(t.Context())
			cancel()
			_ = end(c.Node(0).Program().Agent, now) // in no time: it ends nevertheless
			c.Await("it has ended", time.Minute, func() bool { return !c.Node(0).Running() })
			c.Node(0).Start()
		}
	})
}
