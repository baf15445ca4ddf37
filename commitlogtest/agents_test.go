// Three agents with certificates, rules and Serf: the test of the service that this one descends from, and beyond.

package commitlogtest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlogtest"
)

// The test of the original: produce to the leader, consume from it and from
// the others; an offset that is not there, a client that may not.
func TestThreeAgentsHoldOneLog(t *testing.T) {
	commitlogtest.Run(t, commitlogtest.Config{}, func(t *testing.T, c *commitlogtest.Cluster) {
		c.Leader()
		c.Produce("foo")
		c.AwaitVoters(3)
		c.AwaitEverywhere("foo")
		_, err := c.Client("root").Read(t.Context(), 1, client.Options{Level: commitlog.Linearizable})
		if want := (commitlog.OffsetOutOfRange{Offset: 1, Low: 0, Next: 1}); !errors.Is(err, want) {
			t.Errorf("behind the end: %v", err)
		}
		nobodyMay(t, c)
	})
}

func TestTheLogOutlivesWhateverBefallsItsNodes(t *testing.T) {
	commitlogtest.Run(t, commitlogtest.Config{}, func(t *testing.T, c *commitlogtest.Cluster) {
		c.AwaitVoters(3)
		first := c.Leader()
		c.Produce("one")
		c.AwaitEverywhere("one")
		nobodyMay(t, c)

		first.Crash()
		second := c.Leader(first)
		c.Produce("two")
		first.Start()
		c.AwaitEverywhere("one", "two")

		heal := c.Part(second.Index())
		third := c.Leader(second)
		c.Produce("three")
		heal()
		c.AwaitEverywhere("one", "two", "three")

		heal = c.OneWay(third.Index(), (third.Index()+1)%3)
		c.Produce("four")
		heal()
		c.AwaitEverywhere("one", "two", "three", "four")

		for n := range c.Nodes() {
			n.Restart()
			c.Produce("after " + n.Name())
		}
		for n := range c.Nodes() {
			n.Crash()
		}
		for n := range c.Nodes() {
			n.Start()
		}
		c.Produce("last")
		c.AwaitEverywhere("one", "two", "three", "four", "after n0", "after n1", "after n2", "last")
	})
}

// nobodyMay produces and consumes as somebody whom the rules do not know.
func nobodyMay(t *testing.T, c *commitlogtest.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nobody := c.Client("nobody")
	if _, err := nobody.Produce(ctx, client.Record{Value: []byte("no")}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("nobody produces: %v", err)
	}
	if _, err := nobody.Read(ctx, 0, client.Options{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("nobody consumes: %v", err)
	}
	servers, err := nobody.Servers(ctx)
	if names := slices.Sorted(func(yield func(string) bool) {
		for _, s := range servers {
			yield(s.Name)
		}
	}); err != nil || !slices.Equal(names, []string{"n0", "n1", "n2"}) {
		t.Errorf("nobody asks for the servers: %q, %v", names, err)
	}
}
