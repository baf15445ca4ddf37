// Which node calls go to, while leaders change and nodes come and go.

package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/certs"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// record is a record with a value.
func record(value string) client.Record { return client.Record{Value: []byte(value)} }

// produce produces one record and fails the test if that fails.
func produce(t *testing.T, c *client.Client, value string) commitlog.Pos {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pos, err := c.Produce(ctx, record(value))
	if err != nil {
		t.Fatalf("producing %s: %v", value, err)
	}
	return pos
}

// read reads one record and fails the test if that fails.
func read(t *testing.T, c *client.Client, offset uint64, o client.Options) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := c.Read(ctx, offset, o)
	if err != nil {
		t.Fatalf("reading %d: %v", offset, err)
	}
	return string(r.Value)
}

func TestWritesGoToTheLeaderAndReadsToTheFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		c.elect("n2")
		cl := c.client(client.Config{})
		for range 4 {
			produce(t, cl, "x")
		}
		synctest.Wait() // until all are connected
		for i := range uint64(4) {
			read(t, cl, i, client.Options{})
		}
		read(t, cl, 0, client.Options{Level: commitlog.Linearizable})
		for name, want := range map[string][2]int{"n1": {0, 2}, "n2": {4, 1}, "n3": {0, 2}} {
			if got := [2]int{c.count(name, "Produce"), c.count(name, "Consume")}; got != want {
				t.Errorf("%s has had %v calls to produce and to consume, want %v", name, got, want)
			}
		}
	})
}

func TestReadsGoWhereTheConfigSays(t *testing.T) {
	for _, row := range []struct {
		read client.Preference
		want [2]int // calls at the leader and at the follower
	}{
		{client.ReadFollowers, [2]int{0, 4}},
		{client.ReadLeader, [2]int{4, 0}},
		{client.ReadAny, [2]int{2, 2}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, "n1", "n2")
			c.fill(1)
			cl := c.client(client.Config{Read: row.read})
			produce(t, cl, "both are connected")
			synctest.Wait()
			for range 4 {
				read(t, cl, 0, client.Options{})
			}
			if got := [2]int{c.count("n1", "Consume"), c.count("n2", "Consume")}; got != row.want {
				t.Errorf("Read %d: %v, want %v", row.read, got, row.want)
			}
		})
	}
}

func TestTheLeaderIsReadWhenThereIsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.node("n2").learner = true
		cl := c.client(client.Config{})
		produce(t, cl, "x")
		read(t, cl, 0, client.Options{})
		if c.count("n1", "Consume") != 1 {
			t.Error("a learner was read, though the leader was there")
		}
		c.node("n1").kill()
		synctest.Wait()
		read(t, cl, 0, client.Options{})
		if c.count("n2", "Consume") != 1 {
			t.Error("the learner was not read, though nobody else was there")
		}
	})
}

func TestALeaderThatMovesIsFollowedBeforeAnybodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		cl := c.client(client.Config{})
		produce(t, cl, "a")
		for i, name := range []string{"n3", "n2", "n1"} {
			c.elect(name)
			synctest.Wait()
			produce(t, cl, "b")
			if n := c.count("n1", "Produce") + c.count("n2", "Produce") + c.count("n3", "Produce"); n != i+2 {
				t.Errorf("%d calls for %d records: some went to one who does not lead", n, i+2)
			}
		}
	})
}

func TestANodeThatDoesNotLeadSaysWhoDoesAndIsHeardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		for _, n := range c.nodes {
			n.mute = true // nobody tells but by its errors
		}
		c.elect("n3")
		cl := c.client(client.Config{})
		start := time.Now()
		produce(t, cl, "a")
		c.elect("n2")
		produce(t, cl, "b")
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v: the client waited before it went where it was sent", took)
		}
		if c.count("n2", "Produce") != 1 {
			t.Error("n2 leads and has had no call")
		}
	})
}

func TestOneThatNoLongerLeadsIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		for _, n := range c.nodes {
			n.mute = true
		}
		cl := c.client(client.Config{})
		produce(t, cl, "a")
		c.elect("n2")
		c.do(func() { c.node("n1").alone = true }) // it knows only that it does not lead
		produce(t, cl, "b")
		if c.count("n2", "Produce") == 0 {
			t.Error("n2 was not asked")
		}
	})
}

