// The programs that a crowd runs.

package grpcreplay_test

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A crowdProgram is what goroutines do with a hub, and what must hold of it.
type crowdProgram struct {
	name string
	run  func(c *crowd)
	// Another run of it may make other calls, or the same in another order that
	// matters: what it hears must be true, but an answer may stall.
	races bool
}

var crowdPrograms = []crowdProgram{
	{"one worker", workers(1), false},
	{"four workers", workers(4), false},
	{"32 workers", workers(32), false},
	{"workers with streams", func(c *crowd) {
		jobs := jobsOf(24)
		c.all(6, func(int) {
			for job := range jobs {
				s := c.open("Talk")
				for i := range 3 {
					text := fmt.Sprint(job, " part ", i)
					s.say(text)
					c.equal(s.heard(), "echo "+text)
				}
				s.CloseSend()
				c.equal(s.heard(), "bye")
				s.hear()
				c.equal(c.ask("Follow", job), "done "+job)
			}
		})
	}, false},
	{"fan-out of two methods", func(c *crowd) {
		for round := range 4 {
			c.all(8, func(i int) {
				method := []string{"Work", "Load"}[i%2]
				text := fmt.Sprint(round, " ", i)
				c.equal(c.ask(method, text), "done "+text)
			})
			c.ask("Follow", fmt.Sprint("round ", round))
		}
	}, false},
	{"pipelines", func(c *crowd) {
		c.all(8, func(i int) {
			text := fmt.Sprint("item ", i)
			for _, method := range []string{"Work", "Load", "Follow", "Ack"} {
				c.rest()
				text = c.ask(method, text)
			}
			c.equal(text, fmt.Sprint("done done done done item ", i))
		})
	}, false},
	{"a pipeline of stages", func(c *crowd) {
		first, second := make(chan string, 4), make(chan string, 4)
		c.wg.Go(func() {
			defer close(first)
			for i := range 16 {
				first <- c.ask("Work", fmt.Sprint(i))
			}
		})
		c.wg.Go(func() {
			defer close(second)
			c.all(3, func(int) {
				for text := range first {
					second <- c.ask("Load", text)
				}
			})
		})
		for text := range second {
			c.ask("Follow", text)
		}
	}, true},
	{"parallel downloads", func(c *crowd) {
		c.all(8, func(i int) {
			s := c.read("Download", fmt.Sprint("file ", i))
			for n := range 20 {
				c.equal(s.heard(), fmt.Sprintf("file %d %d", i, n))
			}
			s.hear()
		})
	}, false},
	{"parallel uploads", func(c *crowd) {
		c.all(8, func(i int) {
			s := c.open("Upload")
			var all []string
			for n := range 10 {
				all = append(all, fmt.Sprintf("f%d-%d", i, n))
				s.say(all[n])
			}
			s.CloseSend()
			c.equal(s.heard(), strings.Join(all, " "))
		})
	}, false},
	{"downloads beside uploads", func(c *crowd) {
		c.all(8, func(i int) {
			if i%2 == 0 {
				s := c.read("Download", fmt.Sprint("file ", i))
				for n := range 20 {
					c.equal(s.heard(), fmt.Sprintf("file %d %d", i, n))
				}
				s.hear()
				return
			}
			s := c.open("Upload")
			for n := range 10 {
				s.say(fmt.Sprint(i, n))
				c.rest()
			}
			s.CloseSend()
			s.heard()
		})
	}, false},
	{"ping-pong, alike at first", pingPong(func(i int) string { return "hello" }), false},
	{"ping-pong, unlike at first", pingPong(func(i int) string { return fmt.Sprint("hello from ", i) }), false},
	{"greetings that differ", func(c *crowd) {
		c.all(16, func(int) {
			s := c.open("Greet")
			s.say("hello")
			me := strings.TrimPrefix(s.heard(), "you are ")
			c.once("number " + me)
			for n := range 3 {
				text := fmt.Sprint(me, " says ", n)
				s.say(text)
				c.equal(s.heard(), "echo "+text)
			}
			s.CloseSend()
			c.equal(s.heard(), "bye")
			s.hear()
		})
	}, false},
	{"a chat room of five", func(c *crowd) {
		var welcome, quiet = newGate(5), newGate(5)
		c.all(5, func(i int) {
			me := fmt.Sprint("guest ", i)
			s := c.open("Room")
			s.say(me)
			c.equal(s.heard(), "welcome "+me)
			welcome.pass()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for n := 0; n < 15; n++ {
					text := s.heard()
					c.follows(text)
					c.once(me + " hears " + text)
				}
			}()
			for n := range 3 {
				c.does(fmt.Sprint(me, " ", n))
				s.say(fmt.Sprint(n))
				c.rest()
			}
			<-done
			quiet.pass()
			s.CloseSend()
			for {
				if _, ok := s.hear(); !ok {
					return
				}
			}
		})
	}, false},
	{"three subscribers with acks", subscribers(func(i int) string { return "subscription" }), false},
	{"three subscribers by name", subscribers(func(i int) string { return fmt.Sprint("subscriber ", i) }), false},
	{"list and watch", func(c *crowd) {
		s := c.read("Watch", "")
		s.Header()
		c.ask("List", "")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				text, ok := s.hear()
				if !ok {
					return
				}
				c.follows(text)
				c.once(text)
			}
		}()
		c.all(4, func(i int) {
			for n := range 5 {
				text := fmt.Sprintf("key%d=%d", i, n)
				c.does(text)
				c.once("answer " + c.ask("Put", text))
			}
		})
		c.ask("Put", "end=")
		<-done
	}, false},
	{"three watchers and writers", func(c *crowd) {
		ready := newGate(7)
		c.all(7, func(i int) {
			if i < 3 {
				s := c.read("Watch", fmt.Sprint("watcher ", i%2))
				s.Header()
				ready.pass()
				for {
					text, ok := s.hear()
					if !ok {
						return
					}
					c.follows(text)
				}
			}
			ready.pass()
			for n := range 4 {
				text := fmt.Sprintf("key%d=%d", i, n)
				c.does(text)
				c.ask("Put", text)
			}
			if i == 3 {
				c.rest()
				c.ask("Put", "end=")
			}
		})
	}, false},
	{"a lease beside other calls", func(c *crowd) {
		s := c.open("Keep")
		s.say("lease")
		s.heard()
		stop := make(chan struct{})
		c.wg.Go(func() {
			tick := time.NewTicker(3 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					s.say("lease")
					s.hear()
				case <-stop:
					s.CloseSend()
					return
				}
			}
		})
		c.all(3, func(i int) {
			for n := range 8 {
				text := fmt.Sprint(i, " ", n)
				c.equal(c.ask([]string{"Work", "Load"}[n%2], text), "done "+text)
			}
		})
		close(stop)
	}, false},
	{"a unary heartbeat beside a stream", func(c *crowd) {
		stop := make(chan struct{})
		c.wg.Go(func() {
			tick := time.NewTicker(3 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					c.try(c.ctx, "Ack", "heartbeat")
				case <-stop:
					return
				}
			}
		})
		c.all(3, func(i int) {
			s := c.read("Download", fmt.Sprint("file ", i))
			for n := range 20 {
				c.equal(s.heard(), fmt.Sprintf("file %d %d", i, n))
			}
			s.hear()
			c.ask("Work", fmt.Sprint(i))
		})
		close(stop)
	}, true},
	{"jobs polled until they are done", func(c *crowd) {
		c.all(4, func(i int) {
			job := fmt.Sprint("job ", i)
			c.ask("Work", job)
			for n := 0; c.ask("Status", job) != "done"; n++ {
				time.Sleep(time.Millisecond) // virtual
				if n > 10 {
					c.fault("%s is never done", job)
					return
				}
			}
			c.ask("Follow", job)
		})
	}, false},
	{"hedged requests", func(c *crowd) {
		c.all(4, func(i int) {
			for n := range 3 {
				text := fmt.Sprint("hedge ", i, " ", n)
				answers := make(chan string, 2)
				ctx, cancel := context.WithCancel(c.ctx)
				for range 2 {
					c.wg.Go(func() {
						answer, err := c.try(ctx, "Work", text)
						if err == nil {
							answers <- answer
						}
					})
				}
				c.equal(<-answers, "done "+text)
				cancel()
			}
		})
	}, true},
	{"hedged after a while", func(c *crowd) {
		c.all(4, func(i int) {
			for n := range 3 {
				text := fmt.Sprint("hedge ", i, " ", n)
				answers := make(chan string, 2)
				ctx, cancel := context.WithCancel(c.ctx)
				try := func() {
					answer, err := c.try(ctx, "Work", text)
					if err == nil {
						answers <- answer
					}
				}
				c.wg.Go(try)
				select {
				case answer := <-answers:
					answers <- answer
				case <-time.After(time.Millisecond):
					c.wg.Go(try)
				}
				c.equal(<-answers, "done "+text)
				cancel()
			}
		})
	}, true},
	{"32 identical requests", func(c *crowd) {
		c.all(32, func(int) {
			n := c.ask("Count", "")
			c.once("number " + n)
			c.equal(c.ask("Follow", n), "done "+n)
			c.equal(c.ask("Load", "x"+n), "done x"+n)
		})
	}, true},
	{"a group that the first error ends", func(c *crowd) {
		for round := range 3 {
			ctx, cancel := context.WithCancel(c.ctx)
			c.all(8, func(i int) {
				for n := range 4 {
					method := "Work"
					if i == 3 && n == 2 {
						method = "Fail"
					}
					if _, err := c.try(ctx, method, fmt.Sprint(round, i, n)); err != nil {
						cancel()
						return
					}
				}
			})
			cancel()
		}
	}, true},
	{"services of a program beside one another", func(c *crowd) {
		ready := newGate(3)
		var end = make(chan struct{})
		c.all(3, func(i int) {
			switch i {
			case 0:
				s := c.read("Watch", "all")
				s.Header()
				ready.pass()
				for {
					text, ok := s.hear()
					if !ok {
						return
					}
					c.follows(text)
					c.ask("Ack", text)
				}
			case 1:
				s := c.open("Keep")
				ready.pass()
				for n := 0; ; n++ {
					s.say(fmt.Sprint("lease ", n))
					s.heard()
					select {
					case <-end:
						s.CloseSend()
						return
					case <-time.After(2 * time.Millisecond):
					}
				}
			case 2:
				ready.pass()
				c.all(4, func(i int) {
					for n := range 4 {
						text := fmt.Sprintf("key%d=%d", i, n)
						c.does(text)
						c.ask("Put", text)
						c.ask("List", "")
					}
				})
				c.ask("Put", "end=")
				close(end)
			}
		})
	}, true},
}
