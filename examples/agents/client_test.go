// The application that the agents serve: it produces, and consumes what was produced.

package agents_test

import (
	"crypto/tls"
	"time"

	"github.com/rehearse-go/rehearse/examples/agents"
)

// A client speaks to agents from a host of its own.
type client struct {
	c   *cluster
	tls *tls.Config
}

func (a client) dial(n *node) *agents.Client {
	a.c.T.Helper()
	cl, err := agents.Dial(n.Name(), a.tls, a.c.Host("app").Dial)
	if err != nil {
		a.c.T.Fatal(err)
	}
	return cl
}

// produce sends a record to a node, where it must come to lie at that offset.
func (a client) produce(n *node, offset uint64, record string) {
	a.c.T.Helper()
	cl := a.dial(n)
	defer cl.Close()
	if got, err := cl.Produce(a.c.T.Context(), []byte(record)); err != nil || got != offset {
		a.c.T.Fatalf("%s produced %q at %d, %v; want %d", n.Name(), record, got, err, offset)
	}
}

// consumeEverywhere awaits so many records on every node, and compares them.
func (a client) consumeEverywhere(records ...string) {
	a.c.T.Helper()
	for n := range a.c.Nodes() {
		a.c.Await("the log of "+n.Name(), time.Minute, func() bool { return n.Program().Len() == len(records) })
		cl := a.dial(n)
		defer cl.Close()
		for offset, want := range records {
			if got, err := cl.Consume(a.c.T.Context(), uint64(offset)); err != nil || string(got) != want {
				a.c.T.Errorf("%s has %q at %d, %v; want %q", n.Name(), got, offset, err, want)
			}
		}
	}
}