func TestSeedsAreLeftWhenTheServersAreReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.node("n1").alias = "any:8400"
		cl := c.client(client.Config{Addrs: []string{"any:8400"}})
		produce(t, cl, "a")
		synctest.Wait()
		if n := c.open("n1") + c.open("n2"); n != 2 {
			t.Errorf("%d connections to two nodes", n)
		}
		c.node("n1").kill()
		c.node("n2").kill()
		c.do(func() { c.node("n1").addr = "moved:8400" })
		c.node("n1").start() // and n2 is gone for good
		synctest.Wait()      // until the broken connections are noticed
		produce(t, cl, "b")
	})
}

func TestALeaderNobodyHasToldOfIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		n2 := c.add("n2")
		n2.members = false // GetServers does not tell of it yet
		n2.start()
		c.nodes[0].mute = true
		c.elect("n2")
		cl := c.client(client.Config{})
		produce(t, cl, "a")
		if c.count("n2", "Produce") != 1 {
			t.Error("n2 was not reached")
		}
	})
}

func TestNodesThatSendToAndFroDoNotKeepAClientBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.elect("")
		c.node("n1").stale, c.node("n2").stale = "n2", "n1"
		c.node("n1").mute, c.node("n2").mute = true, true
		cl := c.client(client.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := cl.Produce(ctx, record("a"))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, new(commitlog.NotLeader)) {
			t.Errorf("got %v", err)
		}
		if n := c.count("n1", "Produce") + c.count("n2", "Produce"); n < 10 || n > 80 {
			t.Errorf("%d attempts in ten seconds", n)
		}
	})
}

func TestCallsWaitWhileNobodyLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		c.elect("")
		cl := c.client(client.Config{})
		time.AfterFunc(5*time.Second, func() { c.elect("n3") })
		start := time.Now()
		produce(t, cl, "a")
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v; the leader was there after 5s, and told at once", took)
		}
	})
}

func TestALeaderThatWasAwayIsReachedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		cl := c.client(client.Config{})
		produce(t, cl, "a")
		c.node("n2").kill()
		time.Sleep(time.Minute + 900*time.Millisecond) // virtual
		c.node("n2").start()
		c.elect("n2")
		start := time.Now()
		produce(t, cl, "b")
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v: the client waited for its next turn to connect", took)
		}
	})
}

func TestTheNextNodeIsAskedWhenTheOneThatTellsIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		cl := c.client(client.Config{Addrs: []string{"n9:8400", "n1:8400"}})
		produce(t, cl, "a")
		synctest.Wait()
		teller := ""
		for _, n := range c.nodes {
			if c.count(n.name, "Watch") > 0 {
				teller = n.name
			}
		}
		next := map[string]string{"n1": "n2", "n2": "n3", "n3": "n2"}[teller]
		c.node(teller).kill()
		synctest.Wait()
		c.elect(next)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l, err := cl.Leader(ctx, "n1")
		if err != nil || l.ID != next || l.Addr != next+":8400" || l.Term != 2 {
			t.Errorf("leader %+v, %v; want %s", l, err, next)
		}
	})
}

func TestANodeThatIsCutOffIsNotAskedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		c.nodes[0].alone = true // it is asked first, and will never know a leader
		c.add("n2").start()
		c.elect("n2")
		cl := c.client(client.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if l, err := cl.Leader(ctx); err != nil || l.ID != "n2" {
			t.Errorf("leader %+v, %v", l, err)
		}
	})
}

func TestAClusterThatWasAwayIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		cl := c.client(client.Config{})
		produce(t, cl, "a")
		for _, n := range c.nodes {
			n.kill()
		}
		synctest.Wait()
		n3 := c.add("n3") // another node has the seed's address now
		c.do(func() { n3.addr, c.node("n1").addr = "n1:8400", "elsewhere:1" })
		time.AfterFunc(10*time.Minute, func() {
			n3.start()
			c.elect("n3")
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+3*time.Second)
		defer cancel()
		if _, err := cl.Produce(ctx, record("b")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestANewNodeIsReadOnceItIsAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		cl := c.client(client.Config{})
		produce(t, cl, "a")
		read(t, cl, 0, client.Options{})
		c.add("n2").start()
		c.do(func() { c.seq++ })
		synctest.Wait()
		read(t, cl, 0, client.Options{})
		if c.count("n2", "Consume") != 1 {
			t.Error("n2 was not read")
		}
	})
}

func TestClientsOfTwoClustersDoNotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newCluster(t, "n1"), newCluster(t, "n1", "n2")
		b.elect("n2")
		ca, cb := a.client(client.Config{}), b.client(client.Config{})
		produce(t, ca, "a")
		produce(t, cb, "b")
		if read(t, ca, 0, client.Options{}) != "a" || read(t, cb, 0, client.Options{}) != "b" {
			t.Error("a record went to the other cluster")
		}
	})
}

func TestANamedNodeIsTheOneThatAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		c.fill(3)
		c.node("n3").see(1)
		cl := c.client(client.Config{})
		on3 := client.OnNode(t.Context(), "n3")
		s, err := cl.Status(on3)
		if err != nil || s.Name != "n3" || s.Next != 1 || s.Leader.ID != "n1" || s.Role != commitlog.Leading ||
			len(s.Members) != 1 || s.Members[0].ID != 7 || s.Failed == nil {
			t.Errorf("status %+v, %v", s, err)
		}
		if err := cl.WaitOffset(t.Context(), 2); err != nil { // at the leader
			t.Error(err)
		}
		time.AfterFunc(time.Second, func() { c.node("n3").see(2) })
		time.AfterFunc(2*time.Second, func() { c.node("n3").see(3) })
		start := time.Now()
		if err := cl.WaitOffset(on3, 1); err != nil || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := cl.Wait(on3, commitlog.Applied, commitlog.Pos{Index: 3, Term: 1}); err != nil ||
			time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		err = cl.Wait(on3, commitlog.Applied, commitlog.Pos{Index: 1, Term: 99})
		if s := (commitlog.Superseded{}); !errors.As(err, &s) || s.By != 100 {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := cl.Status(client.OnNode(ctx, "n7")); err == nil || !strings.Contains(err.Error(), "no node n7") {
			t.Errorf("got %v", err)
		}
	})
}

func TestServersAreAskedAndLeadersWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		cl := c.client(client.Config{})
		members, err := cl.Servers(t.Context())
		if err != nil || len(members) != 2 || !members[0].Leader || members[1].Addr != "n2:8400" {
			t.Errorf("servers %+v, %v", members, err)
		}
		synctest.Wait()
		var seen []string
		moves := []string{"", "n2", "n1"}
		last := uint64(0)
		for l := range cl.WatchLeader(t.Context()) {
			seen = append(seen, l.ID)
			if l.Gen <= last {
				t.Errorf("generation %d after %d", l.Gen, last)
			}
			last = l.Gen
			if len(moves) == 0 {
				break
			}
			c.elect(moves[0])
			moves = moves[1:]
		}
		if got := strings.Join(seen, " "); got != "n1  n2 n1" {
			t.Errorf("leaders %q", got)
		}
	})
}

func TestAClientGeneratedFromTheServicesFileUsesTheSameWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.elect("n2")
		cl := c.client(client.Config{})
		if _, err := cl.Leader(t.Context()); err != nil {
			t.Fatal(err)
		}
		log := logv1.NewLogClient(cl.Conn())
		resp, err := log.Produce(t.Context(), &logv1.ProduceRequest{Records: []*logv1.Record{{Value: []byte("a")}}})
		if err != nil || resp.GetOffset() != 0 {
			t.Fatalf("%v, %v", resp, err)
		}
		got, err := log.Consume(client.OnNode(t.Context(), "n2"), &logv1.ConsumeRequest{Many: true})
		if err != nil || string(got.GetRecords()[0].GetValue()) != "a" || c.count("n2", "Consume") != 1 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestEveryNodeProvesToBeTheHostOfItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, err := certs.NewAuthority(certs.Config{})
		if err != nil {
			t.Fatal(err)
		}
		c := newCluster(t)
		for _, row := range [][2]string{{"n1", "n1"}, {"n2", "n2"}, {"n3", "elsewhere"}} {
			tls, err := ca.ServerTLS(row[1])
			if err != nil {
				t.Fatal(err)
			}
			c.options = []grpc.ServerOption{grpc.Creds(credentials.NewTLS(tls))}
			c.add(row[0]).start()
		}
		c.elect("n2")
		tls, err := ca.ClientTLS("root")
		if err != nil {
			t.Fatal(err)
		}
		cl := c.client(client.Config{TLS: tls})
		produce(t, cl, "a")
		c.elect("n3")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := cl.Produce(ctx, record("b")); err == nil || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("n3 has the certificate of another host, and yet: %v", err)
		}
	})
}
