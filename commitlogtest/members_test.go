// Members that come, go, move, are replaced and come back.

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
)

// buildReplicaAt builds a node that listens at a port, and founds a cluster or
// does not.
func buildReplicaAt(e *clustertest.Env, port string, founds bool, c commitlog.Config) (*replica, error) {
	l, err := e.Listen(context.Background(), "tcp", e.Name()+port)
	if err != nil {
		return nil, err
	}
	c.Name, c.Addr, c.Bootstrap = e.Name(), e.Name()+port, founds
	c.FS, c.Listener, c.Dial = e.FS(), l, e.Dial
	c.Tick, c.Now, c.Logger = e.Tick, e.Now, e.Logger()
	n, err := commitlog.New(c)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &replica{Node: n, env: e}, nil
}

// member is the node as the configuration should name it.
func member(n *place) commitlog.Member {
	return commitlog.Member{Name: n.Name(), Addr: n.Name() + ":8400", ID: n.Program().Status().ID}
}

// minute is how long a test waits for anything.
func minute() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// join lets the leader take a node in, and retries at the next leader.
func join(t *testing.T, at *place, m commitlog.Member) {
	t.Helper()
	ctx, cancel := minute()
	defer cancel()
	if err := at.Program().Join(ctx, m); err != nil {
		t.Fatalf("%s takes %+v in: %v", at.Name(), m, err)
	}
}

func remove(t *testing.T, at *place, name string) {
	t.Helper()
	ctx, cancel := minute()
	defer cancel()
	if err := at.Program().Remove(ctx, name); err != nil {
		t.Fatalf("%s removes %s: %v", at.Name(), name, err)
	}
}

// awaitMembers awaits that a node knows just these members: "n0 n1 learner:n2".
func awaitMembers(t *testing.T, n *place, want string) {
	t.Helper()
	ctx, cancel := minute()
	defer cancel()
	err := n.Program().WaitMembers(ctx, func(all []commitlog.Member) bool { return membersText(all) == want })
	if err != nil {
		t.Fatalf("%s knows the members %q, not %q: %v", n.Name(), membersText(n.Program().Status().Members), want, err)
	}
}

func membersText(all []commitlog.Member) string {
	var names []string
	for _, m := range all {
		if m.Learner {
			m.Name = "learner:" + m.Name
		}
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

// wipe empties the disk of a node that is down.
func wipe(t *testing.T, n *place) {
	t.Helper()
	disk := n.Disk().Mount()
	for _, name := range n.Disk().Files() {
		if err := disk.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.SyncDir("."); err != nil {
		t.Fatal(err)
	}
}

func others(c *replicas, not ...*place) (all []*place) {
	for n := range c.Running() {
		if !slices.Contains(not, n) {
			all = append(all, n)
		}
	}
	return all
}

func TestALearnerThatStaysHasTheLogAndNoVote(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 2}, newReplica, func(t *testing.T, c *replicas) {
		first, second := leader(c), c.Node(1)
		m := member(second)
		m.Learner = true
		join(t, first, m)
		produce(t, first, "one")
		same(c, "one")
		time.Sleep(10 * time.Second) // virtual
		awaitMembers(t, second, "n0 learner:n1")
		if role := second.Program().Status().Role; role != commitlog.Learning {
			t.Errorf("the learner is a %v", role)
		}
		if err := first.Program().Transfer(t.Context(), "n1"); err == nil {
			t.Error("leadership was handed to a learner")
		}
		first.Crash()
		time.Sleep(10 * time.Second) // virtual
		if role := second.Program().Status().Role; role != commitlog.Learning {
			t.Errorf("without a leader the learner is a %v", role)
		}
		first.Start()
		leader(c)
		join(t, first, member(second))
		awaitMembers(t, second, "n0 n1")
		produce(t, first, "two")
		same(c, "one", "two")
		join(t, first, m)
		awaitMembers(t, second, "n0 learner:n1")
	})
}

func TestJoiningTwiceChangesNothing(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		before := produce(t, first, "one")
		for n := range c.Nodes() {
			join(t, first, member(n))
			join(t, first, member(n))
		}
		remove(t, first, "nobody")
		if after := produce(t, first, "two"); after.Index != before.Index+1 {
			t.Errorf("between %+v and %+v something was written", before, after)
		}
	})
}

