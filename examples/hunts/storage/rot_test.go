// Decay: every bit of what a store keeps, and files cut in half.

package storage_test

import (
	"errors"
	"os"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// A damage is how often a store told of it, gave the right words all the same,
// and gave others without a word.
type damage struct{ told, harmless, silent int }

func (n *damage) note(s subject, d *vdisk.Disk, words []string) {
	_, f := s.holds(d, promised(words...))
	switch {
	case f == nil:
		n.harmless++
	case f.way == closed || f.way == unread:
		n.told++
	default:
		n.silent++
	}
}

// filled returns a way to make disks with these words on them, all synced.
func (s subject) filled(t *testing.T, batches [][]string) (make func() *vdisk.Disk, words []string) {
	t.Helper()
	d := vdisk.New(s.disk)
	var p promise
	s.live(d, &p, batches)
	if f := s.check(first(d), p); f != nil && f.way != refuses {
		t.Fatal(f)
	}
	return func() *vdisk.Disk { return first(d) }, p.words
}

// first is a disk as a crash that loses all would leave it.
func first(d *vdisk.Disk) *vdisk.Disk {
	for state := range d.States(1) {
		return state
	}
	return nil
}

func TestRot(t *testing.T) {
	for _, c := range []struct {
		subject
		silently bool
	}{
		{raftWAL, true},
		{levelDB, true},
		{strictLevelDB, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				flips, cuts := c.rot(t, batchesOf(6, 2, 200))
				t.Logf("a bit flipped: %+v; a file cut in half: %+v", flips, cuts)
				if c.silently != (flips.silent > 0) {
					t.Errorf("of %+v, want silent ones %v", flips, c.silently)
				}
			})
		})
	}
}

// rot flips a bit of each byte, and cuts each file in half.
func (s subject) rot(t *testing.T, batches [][]string) (flips, cuts damage) {
	t.Helper()
	disk, words := s.filled(t, batches)
	whole := disk()
	for _, name := range whole.Files() {
		info, err := whole.Mount().Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		for off := range info.Size() {
			d := disk()
			d.Flip(name, off, int(off%8))
			flips.note(s, d, words)
		}
		d := disk()
		if err := cutInHalf(d.Mount(), name, info.Size()/2); err != nil {
			t.Fatal(err)
		}
		cuts.note(s, d, words)
	}
	return flips, cuts
}

func cutInHalf(disk vdisk.FS, name string, half int64) error {
	f, err := disk.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(half), f.Sync(), f.Close())
}
