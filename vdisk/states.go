// Every state that a crash could leave.

package vdisk

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// ErrMoreStates is what States ends with when there are more states than it
// was to yield.
var ErrMoreStates = errors.New("vdisk: there are more states than the limit")

// States yields every state in which a crash could leave the disk as it
// stands now, each once and as a disk of its own, to be mounted, checked and
// thrown away, without latency, journal, rules and faults; the disk itself is
// not touched and may go on. The order is the same in every run, and the first
// is what Crash{Lose: true} leaves. If there are more than limit, States says
// so: it ends with a nil disk and ErrMoreStates. It panics if limit is not
// positive.
//
// To see the states of a whole run, ask for them before whatever narrows
// them, and at the end:
//
//	d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
//		if op.Kind == vdisk.Sync || op.Kind == vdisk.SyncDir {
//			check(d.States(1000))
//		}
//		return v, false
//	})
//
// Rules are called without a lock, on the goroutine of whoever does the
// operation, and so on several at the same time if a program syncs from
// several: what check shares needs a lock, in a bubble a channel. States may
// be called from any goroutine too, in a rule as elsewhere. [Disk.Losses] of a
// state tells what it has lost.
//
// A crash between two syncs leaves nothing that a crash just before the
// second could not.
func (d *Disk) States(limit int) iter.Seq2[*Disk, error] {
	if limit <= 0 {
		panic(fmt.Sprintf("vdisk: States(%d): the limit must be positive", limit))
	}
	return func(yield func(*Disk, error) bool) {
		frozen := d.freeze()
		seen := map[[sha256.Size]byte]bool{}
		var ways odometer
		for tries, more := 0, true; more; tries, more = tries+1, ways.next() {
			state := frozen.state(&ways)
			print := state.fingerprint()
			if seen[print] && tries < most(limit) {
				continue
			}
			if len(seen) == limit || seen[print] {
				yield(nil, ErrMoreStates)
				return
			}
			seen[print] = true
			if !yield(state, nil) {
				return
			}
		}
	}
}

// most bounds how many states are looked at to find limit different ones.
func most(limit int) int { return 10_000 + 100*limit }

// state returns a new disk in the state that pick chooses.
func (d *Disk) state(pick chooser) *Disk {
	c := d.cfg
	c.Journal, c.Latency = nil, 0
	s := New(c)
	root, losses := d.left(pick)
	s.settle(root)
	s.losses = losses
	return s
}

// freeze returns a disk that a crash would leave in the same states as d, and
// that does not change with it.
func (d *Disk) freeze() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := freezing{nodes: map[*inode]*inode{}, changes: map[*change]*change{}}
	frozen := New(d.cfg)
	frozen.root = f.node(d.root)
	for _, c := range d.pending {
		frozen.pending = append(frozen.pending, f.change(c))
	}
	return frozen
}

// freezing copies what a crash depends on, each thing once.
type freezing struct {
	nodes   map[*inode]*inode
	changes map[*change]*change
}

func (f *freezing) node(n *inode) *inode {
	if n == nil {
		return nil
	}
	if c := f.nodes[n]; c != nil {
		return c
	}
	c := *n
	f.nodes[n] = &c
	c.entries, c.stable = nil, maps.Clone(n.stable)
	for name, child := range n.stable {
		c.stable[name] = f.node(child)
	}
	c.pages = maps.Clone(n.pages)
	for number, p := range n.pages {
		c.pages[number] = p.frozen()
	}
	c.sizes, c.room = slices.Clone(n.sizes), slices.Clone(n.room)
	return &c
}

func (p *page) frozen() *page {
	c := *p
	if c.now != c.stable {
		now := *p.now
		c.now = &now
	}
	c.past = slices.Clone(p.past)
	for s := range c.past {
		c.past[s] = slices.Clone(c.past[s])
	}
	return &c
}

func (f *freezing) change(c *change) *change {
	if made := f.changes[c]; made != nil {
		return made
	}
	made := &change{text: c.text, done: c.done}
	f.changes[c] = made
	for _, e := range c.sets {
		made.sets = append(made.sets, entry{f.node(e.dir), e.name, f.node(e.node)})
	}
	for _, before := range c.needs {
		if !before.done {
			made.needs = append(made.needs, f.change(before))
		}
	}
	return made
}

// fingerprint returns a hash of all names and contents.
func (d *Disk) fingerprint() (sum [sha256.Size]byte) {
	h := sha256.New()
	var dir func(n *inode)
	dir = func(n *inode) {
		fmt.Fprintf(h, "dir %d\n", len(n.entries))
		for _, name := range sortedKeys(n.entries) {
			child := n.entries[name]
			fmt.Fprintf(h, "%q %d\n", name, child.size)
			if child.dir {
				dir(child)
				continue
			}
			for _, number := range sortedKeys(child.pages) {
				h.Write(binary.AppendVarint(nil, number))
				h.Write(child.pages[number].now[:])
			}
			h.Write([]byte("end\n"))
		}
	}
	dir(d.root)
	h.Sum(sum[:0])
	return sum
}
