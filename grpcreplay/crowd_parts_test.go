// Of what the programs of a crowd are made.

package grpcreplay_test

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// jobsOf returns a channel of jobs.
func jobsOf(n int) chan string {
	jobs := make(chan string)
	go func() {
		defer close(jobs)
		for i := range n {
			jobs <- fmt.Sprint("job ", i)
		}
	}()
	return jobs
}

// workers pull jobs from a channel and do each in two calls.
func workers(n int) func(c *crowd) {
	return func(c *crowd) {
		jobs := jobsOf(2*n + 8)
		c.all(n, func(int) {
			for job := range jobs {
				c.equal(c.ask("Load", job), "done "+job)
				c.rest()
				c.equal(c.ask("Work", job), "done "+job)
			}
		})
	}
}

func pingPong(first func(i int) string) func(c *crowd) {
	return func(c *crowd) {
		c.all(16, func(i int) {
			s := c.open("Talk")
			s.say(first(i))
			c.equal(s.heard(), "echo "+first(i))
			for n := range 5 {
				text := fmt.Sprint(i, " says ", n)
				s.say(text)
				c.equal(s.heard(), "echo "+text)
			}
			s.CloseSend()
			c.equal(s.heard(), "bye")
			s.hear()
		})
	}
}

// subscribers share a subscription: each item goes to one of them, and is
// acknowledged.
func subscribers(first func(i int) string) func(c *crowd) {
	return func(c *crowd) {
		const items = 12
		ready, confirmed := newGate(5), newGate(items)
		c.all(5, func(i int) {
			if i >= 3 {
				ready.pass()
				for n := range items / 2 {
					text := fmt.Sprint("news ", i, n)
					c.does(text)
					c.ask("Publish", text)
					c.rest()
				}
				return
			}
			s := c.open("Subscribe")
			s.say(first(i))
			s.Header()
			ready.pass()
			c.wg.Go(func() {
				<-confirmed.open
				s.CloseSend()
			})
			for {
				text, ok := s.hear()
				if !ok {
					return
				}
				if ack, is := strings.CutPrefix(text, "confirmed "); is {
					c.follows(ack)
					confirmed.come()
					continue
				}
				c.follows(text)
				c.once(text)
				c.does("ack " + text)
				s.say("ack " + text)
			}
		})
	}
}

// A gate opens when so many have come.
type gate struct {
	left atomic.Int32
	open chan struct{}
}

func newGate(n int) *gate {
	g := &gate{open: make(chan struct{})}
	g.left.Store(int32(n))
	return g
}

func (g *gate) come() {
	if g.left.Add(-1) == 0 {
		close(g.open)
	}
}

// pass comes and waits until the gate is open.
func (g *gate) pass() {
	g.come()
	<-g.open
}
