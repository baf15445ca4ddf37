// A file or directory apart from its name: its contents, and what of them is stable.

package vdisk

import (
	"io/fs"
	"slices"
)

// An inode is a file or a directory.
type inode struct {
	dir  bool
	perm fs.FileMode

	entries map[string]*inode // of a directory, as programs see it
	stable  map[string]*inode // of a directory, on the medium

	pages      map[int64]*page
	queue      []int64 // pages that a sync has to look at
	size       int64
	stableSize int64
	sizes      []sizing // since stableSize, oldest first
	cuts       int      // unsynced truncations, counted up to maxCuts
	room       spans

	gone   bool  // no name leads here any more
	opens  int   // open handles
	locked *file // who has the lock
}

// A sizing is one change of a file's size.
type sizing struct {
	size int64
	cut  int   // which truncation, or 0 for growth
	from int64 // where what was written begins: a crash may leave any part of it
}

// maxCuts and maxSizes bound what is remembered between two syncs. Beyond,
// truncations become one, and so do growths.
const (
	maxCuts  = 4
	maxSizes = 64
)

func newDir(perm fs.FileMode) *inode {
	return &inode{dir: true, perm: perm, entries: map[string]*inode{}, stable: map[string]*inode{}}
}

func newFile(perm fs.FileMode) *inode { return &inode{perm: perm, pages: map[int64]*page{}} }

// read fills b from off, which with b lies within the file.
func (n *inode) read(b []byte, off int64) {
	for len(b) > 0 {
		at := int(off % pageSize)
		k := min(pageSize-at, len(b))
		if p := n.pages[off/pageSize]; p != nil {
			copy(b[:k], p.now[at:])
		} else {
			clear(b[:k])
		}
		b, off = b[k:], off+int64(k)
	}
}

// write puts b at off and extends the file as need be.
func (n *inode) write(b []byte, off int64, sector int) {
	for at := off; at < off+int64(len(b)); {
		in := int(at % pageSize)
		k := min(pageSize-in, int(off+int64(len(b))-at))
		p := n.page(at / pageSize)
		p.write(in, b[at-off:][:k], sector)
		at += int64(k)
	}
	n.grow(off+int64(len(b)), off)
}

// page returns the page of that number, new if need be, and queues it.
func (n *inode) page(number int64) *page {
	p := n.pages[number]
	if p == nil {
		p = newPage()
		n.pages[number] = p
	}
	if !p.queued {
		p.queued = true
		n.queue = append(n.queue, number)
	}
	return p
}

// grow makes the file at least so long, by something written at from.
func (n *inode) grow(size, from int64) {
	if size <= n.size {
		return
	}
	n.size = size
	if last := len(n.sizes) - 1; last+1 >= maxSizes && n.sizes[last].cut == 0 {
		n.sizes[last].size = size
		return
	}
	n.sizes = append(n.sizes, sizing{size: size, from: from})
}

// truncate makes the file exactly so long.
func (n *inode) truncate(size int64, sector int) {
	if size >= n.size {
		n.grow(size, size)
		return
	}
	n.cuts = min(n.cuts+1, maxCuts)
	for number := range n.pages {
		if start := number * pageSize; start+pageSize > size {
			n.page(number).cut(int(max(size-start, 0)), n.cuts, sector)
		}
	}
	if i := slices.IndexFunc(n.sizes, func(s sizing) bool { return s.cut == n.cuts }); i >= 0 {
		n.sizes = n.sizes[:i]
	}
	n.size = size
	n.sizes = append(n.sizes, sizing{size: size, cut: n.cuts})
}

// sync makes the file stable as it is, but for what a failed sync lost.
func (n *inode) sync(sector int) {
	for _, number := range n.queue {
		p := n.pages[number]
		p.sync(sector)
		p.queued = false
		if p.now == blank && p.stable == blank {
			delete(n.pages, number)
		}
	}
	n.queue = n.queue[:0]
	n.stableSize, n.sizes, n.cuts = n.size, nil, 0
}

// fail is a sync that failed: what was to be stored is not, and will not be.
func (n *inode) fail() {
	for _, number := range n.queue {
		n.pages[number].fail()
	}
}

// sizesAfter returns how long the file may be after a crash that left the
// first cuts truncations done, the shortest growth first.
func (n *inode) sizesAfter(cuts, sector int) []int64 {
	list := []int64{n.stableSize}
	for _, s := range n.sizes {
		switch last := list[len(list)-1]; {
		case s.cut > cuts:
			return list
		case s.cut > 0:
			list = []int64{s.size}
		default:
			step := int64(sector)
			for at := (max(last, s.from)/step + 1) * step; at < s.size; at += step {
				list = append(list, at)
			}
			list = append(list, s.size)
		}
	}
	return list
}

// pagesTo returns how many pages a file of that size has.
func pagesTo(size int64) int64 { return (size + pageSize - 1) / pageSize }

// names returns the names that any of the directories has, in order.
func names(dirs ...map[string]*inode) (list []string) {
	for _, d := range dirs {
		list = append(list, sortedKeys(d)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
