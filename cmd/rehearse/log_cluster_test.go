// Tests of rehearse log: nodes that are processes, on real sockets and disks, and what their clients see.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// leader is who leads, as rehearse log servers tells it.
func (c *tlsCluster) leader(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(good(t, "", append([]string{"servers"}, c.as("root")...)...)) {
		if words := strings.Fields(line); len(words) == 3 && words[2] == "leader" {
			return words[0]
		}
	}
	t.Fatal("nobody leads")
	return ""
}

// vote waits until all of those have a vote, as rehearse log watch tells it.
func (c *tlsCluster) vote(t *testing.T, names []string) {
	t.Helper()
	w := startLog(t, append([]string{"watch", "--node", names[0]}, c.as("root")...)...)
	defer w.end(t)
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	w.lines(func(line string) bool {
		words := strings.Fields(line) // 7 memberadded n1 index=4: voter
		if len(words) > 3 && words[1] == "memberadded" && words[len(words)-1] == "voter" {
			delete(missing, words[2])
		}
		return len(missing) > 0
	})
	if len(missing) > 0 {
		t.Fatalf("without a vote: %v: %s", missing, &w.said)
	}
}

// numbers are lines with the numbers from one up to, not including, another.
func numbers(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%d\n", i)
	}
	return b.String()
}

// TestACommittedRecordOutlivesTheProcessThatTookIt is the whole story: three
// nodes with mutual TLS, a leader that is killed, and everything is there, on
// each node, also when the killed one is back and when all were stopped.
func TestACommittedRecordOutlivesTheProcessThatTookIt(t *testing.T) {
	c := newTLSCluster(t)
	names := []string{"n0", "n1", "n2"}
	for _, name := range names {
		c.start(t, name)
	}
	c.vote(t, names)
	root := c.as("root")
	if offsets := good(t, numbers(0, 500), append([]string{"produce"}, root...)...); offsets != numbers(0, 500) {
		t.Errorf("the offsets are %.100q", offsets)
	}
	nobody := c.as("nobody")
	bad(t, exitDifferent, "nobody not permitted to produce to *", append([]string{"produce", "x"}, nobody...)...)
	bad(t, exitDifferent, "nobody not permitted to consume to *", append([]string{"consume"}, nobody...)...)
	c.holds(t, 500, names)

	dead := c.leader(t)
	if code := c.nodes[dead].end(t, os.Kill); code != -1 {
		t.Errorf("exit code %d", code)
	}
	delete(c.nodes, dead)
	good(t, numbers(500, 1000), append([]string{"produce"}, c.as("root")...)...)
	c.holds(t, 1000, sortedKeys(c.nodes))
	bad(t, exitDifferent, dead+" does not answer", append([]string{"status"}, c.as("root")...)...)

	for _, name := range sortedKeys(c.nodes) {
		c.nodes[name].said.await(t, `"a node failed" node=`+dead) // its name is free, also at another address
	}
	c.start(t, dead)
	c.holds(t, 1000, names)
	for _, name := range names {
		c.nodes[name].stop(t)
	}
}

// holds demands that each node has the numbers up to one.
func (c *tlsCluster) holds(t *testing.T, to int, names []string) {
	t.Helper()
	for _, name := range names {
		on := append([]string{"--node", name}, c.as("root")...)
		good(t, "", append([]string{"wait", "--offset", fmt.Sprint(to - 1)}, on...)...)
		if got := good(t, "", append([]string{"consume"}, on...)...); got != numbers(0, to) {
			t.Errorf("%s holds %d bytes, not the numbers up to %d", name, len(got), to)
		}
	}
}

func TestANodeThatIsStoppedComesBackWithWhatItHad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	flags := []string{"--bootstrap", "--node-name", "n0", "--data-dir", dir, "--health-addr", "127.0.0.1:0"}
	for life := range 3 {
		p := startNode(t, flags...)
		good(t, numbers(life*10, life*10+10), "produce", "--addrs", p.address())
		if got := good(t, "", "consume", "--addrs", p.address()); got != numbers(0, life*10+10) {
			t.Errorf("life %d: %q", life, got)
		}
		if out := good(t, "", "health", "--health-addr", p.ready["health"]); out != "ok\n" {
			t.Errorf("life %d: health says %q", life, out)
		}
		p.stop(t)
		bad(t, exitDifferent, "does not answer", "health", "--health-addr", p.ready["health"])
	}
}

func TestANodeThatLeavesIsNoMemberAnyMore(t *testing.T) {
	c := newTLSCluster(t)
	c.start(t, "n0")
	c.start(t, "n1")
	c.nodes["n2"] = startNode(t, append(c.flags("n2"), "--leave",
		"--start-join-addrs", c.nodes["n0"].ready["gossip"])...)
	good(t, numbers(0, 10), append([]string{"produce"}, c.as("root")...)...)
	c.holds(t, 10, []string{"n2"})
	c.nodes["n2"].stop(t)
	delete(c.nodes, "n2")
	if servers := good(t, "", append([]string{"servers"}, c.as("root")...)...); strings.Contains(servers, "n2") {
		t.Errorf("n2 has left for good, and is still there:\n%s", servers)
	}
	c.holds(t, 10, []string{"n0", "n1"})
}

func TestADirectoryHasOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := startNode(t, "--bootstrap", "--node-name", "n0", "--data-dir", dir)
	bad(t, exitUsage, "--data-dir "+dir+": another process has this log open",
		"serve", "--node-name", "n0", "--data-dir", dir,
		"--bind-addr", "127.0.0.1:0", "--rpc-port", "0")
	bad(t, exitUsage, "stop what listens there, or choose another", "serve", "--node-name", "n1", "--data-dir", dir+"1",
		"--bind-addr", "127.0.0.1:0", "--rpc-addr", p.address())
	p.stop(t)
}

func TestAnotherClustersNodeIsTurnedAway(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	old := startNode(t, "--bootstrap", "--node-name", "n1", "--data-dir", theirs)
	old.stop(t)
	bad(t, exitUsage, "node n1, not to node n2; give the --node-name that it belongs to, or another directory",
		"serve", "--node-name", "n2", "--data-dir", theirs, "--bind-addr", "127.0.0.1:0", "--rpc-port", "0")
	p := startNode(t, "--bootstrap", "--node-name", "n0", "--data-dir", ours)
	stranger := startNode(t, "--node-name", "n1", "--data-dir", theirs, "--start-join-addrs", p.ready["gossip"])
	stranger.said.await(t, "give the node that is to move an empty directory")
	if servers := good(t, "", "servers", "--addrs", p.address()); strings.Contains(servers, "n1") {
		t.Errorf("another cluster's node is a member:\n%s", servers)
	}
	stranger.stop(t)
	p.stop(t)
}

func TestANodeThatKnowsNoLeaderEndsWell(t *testing.T) {
	p, _ := beginNode(t, "--node-name", "n0", "--data-dir", t.TempDir())
	p.said.await(t, "opened")
	if code := p.end(t, syscall.SIGINT); code != exitDone {
		t.Errorf("exit code %d: %s", code, &p.said)
	}
}
