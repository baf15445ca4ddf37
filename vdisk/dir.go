// Names: which file each leads to, and which changes of names are stable.

package vdisk

import (
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// A change is an operation on names that a crash does wholly or not at all.
type change struct {
	text  string // for people
	sets  []entry
	needs []*change // what must have been done before
	done  bool      // it is stable
}

// An entry says that a name in a directory leads to node, or, if that is nil,
// nowhere.
type entry struct {
	dir  *inode
	name string
	node *inode
}

// maxPending is how many changes of names may wait to be stable. When there
// are more, the oldest is written, as every kernel does after a while.
const maxPending = 4096

// find returns what name leads to, the directory that holds the name, and its
// last part there. node is nil, and err ENOENT, if only the last is missing.
func (d *Disk) find(name string) (node, dir *inode, base string, err error) {
	if !fs.ValidPath(name) {
		return nil, nil, "", fs.ErrInvalid
	}
	if name == "." {
		return d.root, nil, ".", nil
	}
	node = d.root
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case node == nil:
			return nil, nil, "", syscall.ENOENT
		case !node.dir:
			return nil, nil, "", syscall.ENOTDIR
		}
		dir, base = node, part
		node = dir.entries[part]
	}
	if node == nil {
		return nil, dir, base, syscall.ENOENT
	}
	return node, dir, base, nil
}

// findDir returns the directory of that name.
func (d *Disk) findDir(name string) (*inode, error) {
	node, _, _, err := d.find(name)
	if err == nil && !node.dir {
		err = syscall.ENOTDIR
	}
	return node, err
}

// change does what sets say, and remembers it as not stable.
func (d *Disk) change(text string, sets ...entry) *change {
	c := &change{text: text, sets: sets}
	for _, e := range sets {
		c.needs = append(c.needs, d.before(e, len(sets) == 1)...)
		e.put(e.dir.entries)
	}
	d.pending = append(d.pending, c)
	if len(d.pending) > maxPending {
		d.store(d.pending[0])
		d.pending = slices.Delete(d.pending, 0, 1)
	}
	return c
}

// before returns the pending changes that must have been done before e is:
// what last touched its name and, if alone it takes away a directory, all
// within that.
func (d *Disk) before(e entry, alone bool) (list []*change) {
	var gone *inode
	if alone && e.node == nil {
		gone = e.dir.entries[e.name]
	}
	found := false
	for _, c := range slices.Backward(d.pending) {
		touches := !found && slices.ContainsFunc(c.sets, e.sameName)
		found = found || touches
		if touches || slices.ContainsFunc(c.sets, func(f entry) bool { return f.dir == gone }) {
			list = append(list, c)
		}
	}
	return list
}

func (e entry) sameName(f entry) bool { return e.dir == f.dir && e.name == f.name }

func (e entry) put(names map[string]*inode) {
	if e.node == nil {
		delete(names, e.name)
	} else {
		names[e.name] = e.node
	}
}

// store makes c and what it needs stable.
func (d *Disk) store(c *change) {
	if c.done {
		return
	}
	c.done = true
	for _, before := range c.needs {
		d.store(before)
	}
	for _, e := range c.sets {
		e.put(e.dir.stable)
	}
	c.needs = nil
}

// syncDir makes all changes of names in dir stable.
func (d *Disk) syncDir(dir *inode) {
	for _, c := range d.pending {
		if slices.ContainsFunc(c.sets, func(e entry) bool { return e.dir == dir }) {
			d.store(c)
		}
	}
	d.pending = slices.DeleteFunc(d.pending, func(c *change) bool { return c.done })
}

// syncName makes stable all changes that brought node, or a directory above
// it, to where it is.
func (d *Disk) syncName(node *inode) {
	for _, c := range d.pending {
		if slices.ContainsFunc(c.sets, func(e entry) bool { return e.node.leadsTo(node) }) {
			d.store(c)
		}
	}
	d.pending = slices.DeleteFunc(d.pending, func(c *change) bool { return c.done })
}

// leadsTo reports whether n is node, or a directory that node is in.
func (n *inode) leadsTo(node *inode) bool {
	if n == nil || n == node {
		return n == node
	}
	for _, child := range n.entries {
		if child.leadsTo(node) {
			return true
		}
	}
	return false
}

func (d *Disk) mkdir(name string, perm fs.FileMode) error {
	switch _, dir, base, err := d.find(name); {
	case err == nil:
		return syscall.EEXIST
	case dir == nil:
		return err
	default:
		d.change("mkdir "+name, entry{dir, base, newDir(perm)})
		return nil
	}
}

func (d *Disk) remove(name string) error {
	node, dir, base, err := d.find(name)
	switch {
	case err != nil:
		return err
	case node.dir && len(node.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.change("remove "+name, entry{dir, base, nil})
	d.unlink(node)
	return nil
}

// unlink notes that no name leads to node any more.
func (d *Disk) unlink(node *inode) {
	node.gone = true
	d.release(node)
}

func (d *Disk) rename(from, to string) error {
	node, dir, base, missing := d.find(from)
	target, toDir, toBase, err := d.find(to)
	switch {
	case dir == nil:
		return missing
	case toDir == nil:
		return err
	case node == nil:
		return missing
	case target != nil && target.dir:
		return syscall.EEXIST
	case node.dir && strings.HasPrefix(to, from+"/"):
		return syscall.EINVAL
	case target != nil && node.dir:
		return syscall.ENOTDIR
	case target == node:
		return nil
	}
	above := d.above(to)
	c := d.change("rename "+from+" "+to, entry{toDir, toBase, node}, entry{dir, base, nil})
	c.needs = append(c.needs, above...)
	if target != nil {
		d.unlink(target)
	}
	return nil
}

// above returns the pending changes that brought the directories above name
// to where they are: without them, what is renamed to there would be lost.
func (d *Disk) above(name string) (list []*change) {
	parent := name[:max(strings.LastIndexByte(name, '/'), 0)]
	if parent == "" {
		return nil
	}
	dir, _, _, _ := d.find(parent)
	for _, c := range d.pending {
		if slices.ContainsFunc(c.sets, func(e entry) bool { return e.node == dir }) {
			list = append(list, c)
		}
	}
	return append(list, d.above(parent)...)
}
