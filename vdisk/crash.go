// The crash, and what it leaves.

package vdisk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
)

// A Crash says what a crash does with what was not synced. The zero Crash
// draws it: from the disk's seed, how many crashes there were before, and the
// names of the files.
type Crash struct {
	// Lose loses all that was not synced.
	Lose bool

	// Keep loses nothing: the program was killed, and what it had written
	// is in the page cache still, unsynced as before.
	Keep bool

	// Ghost lets the mounts go on, each on a copy of all that it saw at the
	// crash, of which nothing is stored, seen by others or journalled, and
	// which no rule, fault or latency reaches, nor one that an operation was
	// just waiting for. So a program that stays in the process after its
	// death finds nothing odd until it has been told to end; many panic when
	// their disk is gone, and take the test along. If false, operations on
	// the mounts fail with ErrCrashed.
	Ghost bool
}

// Crash ends all mounts, or makes them ghosts, frees all locks, and leaves of
// what was not synced what c says: see the package's documentation for what
// may come of it. Faults in force and rules stay.
//
// It returns what was lost or half kept, a line for each file and for each
// change of names that was not stable, and records them as "disk.loss"; Losses
// returns them again. It panics if c wants both to lose and to keep.
func (d *Disk) Crash(c Crash) (losses []string) {
	if c.Lose && c.Keep {
		panic("vdisk: a Crash cannot both Lose and Keep")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashes++
	d.cutOff(c.Ghost)
	how := "draw"
	switch {
	case c.Keep:
		how = "keep"
		d.settle(d.root)
	case c.Lose:
		how = "lose"
		losses = d.become(losing{})
	default:
		losses = d.become(lot{d.cfg.Seed, d.crashes})
	}
	d.losses = slices.Clone(losses)
	seq := d.append(journal.Event{Kind: "disk.crash", Notes: []journal.Note{{Key: "how", Value: how}}})
	for _, line := range losses {
		d.append(journal.Event{Kind: "disk.loss", Subject: line, Cause: seq})
	}
	return losses
}

// become makes the disk what a crash leaves of it; d.mu is held.
func (d *Disk) become(pick chooser) (losses []string) {
	root, losses := d.left(pick)
	d.pending = nil
	d.settle(root)
	return losses
}

// settle makes root the disk's, without open handles, and counts its room.
func (d *Disk) settle(root *inode) {
	d.root, d.used = root, 0
	for _, n := range root.files("") {
		n.opens, n.locked = 0, nil
		d.used += n.room.pages() * pageSize
	}
}

// A fall works out what a crash leaves.
type fall struct {
	pick   chooser
	sector int
	kept   map[*change]bool
	like   map[string]int64             // how many changes of that text there were
	names  map[*inode]map[string]*inode // of directories with kept changes
	losses []string
}

// left returns what a crash would leave of the disk, and changes nothing.
// d.mu is held.
func (d *Disk) left(pick chooser) (root *inode, losses []string) {
	f := &fall{
		pick: pick, sector: d.cfg.Sector, kept: map[*change]bool{}, like: map[string]int64{},
		names: map[*inode]map[string]*inode{},
	}
	for _, c := range d.pending {
		f.change(c)
	}
	root = f.dir(d.root, "")
	return root, f.losses
}

// change keeps c or not. What needs something that was lost is lost.
func (f *fall) change(c *change) {
	lost := slices.ContainsFunc(c.needs, func(before *change) bool { return !before.done && !f.kept[before] })
	f.like[c.text]++
	if lost || f.pick.choose(choice{kind: ofEntry, name: c.text, at: f.like[c.text], n: 2}) == 0 {
		f.losses = append(f.losses, "lost: "+c.text)
		return
	}
	f.kept[c] = true
	for _, e := range c.sets {
		if f.names[e.dir] == nil {
			f.names[e.dir] = map[string]*inode{}
		}
		f.names[e.dir][e.name] = e.node
	}
}

// dir returns what is left of a directory and all beneath it.
func (f *fall) dir(old *inode, path string) *inode {
	n := newDir(old.perm)
	kept := f.names[old]
	for _, name := range names(old.stable, kept) {
		child, changed := kept[name]
		if !changed {
			child = old.stable[name]
		}
		switch {
		case child == nil:
			continue
		case child.dir:
			child = f.dir(child, join(path, name))
		default:
			child = f.file(child, join(path, name))
		}
		n.entries[name], n.stable[name] = child, child
	}
	return n
}

// file returns what is left of a file.
func (f *fall) file(old *inode, name string) *inode {
	n := newFile(old.perm)
	cuts := 0
	if old.cuts > 0 {
		cuts = f.pick.choose(choice{kind: ofCuts, name: name, n: old.cuts + 1})
	}
	sizes := old.sizesAfter(cuts, f.sector)
	way := 0
	if len(sizes) > 1 {
		way = f.pick.choose(choice{kind: ofSize, name: name, n: len(sizes)})
	}
	n.size, n.stableSize = sizes[way], sizes[way]
	n.room, _ = slices.Clone(old.room).cut(pagesTo(n.size))
	r := remains{fall: f, name: name, cuts: cuts, size: n.size}
	for _, number := range sortedKeys(old.pages) {
		if b := r.page(old.pages[number], number); b != blank {
			n.pages[number] = &page{now: b, stable: b}
			n.room = n.room.add(number, number+1)
		}
	}
	r.tell(old)
	return n
}

// remains are what is left of one file.
type remains struct {
	*fall
	name    string
	cuts    int
	size    int64
	lost    []int64 // sectors, in order
	sectors int     // that there was a choice about
}

// page returns what is left of a page.
func (r *remains) page(p *page, number int64) *block {
	start := number * pageSize
	if start >= r.size {
		return blank
	}
	if p.clean() && start+pageSize <= r.size {
		return p.stable
	}
	b := *p.stable
	for s := range pageSize / r.sector {
		if start+int64(s*r.sector) < r.size {
			copy(b[s*r.sector:], r.content(p, s, start))
		}
	}
	clear(b[min(r.size-start, pageSize):])
	if b == *blank {
		return blank
	}
	return &b
}

// content returns what is left of sector s of the page that begins at start.
func (r *remains) content(p *page, s int, start int64) []byte {
	number := start/int64(r.sector) + int64(s)
	ways := p.contents(s, r.cuts, r.sector)
	way := 0
	if len(ways) > 1 {
		r.sectors++
		way = r.pick.choose(choice{kind: ofSector, name: r.name, at: number, n: len(ways)})
	}
	if way < len(ways)-1 || p.lost&(1<<s) != 0 {
		r.lost = append(r.lost, number)
	}
	return ways[way]
}

// tell adds what became of the file, unless nothing did.
func (r *remains) tell(old *inode) {
	if r.size == old.size && len(r.lost) == 0 {
		return
	}
	var words []string
	if r.size != old.size {
		words = append(words, fmt.Sprintf("%d bytes of %d", r.size, old.size))
	}
	if len(r.lost) > 0 {
		words = append(words, fmt.Sprintf("without sectors %s", ranges(r.lost)))
	}
	r.losses = append(r.losses, r.name+": "+strings.Join(words, ", "))
}

// ranges writes numbers that are in order, such as "1-3,7".
func ranges(list []int64) string {
	var b strings.Builder
	for i := 0; i < len(list); i++ {
		from := list[i]
		for i+1 < len(list) && list[i+1] == list[i]+1 {
			i++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, from)
		if list[i] > from {
			fmt.Fprintf(&b, "-%d", list[i])
		}
	}
	return b.String()
}
