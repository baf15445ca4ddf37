// The disk: a test's handle on what its programs store.

package vdisk

import (
	"cmp"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/rule"
)

// Config configures a [Disk]. The zero Config is a perfect disk without a
// limit that takes no time and forgets in a crash what was not synced.
type Config struct {
	// Seed decides what a crash keeps and which bit rots; 0 is a seed too.
	Seed uint64

	// Sector is what is stored wholly or not at all, in bytes: a power of two
	// from 64 to 4096; if 0, 512, which programs commonly rely on.
	Sector int

	// Size is how many bytes of file contents there is room for, counted in
	// pages of 4096; beyond it operations fail with syscall.ENOSPC. If 0,
	// there is no limit.
	Size int64

	// SyncNames makes a file's Sync do more than was promised: it makes the
	// name stable too that the file has, with its pending renames and the
	// directories above it, as ext4 and xfs do and many programs rely on
	// unknowingly. If false, names need a SyncDir, as fsync(2) says.
	SyncNames bool

	// Latency is how long each Sync and SyncDir takes; if 0, no time, so that
	// a test out of a bubble does not wait. Other operations meet the page
	// cache; slow them by a rule or a fault.
	Latency time.Duration

	// Name is the host's name, for the journal; it may be empty.
	Name string

	// Journal, unless nil, is told every operation and fault.
	Journal *journal.Journal
}

// A Disk is a disk and the cache before it. A test breaks it; programs hold a
// mount of it. A Disk may be used from any goroutine.
type Disk struct {
	cfg   Config
	rules rule.List[Op, Verdict]

	mu      sync.Mutex // never held across a wait
	root    *inode
	pending []*change // of names, not yet stable, oldest first
	used    int64     // bytes that have room reserved
	mounts  []*mount  // since the last crash
	losses  []string  // of the last crash, or of what States left out
	crashes uint64
	flips   uint64
	pauses  int
	gate    chan struct{} // closed when the last pause ends; nil without one
	faults  []*force
}

// New returns an empty disk. It panics if c makes no sense.
func New(c Config) *Disk {
	c.Sector = cmp.Or(c.Sector, 512)
	if c.Sector < pageSize/64 || c.Sector > pageSize || c.Sector&(c.Sector-1) != 0 {
		panic(fmt.Sprintf("vdisk: Config.Sector is %d, not a power of two from 64 to 4096", c.Sector))
	}
	if c.Size < 0 || c.Latency < 0 {
		panic(fmt.Sprintf("vdisk: Config has a negative Size (%d) or Latency (%v)", c.Size, c.Latency))
	}
	return &Disk{cfg: c, root: newDir(0o755)}
}

// Mount returns what a program holds. All mounts share one content. A mount
// dies at the next Crash, or becomes a ghost, see [Crash]: later operations on
// it and on its files store nothing, so that a program that lives on though it
// should not have survived does no harm. In a testing/synctest bubble, mount
// within it.
func (d *Disk) Mount() FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &mount{files: map[*file]bool{}, over: make(chan struct{})}
	m.disk.Store(d)
	d.mounts = append(d.mounts, m)
	return m
}

// Used returns how many bytes of room files take: the pages that were written
// or allocated, whatever names they have, until nothing holds them.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// Losses returns what the last Crash returned, or, of a disk that States
// yielded and that has not crashed since, what a crash that leaves this state
// would return: of the ways to lose just so much, the first.
func (d *Disk) Losses() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.losses)
}

// Files returns the names of all files, as programs see them, in order.
func (d *Disk) Files() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for name := range d.root.files("") {
		list = append(list, name)
	}
	return list
}

// Pause makes every operation wait until resume is called or the disk
// crashes. Pauses may overlap.
func (d *Disk) Pause() (resume func()) { return d.must(Fault{Kind: "pause"}) }

func (d *Disk) pause() (resume func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pauses++; d.pauses == 1 {
		d.gate = make(chan struct{})
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.pauses--; d.pauses == 0 {
			close(d.gate)
			d.gate = nil
		}
	}
}

// files yields the files beneath n, whose own path is dir, as programs see them.
func (n *inode) files(dir string) iter.Seq2[string, *inode] {
	return func(yield func(string, *inode) bool) { n.walk(dir, yield) }
}

func (n *inode) walk(dir string, yield func(string, *inode) bool) bool {
	for _, name := range sortedKeys(n.entries) {
		child, path := n.entries[name], join(dir, name)
		if child.dir && !child.walk(path, yield) || !child.dir && !yield(path, child) {
			return false
		}
	}
	return true
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// free returns how many bytes of room are left; d.mu is held.
func (d *Disk) free() int64 {
	const endless = 1 << 62
	limit := int64(endless)
	if d.cfg.Size > 0 {
		limit = d.cfg.Size
	}
	for _, f := range d.faults {
		if f.fault.Kind == "full" {
			limit = min(limit, f.used)
		}
	}
	return max(limit-d.used, 0)
}

// reserve takes room for what n bytes at off of the file need, as far as there
// is any, and returns how many of them can be written; d.mu is held.
func (d *Disk) reserve(node *inode, off, n int64) int64 {
	first, last := off/pageSize, pagesTo(off+n)
	if room := d.free() / pageSize; node.room.missing(first, last) > room {
		for last = first; node.room.missing(first, last+1) <= room; last++ {
		}
		n = max(last*pageSize-off, 0)
	}
	d.used += node.room.missing(first, last) * pageSize
	if first < last {
		node.room = node.room.add(first, last)
	}
	return n
}

// release gives back the room of a file that nothing leads to; d.mu is held.
func (d *Disk) release(node *inode) {
	if node.gone && node.opens == 0 && !node.dir {
		d.used -= node.room.pages() * pageSize
		node.room = nil
	}
}

// modes of files and directories, as Stat tells them.
func (n *inode) mode() fs.FileMode {
	if n.dir {
		return n.perm.Perm() | fs.ModeDir
	}
	return n.perm.Perm()
}
