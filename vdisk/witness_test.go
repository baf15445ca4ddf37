// Crashes at random: nothing that was synced is lost, and nothing is there that never was.

package vdisk_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// A witness remembers what a crash may make of one file: for every byte what
// it may read as, and from which to which size.
type witness struct {
	now, synced []byte
	may         []uint32 // since the last sync: bit 1 is "a", bit 0 is zero
	sizes       map[int]bool
}

func (w *witness) note() {
	w.sizes[len(w.now)] = true
	for i, b := range w.now {
		if i == len(w.may) {
			w.may = append(w.may, 1)
		}
		w.may[i] |= 1 << (b & 31)
	}
}

func (w *witness) sync() {
	w.synced, w.may, w.sizes = slices.Clone(w.now), make([]uint32, len(w.now)), map[int]bool{}
	w.note()
}

// complain says what is wrong with what a crash left, if anything.
func (w *witness) complain(left []byte) string {
	low := slices.Min(sorted(w.sizes))
	if high := slices.Max(sorted(w.sizes)); len(left) < low || len(left) > high {
		return fmt.Sprintf("%d bytes, not %d to %d", len(left), low, high)
	}
	for i, b := range left {
		if w.may[i]&(1<<(b&31)) == 0 {
			return fmt.Sprintf("byte %d is %#x, not of %b", i, b, w.may[i])
		}
	}
	return ""
}

func sorted(m map[int]bool) (list []int) {
	for n := range m {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// A trial is one file under random operations, and its witness.
type trial struct {
	*testing.T
	rng    *rand.Rand
	sector int
	disk   *vdisk.Disk
	file   vdisk.File
	witness
}

func newTrial(t *testing.T, seed uint64) *trial {
	rng := rand.New(rand.NewPCG(seed, 3))
	r := &trial{T: t, rng: rng, sector: []int{64, 512, 4096}[rng.IntN(3)]}
	r.disk = vdisk.New(vdisk.Config{Seed: seed, Sector: r.sector})
	r.file = stable(t, r.disk.Mount(), "a", "")
	r.sync()
	return r
}

func (r *trial) step() {
	switch off, n := r.rng.IntN(9000), 1+r.rng.IntN(3000); r.rng.IntN(8) {
	case 0:
		r.truncate(off)
	case 1:
		ok(r, r.file.Sync())
		r.sync()
	case 2:
		r.crash([]vdisk.Crash{{}, {}, {Lose: true}, {Keep: true}}[r.rng.IntN(4)])
	default:
		r.write(off, strings.Repeat(string(rune('a'+r.rng.IntN(26))), n))
	}
	r.note()
	if content(r.disk.Mount(), "a") != string(r.now) {
		r.Fatal("programs read something else than was written")
	}
}

// extend makes what programs read at least so long.
func (w *witness) extend(size int) {
	w.now = append(w.now, make([]byte, max(size-len(w.now), 0))...)
}

func (r *trial) truncate(size int) {
	ok(r, r.file.Truncate(int64(size)))
	r.extend(size)
	r.now = r.now[:size]
	for i := size; i < len(r.may) && i%r.sector != 0; i++ {
		r.may[i] |= 1 // the end of a sector that was cut within
	}
}

func (r *trial) write(off int, data string) {
	put(r, r.file, int64(off), data)
	r.extend(off + len(data))
	r.note() // the size may be there without the data
	copy(r.now[off:], data)
}

func (r *trial) crash(how vdisk.Crash) {
	losses := r.disk.Crash(how)
	left := []byte(content(r.disk.Mount(), "a"))
	if complaint := r.complain(left); complaint != "" {
		r.Fatalf("a crash %+v left %s; losses %q", how, complaint, losses)
	}
	exact := map[bool][]byte{how.Lose: r.synced, how.Keep: r.now}[true]
	if (how.Lose || how.Keep) && string(left) != string(exact) {
		r.Fatalf("a crash %+v left %d bytes, not the %d exactly", how, len(left), len(exact))
	}
	r.file = open(r, r.disk.Mount(), "a")
	if r.now = left; !how.Keep {
		r.sync()
	}
}

func TestACrashLeavesWhatWasSyncedAndNothingThatNeverWas(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newTrial(t, seed)
			for range 100 {
				r.step()
			}
		})
	}
}

func FuzzCrash(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := newTrial(t, seed)
		for range 100 {
			r.step()
		}
	})
}

func TestEveryCrashIsAmongTheStates(t *testing.T) {
	reached := map[string]bool{}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed/4, 4)) // four crashes of each run
		d := vdisk.New(vdisk.Config{Seed: seed})
		fsys := d.Mount()
		for range 12 {
			name, other := string("ab"[rng.IntN(2)]), string("abc"[rng.IntN(3)])
			off, n := rng.Int64N(2)*512, rng.IntN(600)
			f, err := fsys.OpenFile(name, os.O_RDWR|rng.IntN(2)*os.O_CREATE, 0o644)
			if err != nil {
				continue
			}
			switch rng.IntN(7) {
			case 0:
				ok(t, f.Truncate(off))
			case 1:
				ok(t, fsys.Rename(name, other))
			case 2:
				ok(t, fsys.Remove(name))
			case 3:
				ok(t, f.Sync())
			case 4:
				ok(t, fsys.SyncDir("."))
			default:
				put(t, f, off, strings.Repeat(string(rune('a'+rng.IntN(26))), n))
			}
		}
		all := map[string]bool{}
		for state, err := range d.States(500) {
			if err != nil {
				all = nil
				break
			}
			all[tree(state.Mount(), ".")] = true
		}
		losses := d.Crash(vdisk.Crash{})
		left := tree(d.Mount(), ".")
		if all != nil && !all[left] {
			t.Fatalf("seed %d: none of %d states is what a crash left: %q (%q)", seed, len(all), left, losses)
		}
		reached[fmt.Sprint(len(all), left)] = true
	}
	if len(reached) < 60 {
		t.Errorf("only %d different ends were tried", len(reached))
	}
}
