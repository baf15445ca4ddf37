// Rot: a bit of what is stable changes by itself.

package vdisk

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rehearse-go/rehearse/journal"
)

// Flip flips one bit of the byte at off in what is stable of the named file,
// as decay of the medium does, and in what programs read unless the sector
// was written since. Bit 0 is the lowest. It panics unless that byte is
// stable and bit is from 0 to 7.
func (d *Disk) Flip(name string, off int64, bit int) {
	d.mu.Lock()
	err := d.flipAt(name, off, bit)
	d.mu.Unlock()
	if err != nil {
		panic(fmt.Sprintf("vdisk: Flip(%q, %d, %d): %v", name, off, bit, err))
	}
	f := fmt.Sprintf("flip %s %d %d", name, off, bit)
	d.append(journal.Event{Kind: "fault.disk", Subject: f})
}

// flip does the fault f, having drawn which bit unless f says, and returns it
// with that.
func (d *Disk) flip(f Fault) (Fault, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Name != "" {
		return f, d.flipAt(f.Name, f.Off, f.Bit)
	}
	total := int64(0)
	for _, n := range d.root.files("") {
		total += n.rotten()
	}
	if total == 0 {
		return f, errors.New("nothing is stable yet")
	}
	d.flips++
	drawn := draws(d.cfg.Seed, "flip", d.flips)
	at := int64(drawn.Number(0) % uint64(total))
	for name, n := range d.root.files("") {
		if size := n.rotten(); at >= size {
			at -= size
			continue
		}
		f.Name, f.Off, f.Bit = name, at, int(drawn.Number(1)%8)
		break
	}
	return f, d.flipAt(f.Name, f.Off, f.Bit)
}

// rotten returns how many bytes of the file a bit may be flipped in.
func (n *inode) rotten() int64 { return min(n.stableSize, n.size) }

func (d *Disk) flipAt(name string, off int64, bit int) error {
	node, _, _, err := d.find(name)
	switch {
	case err != nil:
		return err
	case node.dir:
		return fs.ErrInvalid
	case bit < 0 || bit > 7:
		return errors.New("bits are from 0 to 7")
	case off < 0 || off >= node.rotten():
		return fmt.Errorf("%d bytes are stable", node.rotten())
	}
	node.pageAt(off/pageSize).flip(int(off%pageSize), bit, d.cfg.Sector)
	return nil
}

// pageAt returns the page of that number, new if there is none.
func (n *inode) pageAt(number int64) *page {
	p := n.pages[number]
	if p == nil {
		p = newPage()
		n.pages[number] = p
	}
	return p
}

func (p *page) flip(at, bit, sector int) {
	rotten := *p.stable
	rotten[at] ^= 1 << bit
	clean := p.now == p.stable
	p.stable = &rotten
	switch {
	case clean:
		p.now = p.stable
	case p.untouched(at / sector):
		p.ownNow()
		p.now[at] ^= 1 << bit
	}
}
