// What becomes of mounts in a crash: they are dead, or ghosts.

package vdisk

import "slices"

// cutOff takes all mounts from the disk; d.mu is held.
func (d *Disk) cutOff(ghosts bool) {
	for _, m := range d.mounts {
		if m.crashed = !ghosts; ghosts {
			m.disk.Store(d.ghost(m))
		}
		close(m.over)
	}
	d.mounts = nil
}

// ghost returns a disk of what m sees, and has m's files lead there; d.mu is
// held. It has the room that d has, and nobody else's handles and locks.
func (d *Disk) ghost(m *mount) *Disk {
	c := d.cfg
	c.Journal, c.Latency = nil, 0
	g, copies := New(c), copying{}
	g.root = copies.node(d.root)
	for f := range m.files {
		had := f.node.locked == f
		f.node = copies.node(f.node)
		f.node.opens++
		if had {
			f.node.locked = f
		}
	}
	for _, n := range copies {
		g.used += n.room.pages() * pageSize
	}
	return g
}

// copying copies what programs see, each thing once, and not what is stable:
// to a ghost that makes no difference.
type copying map[*inode]*inode

func (c copying) node(n *inode) *inode {
	if made := c[n]; made != nil {
		return made
	}
	if n.dir {
		return c.dir(n)
	}
	made := newFile(n.perm)
	c[n] = made
	made.size, made.gone, made.room = n.size, n.gone, slices.Clone(n.room)
	for number, p := range n.pages {
		made.pages[number] = p.copied()
	}
	return made
}

func (c copying) dir(n *inode) *inode {
	made := newDir(n.perm)
	c[n] = made
	for name, child := range n.entries {
		made.entries[name] = c.node(child)
	}
	return made
}

// copied returns a page that reads as p. What both may share is copied once
// one of them is written to.
func (p *page) copied() *page {
	b := p.now
	if b != p.stable && b != blank {
		now := *b
		b = &now
	}
	return &page{now: b, stable: b}
}