func TestMembersThatMakeNoSenseAreRefused(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 2}, newReplica, func(t *testing.T, c *replicas) {
		first := leader(c)
		id := first.Program().Status().ID
		for _, m := range []commitlog.Member{
			{}, {Name: "x", Addr: "x:1"}, {Name: "x", ID: 7}, {Addr: "x:1", ID: 7},
			{Name: "x", Addr: "x:1", ID: ^uint64(0)},
			{Name: "x", Addr: "x:1", ID: id},
			{Name: "n0", Addr: "n0:8400", ID: 7}, // in place of the only voter
			{Name: "n0", Addr: "n0:8400", ID: id, Learner: true},
			{Name: strings.Repeat("x", 1<<20), Addr: "x:1", ID: 7},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if err := first.Program().Join(ctx, m); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%.60v joins: %v", m, err)
			}
			cancel()
		}
		if err := first.Program().Remove(t.Context(), "n0"); err == nil {
			t.Error("the only voter was removed")
		}
		produce(t, first, "one")
		if err := c.Node(1).Program().Join(t.Context(), member(first)); !errors.As(err, new(commitlog.NotLeader)) {
			t.Errorf("a node that does not lead takes one in: %v", err)
		}
		if err := c.Node(1).Program().Remove(t.Context(), "n0"); !errors.As(err, new(commitlog.NotLeader)) {
			t.Errorf("a node that does not lead removes one: %v", err)
		}
		first.Restart()
		leader(c)
		awaitMembers(t, first, "n0")
	})
}

func TestANodeThatLostItsDiskIsReplaced(t *testing.T) {
	for _, loses := range []string{"leader", "follower"} {
		t.Run(loses, func(t *testing.T) {
			clustertest.Run(t, clustertest.Config{}, joiner, func(t *testing.T, c *replicas) {
				found(c)
				first := leader(c)
				produce(t, first, "one")
				same(c, "one")
				lost := others(c, first)[0]
				if loses == "leader" {
					lost = first
				}
				old := lost.Program().Status().ID
				lost.Crash()
				first = leader(c)
				produce(t, first, "two")
				wipe(t, lost)
				lost.Start()
				now := member(lost)
				if now.ID == old {
					t.Fatal("a new directory has the old ID")
				}
				join(t, first, now)
				awaitVoters(c)
				for _, m := range first.Program().Status().Members {
					if m.ID == old {
						t.Errorf("the old ID is a member still: %+v", m)
					}
				}
				same(c, "one", "two")
				others(c, lost)[0].Crash()
				produce(t, leader(c), "three") // with the new one's vote
				same(c, "one", "two", "three")
			})
		})
	}
}

// joiner is a replica that founds a cluster in its first life only.
func joiner(e *clustertest.Env) (*replica, error) {
	return buildReplicaAt(e, ":8400", e.Index() == 0 && e.Life() == 0, commitlog.Config{})
}

func TestAFollowerIsRemovedAndComesBack(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		produce(t, first, "one")
		same(c, "one")
		gone := others(c, first)[0]
		back := member(gone)
		remove(t, first, gone.Name())
		awaitMembers(t, first, membersText(slices.DeleteFunc(first.Program().Status().Members,
			func(m commitlog.Member) bool { return m.Name == gone.Name() })))
		term := first.Program().Status().Term
		produce(t, first, "two")
		gone.Restart()
		time.Sleep(time.Minute) // virtual
		if now := first.Program().Status(); now.Role != commitlog.Leading || now.Term != term {
			t.Errorf("whoever was removed disturbs the others: %+v", now)
		}
		if s := gone.Program().Status(); s.Role == commitlog.Leading {
			t.Errorf("it leads, alone: %+v", s)
		}
		_, err := gone.Program().Produce(t.Context(), commitlog.Batch{Records: []commitlog.Record{{}}})
		if !errors.As(err, new(commitlog.NotLeader)) {
			t.Errorf("it takes a batch: %v", err)
		}
		join(t, first, back)
		awaitVoters(c)
		produce(t, first, "three")
		same(c, "one", "two", "three")
	})
}

