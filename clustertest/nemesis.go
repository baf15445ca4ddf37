// The nemesis: faults drawn from the seed, done while the test's body runs.

package clustertest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// A Fault is one line of a nemesis's schedule: when it begins, how long it
// lasts, and what it is, as [Cluster.Fault] takes it. Its text is
// "2.1s+5s part n0"; without "+5s" it lasts until the nemesis ends.
type Fault = faults.Fault

// Faults are a nemesis's schedule. Their text is that of each, joined by "; ".
type Faults = faults.List

// ParseFaults reads the text of Faults.
func ParseFaults(s string) (Faults, error) { return faults.ParseList(s) }

// A Kind is something a nemesis may draw, and how often.
type Kind = faults.Kind

// Kinds returns the kinds of these names, each with its usual weight, which may
// be changed:
//
//	crash kill poweroff stop pause restart   mostly of one node, at times of more
//	clock                                    a tenth to ten times as fast
//	isolate                                  one node reaches nobody, clients included
//	split                                    two sides, which clients reach both
//	deaf mute                                nobody reaches one node; it reaches nobody
//	bridge                                   two halves and one node that reaches both
//	ring                                     each node reaches two others only
//	latency jitter loss bandwidth            links from one node, to one or all others
//	reset                                    connections of one node, or of two
//	disk ...                                 a disk's fault, as "disk sync eio"
//
// It panics at a name that is none of these.
func Kinds(names ...string) []Kind {
	for _, name := range names {
		words, isDisk := strings.CutPrefix(name, "disk ")
		if !isDisk {
			continue
		}
		if _, err := vdisk.ParseFault(words); err != nil {
			panic(fmt.Sprintf("clustertest: kind %q: %v", name, err))
		}
	}
	return faults.Menu(names...)
}

// A Nemesis says which faults befall the cluster. The zero Nemesis draws for a
// minute whatever the mode can do, and leaves a majority of the nodes whole at
// every instant.
type Nemesis struct {
	// Within is how long faults are drawn for; if 0, a minute. All have ended
	// by then.
	Within time.Duration

	// Kinds are what is drawn, as Kinds makes them; if nil, all that the mode
	// can do, but for clocks and disks, which not every program bears.
	Kinds []Kind

	// Pause is the mean time from when a fault may begin (fewer than Most are in
	// force) until one does; if 0, a tenth of Within.
	Pause time.Duration

	// Length is the mean length of a fault; if 0, as Pause.
	Length time.Duration

	// Most is how many faults are in force at one time; if 0, 2: more of them
	// hide what did it.
	Most int

	// Majority lets faults hurt a majority of the nodes at one time; if
	// false, fewer than half are dead, still or parted at any instant: of one or
	// two nodes, none.
	Majority bool

	// Faults are what is done instead of drawing.
	Faults Faults
}

// A Storm is a nemesis at work.
type Storm struct {
	list Faults
	stop chan struct{}
	off  atomic.Bool
	done chan struct{}
}

// Nemesis begins to do faults, beside what the body does, and records the
// schedule in the journal. The same seed gives the same faults. At the end of
// its time, or at Stop, everything it did is ended: the network is whole and
// the nodes run.
func (c *Cluster[P]) Nemesis(n Nemesis) *Storm {
	c.T.Helper()
	list, err := c.core.schedule(n)
	if err != nil {
		c.T.Fatalf("clustertest: nemesis: %v", err)
	}
	s := &Storm{list: list, stop: make(chan struct{}), done: make(chan struct{})}
	c.core.journal.Append(journal.Event{Kind: "nemesis.begin", Subject: list.String()})
	c.T.Cleanup(s.Stop)
	go c.core.rage(s, cmp.Or(n.Within, time.Minute))
	return s
}

// Faults is the schedule.
func (s *Storm) Faults() Faults { return slices.Clone(s.list) }

// Wait returns when the nemesis is over.
func (s *Storm) Wait() { <-s.done }

// Done is closed when the nemesis is over.
func (s *Storm) Done() <-chan struct{} { return s.done }

// Stop ends the nemesis and all it did, and returns when that is done.
func (s *Storm) Stop() {
	if s.off.CompareAndSwap(false, true) {
		close(s.stop)
	}
	<-s.done
}

