// What the ancestor's tests of its agents ask, of three nodes, and its balancer's turns.

package log_test

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/interop/log/proglog"
)

func TestThreeAgentsHoldOneLog(t *testing.T) {
	t.Parallel()
	c := start(t, 3)
	ctx := within(t)
	leader := c.client(c.nodes[0], "root")
	produced := must(leader.Produce(ctx, record("foo")))(t)
	for _, n := range c.nodes {
		any := c.client(n, "root")
		// The ancestor's test sleeps here until the record has been replicated; a
		// stream waits for it.
		stream := must(any.ConsumeStream(ctx, &proglog.ConsumeRequest{Offset: produced.Offset}))(t)
		expect(t, n.name+" streams", must(stream.Recv())(t), held(produced.Offset, "foo"))
		got := must(any.Consume(ctx, &proglog.ConsumeRequest{Offset: produced.Offset}))(t)
		expect(t, n.name+" consumes", got, held(produced.Offset, "foo"))
		// That nothing is replicated twice.
		again, err := any.Consume(ctx, &proglog.ConsumeRequest{Offset: produced.Offset + 1})
		if again != nil || status.Code(err) != outside {
			t.Errorf("%s holds %v behind the only record: %v", n.name, again, err)
		}
	}
	expect(t, "servers", must(leader.GetServers(ctx, &proglog.GetServersRequest{}))(t), &proglog.GetServersResponse{
		Servers: []*proglog.Server{
			{Id: "n0", RpcAddr: c.nodes[0].address, IsLeader: true},
			{Id: "n1", RpcAddr: c.nodes[1].address},
			{Id: "n2", RpcAddr: c.nodes[2].address},
		},
	})
}

// The ancestor's client finds the servers by asking one of them, produces to
// the leader and consumes from the followers in turns.
func TestTheAncestorsBalancerTakesTurns(t *testing.T) {
	t.Parallel()
	c := start(t, 3)
	ctx := within(t)
	conn := must(grpc.NewClient(scheme+":///"+c.nodes[1].address, dialBalanced(c.tls("root"))...))(t)
	defer conn.Close()
	balanced := proglog.NewLogClient(conn)
	at := func(p *peer.Peer) string { return p.Addr.String() }

	for range 5 {
		var p peer.Peer
		if _, err := balanced.Produce(ctx, record("foo"), grpc.Peer(&p)); err != nil {
			t.Fatal(err)
		}
		if at(&p) != c.nodes[0].address {
			t.Errorf("it produced to %v, and %s leads", p.Addr, c.nodes[0].address)
		}
	}
	for _, n := range c.nodes { // all have the record, so that any may be asked
		stream := must(c.client(n, "root").ConsumeStream(ctx, &proglog.ConsumeRequest{}))(t)
		expect(t, n.name+" streams", must(stream.Recv())(t), held(0, "foo"))
	}
	consume := func() string {
		var p peer.Peer
		got := must(balanced.Consume(ctx, &proglog.ConsumeRequest{}, grpc.Peer(&p)))(t)
		expect(t, "consume", got, held(0, "foo"))
		return at(&p)
	}
	for seen := map[string]bool{}; !seen[c.nodes[1].address] || !seen[c.nodes[2].address]; {
		seen[consume()] = true // connections come up one after the other
	}
	last := consume()
	for range 10 {
		next := consume()
		if next == last || next == c.nodes[0].address {
			t.Errorf("it consumed from %s after %s; %s leads", next, last, c.nodes[0].address)
		}
		last = next
	}
}

// When the leader is killed, the ancestor's client asks again who the servers
// are, and produces to the next one: the server that it asks need not lead.
func TestTheAncestorsBalancerFindsTheNextLeader(t *testing.T) {
	t.Parallel()
	c := start(t, 3)
	ctx := within(t)
	conn := must(grpc.NewClient(scheme+":///"+c.nodes[1].address, dialBalanced(c.tls("root"))...))(t)
	defer conn.Close()
	balanced := proglog.NewLogClient(conn)
	first := must(balanced.Produce(ctx, record("before")))(t)
	expect(t, "produce", first, &proglog.ProduceResponse{})
	for _, n := range c.nodes { // all have it, and whoever answers knows that it does
		stream := must(c.client(n, "root").ConsumeStream(ctx, &proglog.ConsumeRequest{}))(t)
		expect(t, n.name+" streams", must(stream.Recv())(t), held(0, "before"))
	}
	if err := c.nodes[0].process.Kill(); err != nil {
		t.Fatal(err)
	}
	var p peer.Peer
	for { // calls wait while the balancer knows no leader; what was under way fails
		second, err := balanced.Produce(ctx, record("after"), grpc.Peer(&p))
		if err == nil {
			expect(t, "produce", second, &proglog.ProduceResponse{Offset: 1})
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("nobody takes what is produced: %v", err)
		}
	}
	if at := p.Addr.String(); at != c.nodes[1].address && at != c.nodes[2].address {
		t.Errorf("it produced to %s", at)
	}
}