func TestTheLeaderIsRemovedAndStepsDown(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		produce(t, first, "one")
		remove(t, first, first.Name())
		second := leader(c, first)
		if role := first.Program().Status().Role; role == commitlog.Leading {
			t.Errorf("it was removed, and is %v", role)
		}
		produce(t, second, "two")
		if err := attempt(first, "no", time.Second); !errors.As(err, new(commitlog.NotLeader)) {
			t.Errorf("a batch for a leader that was removed: %v", err)
		}
		first.Stop()
		time.Sleep(10 * time.Second) // virtual
		same(c, "one", "two")
		if n := len(second.Program().Status().Members); n != 2 {
			t.Errorf("%d members are left", n)
		}
	})
}

func TestANodeMovesToAnotherAddress(t *testing.T) {
	mover := func(e *clustertest.Env) (*replica, error) {
		port := ":8400"
		if e.Life() > 0 {
			port = ":8500"
		}
		return buildReplicaAt(e, port, e.Index() == 0, commitlog.Config{})
	}
	clustertest.Run(t, clustertest.Config{}, mover, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		moves := others(c, first)[0]
		moves.Restart()
		produce(t, first, "one")
		m := member(moves)
		m.Addr = moves.Name() + ":8500"
		join(t, first, m)
		same(c, "one")
		others(c, first, moves)[0].Crash()
		produce(t, first, "two")
		same(c, "one", "two")
	})
}

func TestManyChangesAtOnceAreMadeOneAfterTheOther(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 6}, newReplica, func(t *testing.T, c *replicas) {
		first := leader(c)
		var all sync.WaitGroup
		for n := range c.Nodes() {
			if n != first {
				all.Go(func() {
					ctx, cancel := minute()
					defer cancel()
					if err := first.Program().Join(ctx, member(n)); err != nil {
						t.Errorf("%s joins: %v", n.Name(), err)
					}
				})
			}
		}
		all.Wait()
		awaitVoters(c)
		for i := 3; i < 6; i++ {
			all.Go(func() {
				ctx, cancel := minute()
				defer cancel()
				if err := first.Program().Remove(ctx, fmt.Sprint("n", i)); err != nil {
					t.Errorf("n%d goes: %v", i, err)
				}
			})
		}
		all.Wait()
		awaitMembers(t, first, "n0 n1 n2")
		produce(t, first, "one")
	})
}

func TestHandingOverToTheDeadFailsAndTheLeaderGoesOn(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		dead := others(c, first)[0]
		dead.Crash()
		produced := make(chan error, 1)
		began := time.Now()
		c.Settle()
		go func() {
			time.Sleep(50 * time.Millisecond) // virtual
			_, err := first.Program().Produce(context.Background(),
				commitlog.Batch{Records: []commitlog.Record{{Value: []byte("meanwhile")}}})
			produced <- err
		}()
		if err := first.Program().Transfer(t.Context(), dead.Name()); err == nil {
			t.Error("the dead leads")
		}
		if took := time.Since(began); took > 2500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if err := <-produced; err != nil {
			t.Errorf("a batch that came meanwhile: %v", err)
		}
		produce(t, first, "two")
		if err := first.Program().Transfer(t.Context(), "nobody"); err == nil {
			t.Error("nobody leads")
		}
		if err := first.Program().Transfer(t.Context(), first.Name()); err != nil {
			t.Errorf("to itself: %v", err)
		}
		to := others(c, first)[0]
		if err := first.Program().Transfer(t.Context(), to.Name()); err != nil {
			t.Errorf("to the living: %v", err)
		}
		if err := first.Program().Transfer(t.Context(), to.Name()); !errors.As(err, new(commitlog.NotLeader)) {
			t.Errorf("by who does not lead: %v", err)
		}
		dead.Start()
		leader(c)
		same(c, "meanwhile", "two")
	})
}

func TestALeaderThatIsShutDownLetsNobodyWait(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		produce(t, first, "one")
		same(c, "one")
		began := time.Now()
		if err := first.Program().Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		second := leader(c, first)
		produce(t, second, "two")
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("until the next batch was taken it took %v, as long as an election", took)
		}
		if err := first.Program().Shutdown(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
		if s := first.Program().Status(); s.Role == commitlog.Leading || !errors.Is(s.Failed, commitlog.ErrClosed) {
			t.Errorf("it has ended, and says %+v", s)
		}
		first.Start()
		same(c, "one", "two")
	})
}
