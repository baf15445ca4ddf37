// What clients and probes are told of a node whose disk is full, or has failed.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// direct is a connection to one node, without the client's wisdom.
func direct(t *testing.T, c *agents, n *house) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+n.Name()+":8400",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return c.Dial(ctx, "tcp", address)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// probe asks a node's gRPC health and its HTTP probe.
func probe(t *testing.T, c *agents, n *house) string {
	t.Helper()
	ctx, cancel := minute()
	defer cancel()
	h, err := grpc_health_v1.NewHealthClient(direct(t, c, n)).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	web := http.Client{Transport: &http.Transport{DialContext: c.Dial, DisableKeepAlives: true}}
	answer, err := web.Get("http://" + n.Name() + ":80/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return fmt.Sprintf("%v %d %s", h.Status, answer.StatusCode, strings.TrimSpace(string(body)))
}

func produceAt(t *testing.T, c *agents, n *house, value string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request := &logv1.ProduceRequest{Record: &logv1.Record{Value: []byte(value)}}
	_, err := logv1.NewLogClient(direct(t, c, n)).Produce(ctx, request)
	return err
}

func TestAnAgentWhoseDiskFailedSaysSo(t *testing.T) {
	plain(t, 3, withWeb, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		c.Produce("one")
		first := c.Leader()
		if got := probe(t, c, first); got != "SERVING 200 ok" {
			t.Errorf("before: %s", got)
		}
		end := c.Fault("disk " + first.Name() + " sync eio")
		_ = produceAt(t, c, first, "lost sight of")
		end()
		second := c.Leader(first)
		if got := probe(t, c, first); !strings.HasPrefix(got, "NOT_SERVING 503 commitlog: the node's disk has failed") {
			t.Errorf("after: %s", got)
		}
		c.Produce("two")
		if got := c.Consume(first); len(got) == 0 || got[0] != "one" {
			t.Errorf("it can be read no more: %q", got)
		}
		// A consumer that waits there is sent on to somebody who hears what is new.
		ctx, cancel := minute()
		defer cancel()
		next := second.Program().Node().Status().Next
		r, err := c.Client("root").Read(ctx, next-1, client.Options{Level: commitlog.Linearizable})
		if err != nil || string(r.Value) != "two" {
			t.Errorf("%q, %v", r.Value, err)
		}
		ended(t, "it is shut down", first.Program().Shutdown)
		c.Await("it is down", time.Minute, func() bool { return !first.Running() })
		first.Start()
		c.Await("it is well", time.Minute, func() bool { return first.Program().Node().Status().Leader.ID != "" })
		if got := probe(t, c, first); got != "SERVING 200 ok" {
			t.Errorf("restarted: %s", got)
		}
	})
}

func TestAConsumerGoesOnWhenItsNodesDiskFails(t *testing.T) {
	plain(t, 3, nil, func(t *testing.T, c *agents) {
		c.AwaitVoters(3)
		root, got := c.Client("root"), make(chan string, 10)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			var last error
			for r, err := range root.Consume(ctx, 0, client.Options{}) {
				if last = err; err == nil {
					got <- string(r.Value)
				}
			}
			ended <- last
		}()
		c.Produce("one")
		if v := <-got; v != "one" {
			t.Errorf("first %q", v)
		}
		first := c.Leader()
		for n := range c.Nodes() { // one follower after the other, since nobody knows which it reads
			if n == first {
				continue
			}
			end := c.Fault("disk " + n.Name() + " sync eio")
			c.Produce("with " + n.Name())
			select {
			case v := <-got:
				if v != "with "+n.Name() {
					t.Errorf("then %q", v)
				}
			case <-time.After(time.Minute): // virtual
				t.Errorf("%s failed, and the consumer waits still", n.Name())
			}
			end()
			n.Restart()
			c.Await("it is well", time.Minute, func() bool { return n.Program().Node().Status().Leader.ID != "" })
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestAFullDiskIsResourceExhausted(t *testing.T) {
	small := func(a *agent.Config, e *clustertest.Env) { withWeb(a, e); a.Segment = 8 << 10 }
	plain(t, 1, small, func(t *testing.T, c *agents) {
		n := c.Node(0)
		c.Produce("one")
		room := c.Fault("disk n0 full")
		var err error
		for i := 0; i < 40 && status.Code(err) != codes.ResourceExhausted; i++ {
			err = produceAt(t, c, n, strings.Repeat("x", 1000))
		}
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "full") {
			t.Errorf("a full disk: %v", err)
		}
		if got := c.Consume(n); got[0] != "one" {
			t.Errorf("it can be read no more: %q", got)
		}
		if got := probe(t, c, n); !strings.HasPrefix(got, "SERVING") {
			t.Errorf("full: %s", got)
		}
		room()
		c.Await("there is room", time.Minute, func() bool { return n.Program().Node().Status().Failed == nil })
		c.Produce("two")
	})
}
