// One attempt of one call: where it is to go, where it went, whether it left.

package client

import (
	"context"
	"sync/atomic"

	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A target is the kind of node that a call is for.
type target int

const (
	byMethod target = iota
	toLeader
	toReader
	toAny
)

// A call is one attempt. The picker finds it in the attempt's context.
type call struct {
	to    target
	node  string // name or address of the only node that will do; "" is any of the kind
	avoid string // address of a node to pass over if there is another
	bound bool   // to be given up when another node leads: trying again does no harm

	addr   atomic.Pointer[string] // of the node that was picked
	sent   atomic.Bool            // something may have left for it
	cancel context.CancelFunc     // set on calls that are bound
}

type callKey struct{}

type nodeKey struct{}

// in returns a context in which the picker finds the call.
func (c *call) in(ctx context.Context) context.Context {
	if c.node == "" {
		c.node, _ = ctx.Value(nodeKey{}).(string)
	}
	return context.WithValue(ctx, callKey{}, c)
}

// attempt makes one attempt of f.
func attempt[R any](ctx context.Context, c *Client, at *call, f func(context.Context) (R, error)) (R, error) {
	ctx = at.in(ctx)
	if at.bound && at.node == "" {
		ctx, at.cancel = context.WithCancel(ctx)
		defer at.cancel()
		defer c.view.bind(at)()
	}
	return f(ctx)
}

// at returns the address of the node that was picked, "" if none was.
func (c *call) at() string {
	if p := c.addr.Load(); p != nil {
		return *p
	}
	return ""
}

// leadBy gives the call up if it went to a node that no longer leads.
func (c *call) leadBy(addr string) {
	if at := c.at(); at != "" && at != addr {
		c.cancel()
	}
}

// OnNode returns a context whose calls, of any [Client], go to the node of that
// name and to no other: they wait for it as long as the context lasts.
func OnNode(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, nodeKey{}, name)
}

// callOf returns the call in ctx or, for one who uses the connection directly,
// what the method says.
func callOf(ctx context.Context, method string) *call {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		c = new(call)
		c.node, _ = ctx.Value(nodeKey{}).(string)
	}
	if c.to != byMethod {
		return c
	}
	switch method {
	case logv1.Log_Produce_FullMethodName, logv1.Log_ProduceStream_FullMethodName:
		c.to = toLeader
	case logv1.Log_Consume_FullMethodName, logv1.Log_ConsumeStream_FullMethodName:
		c.to = toReader
	default:
		c.to = toAny
	}
	return c
}