// schedule is what a nemesis is to do: what the run's script says, what the
// nemesis was told, else what is drawn. The script is told.
func (c *cluster) schedule(n Nemesis) (list Faults, err error) {
	script, names := c.config.script, c.names()
	switch {
	case script.says():
		list = script.next()
		err = n.check(list, names)
	case n.Faults != nil:
		list = n.Faults
		err = n.check(list, names)
	default:
		list, err = c.draw(n, names)
	}
	script.note(list)
	return list, err
}

// check refuses faults that cannot be done to the nodes of these names, or
// would not be.
func (n Nemesis) check(list Faults, names []string) error {
	within := cmp.Or(n.Within, time.Minute)
	for _, f := range list {
		if f.At >= within {
			return fmt.Errorf("%q would begin when all is over, for Within is %v", f, within)
		}
	}
	return faults.Conflicts(list, names)
}

// draw draws what a nemesis does to the nodes of these names.
func (c *cluster) draw(n Nemesis, names []string) (Faults, error) {
	within := cmp.Or(n.Within, time.Minute)
	pause := cmp.Or(n.Pause, within/10)
	c.storms++
	kinds := n.Kinds
	if kinds == nil {
		kinds = c.usual()
	}
	plan := faults.Plan{
		Seed: keyed(c.seed, "nemesis", strconv.Itoa(c.storms)), Nodes: names, Within: within,
		Pause: pause, Length: cmp.Or(n.Length, pause), Kinds: kinds, Most: n.Most, Majority: !n.Majority,
	}
	if err := plan.Check(); err != nil {
		return nil, err
	}
	list := faults.Draw(plan)
	if plan.Majority = false; len(list) == 0 && len(faults.Draw(plan)) > 0 {
		return nil, fmt.Errorf("of %d nodes a majority stays whole, so that nothing of this befalls any: %v; "+
			"set Nemesis.Majority", len(names), kinds)
	}
	return list, nil
}

// usual are the kinds that the mode can do and every program bears.
func (c *cluster) usual() []Kind {
	return slices.DeleteFunc(faults.Menu(), func(k Kind) bool {
		return k.Name == "clock" || c.config.Mode == Processes && k.Name == "poweroff"
	})
}

// rage does the faults of a storm, each at its time.
func (c *cluster) rage(s *Storm, within time.Duration) {
	defer close(s.done)
	ends := make([]func(), len(s.list))
	defer func() {
		for _, end := range slices.Backward(ends) {
			if end != nil {
				end()
				time.Sleep(apart)
			}
		}
		c.revive()
		c.journal.Append(journal.Event{Kind: "nemesis.end"})
	}()
	begin := time.Now()
	for _, moment := range faults.Timeline(s.list) {
		if moment.At >= within || !s.until(begin.Add(moment.At+aside)) {
			break
		}
		if moment.End {
			ends[moment.Index]()
			ends[moment.Index] = nil
			continue
		}
		if ends[moment.Index] = c.inflict(s.list[moment.Index].What); ends[moment.Index] == nil {
			return
		}
	}
	s.until(begin.Add(within))
}

// inflict is strike for a nemesis, which may come too late: a program that
// ended by itself cannot be paused.
func (c *cluster) inflict(what string) (end func()) {
	end, err := c.strike(what)
	switch {
	case errors.Is(err, errDown):
		c.journal.Append(journal.Event{Kind: "nemesis.miss", Subject: what})
		return func() {}
	case err != nil:
		c.t.Errorf("clustertest: nemesis: %v", err)
		return nil
	}
	return end
}

// revive starts the nodes whose programs ended by themselves.
func (c *cluster) revive() {
	for _, m := range c.members.load() {
		if m.fell.Load() {
			m.again()
			time.Sleep(apart)
		}
	}
}

// aside keeps the instants of faults apart from those of the programs' timers,
// whose order at one instant is chance.
const aside = 137 * time.Nanosecond

// apart lies between two deeds of a nemesis: in a bubble all that the first
// sets going has come to rest before the second, so that which of two
// goroutines is quicker decides nothing.
const apart = time.Nanosecond

// until waits until an instant, and tells whether the storm goes on.
func (s *Storm) until(at time.Time) bool {
	t := time.NewTimer(max(time.Until(at), apart))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.stop:
		return false
	}
}
