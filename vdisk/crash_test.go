// What a crash leaves: case by case, and against a model at random.

package vdisk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// letters makes a content of whole sectors: "ab" is a sector of a, one of b.
func letters(s string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(strings.Repeat(string(c), 512))
	}
	return b.String()
}

// brief turns contents into letters again, a zero into a dot, and tells what
// is no whole sector as it is.
func brief(s string) string {
	for _, c := range "abcdefghijklmnopqrstuvwxyz\x00" {
		letter := string(c)
		if c == 0 {
			letter = "."
		}
		s = strings.ReplaceAll(s, strings.Repeat(string(c), 512), letter)
	}
	return s
}

func TestStatesAreThoseThatACrashMayLeave(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, fsys vdisk.FS)
		want []string // in any order
	}{
		{"nothing", func(t *testing.T, fsys vdisk.FS) {}, []string{""}},
		{"what is synced is one state", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", letters("xy"))
		}, []string{"a=xy"}},
		{"a write in place is torn between sectors", func(t *testing.T, fsys vdisk.FS) {
			put(t, stable(t, fsys, "a", letters("xy")), 0, letters("ab"))
		}, []string{"a=xy", "a=ay", "a=xb", "a=ab"}},
		{"a later write may be there without an earlier one", func(t *testing.T, fsys vdisk.FS) {
			f := stable(t, fsys, "a", letters("xy"))
			put(t, f, 0, letters("a"))
			put(t, f, 512, letters("b"))
		}, []string{"a=xy", "a=ay", "a=xb", "a=ab"}},
		{"a content in between may be what is left", func(t *testing.T, fsys vdisk.FS) {
			f := stable(t, fsys, "a", letters("x"))
			put(t, f, 0, letters("a"))
			put(t, f, 0, letters("b"))
		}, []string{"a=x", "a=a", "a=b"}},
		{"an append grows or not, with its data or zeros", func(t *testing.T, fsys vdisk.FS) {
			put(t, stable(t, fsys, "a", letters("x")), 512, letters("ab"))
		}, []string{"a=x", "a=x.", "a=xa", "a=x..", "a=xa.", "a=x.b", "a=xab"}},
		{"a cut is done or not", func(t *testing.T, fsys vdisk.FS) {
			ok(t, stable(t, fsys, "a", letters("xyz")).Truncate(512))
		}, []string{"a=xyz", "a=x"}},
		{"what was written after a cut needs the cut", func(t *testing.T, fsys vdisk.FS) {
			f := stable(t, fsys, "a", letters("xy"))
			ok(t, f.Truncate(0))
			put(t, f, 0, letters("a"))
		}, []string{"a=xy", "a=", "a=.", "a=a"}},
		{"cuts come in order", func(t *testing.T, fsys vdisk.FS) {
			f := stable(t, fsys, "a", letters("xyz"))
			ok(t, f.Truncate(1024))
			ok(t, f.Truncate(512))
			ok(t, f.Truncate(1024))
		}, []string{"a=xyz", "a=xy", "a=x", "a=x."}},
		{"a write before the cut is in place", func(t *testing.T, fsys vdisk.FS) {
			f := stable(t, fsys, "a", letters("xy"))
			ok(t, f.Truncate(512))
			put(t, f, 0, letters("a"))
		}, []string{"a=xy", "a=x", "a=ay", "a=a"}},
		{"an allocation is zeros", func(t *testing.T, fsys vdisk.FS) {
			ok(t, stable(t, fsys, "a", letters("x")).Allocate(0, 1536))
		}, []string{"a=x", "a=x.."}},
		{"a synced file without a name is gone or there", func(t *testing.T, fsys vdisk.FS) {
			f := open(t, fsys, "a")
			put(t, f, 0, letters("x"))
			ok(t, f.Sync())
		}, []string{"", "a=x"}},
		{"a name without a synced file is there, with any of it", func(t *testing.T, fsys vdisk.FS) {
			f := open(t, fsys, "a")
			ok(t, fsys.SyncDir("."))
			put(t, f, 0, letters("x"))
		}, []string{"a=", "a=.", "a=x"}},
		{"names come and go apart", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", "")
			ok(t, fsys.Remove("a"))
			open(t, fsys, "b")
		}, []string{"a=", "", "a= b=", "b="}},
		{"changes of one name come in order", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", "x")
			ok(t, fsys.Remove("a"))
			open(t, fsys, "a")
		}, []string{"a=x", "", "a="}},
		{"a rename is whole", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", "old")
			stable(t, fsys, "b", "new")
			ok(t, fsys.Rename("b", "a"))
		}, []string{"a=old b=new", "a=new"}},
		{"a rename between directories is whole", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", "x")
			ok(t, fsys.Mkdir("d", 0o755))
			ok(t, fsys.SyncDir("."))
			ok(t, fsys.Rename("a", "d/a"))
		}, []string{"a=x d{}", "d{d/a=x}"}},
		{"a synced directory has what was renamed into it, and not twice", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", "x")
			ok(t, fsys.Mkdir("d", 0o755))
			ok(t, fsys.SyncDir("."))
			ok(t, fsys.Rename("a", "d/a"))
			ok(t, fsys.SyncDir("d"))
		}, []string{"d{d/a=x}"}},
		{"a rename before the data arrives", func(t *testing.T, fsys vdisk.FS) {
			stable(t, fsys, "a", letters("x"))
			put(t, open(t, fsys, "b"), 0, letters("y"))
			ok(t, fsys.Rename("b", "a"))
		}, []string{"a=x", "a=x b=", "a=x b=.", "a=x b=y", "a=", "a=.", "a=y"}},
		{"what is in a directory needs the directory", func(t *testing.T, fsys vdisk.FS) {
			ok(t, fsys.Mkdir("d", 0o755))
			open(t, fsys, "d/a")
			ok(t, fsys.SyncDir("d"))
		}, []string{"", "d{d/a=}"}},
		{"a directory goes after what is in it", func(t *testing.T, fsys vdisk.FS) {
			ok(t, fsys.Mkdir("d", 0o755))
			open(t, fsys, "d/a")
			ok(t, fsys.SyncDir("d"))
			ok(t, fsys.SyncDir("."))
			ok(t, fsys.Remove("d/a"))
			ok(t, fsys.Remove("d"))
		}, []string{"d{d/a=}", "d{}", ""}},
		{"a directory may move before what is made in it", func(t *testing.T, fsys vdisk.FS) {
			ok(t, fsys.Mkdir("d", 0o755))
			ok(t, fsys.SyncDir("."))
			open(t, fsys, "d/a")
			ok(t, fsys.Rename("d", "e"))
		}, []string{"d{}", "d{d/a=}", "e{}", "e{e/a=}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := vdisk.New(vdisk.Config{})
			c.run(t, d.Mount())
			var got []string
			for _, s := range states(t, d) {
				got = append(got, brief(s))
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("states\n\t%q\nwant\n\t%q", got, c.want)
			}
		})
	}
}

func TestStatesSayWhenThereAreMore(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	put(t, stable(t, d.Mount(), "a", letters("xyz")), 0, letters("abc"))
	for limit, want := range map[int]error{7: vdisk.ErrMoreStates, 8: nil, 9: nil} {
		count, last := 0, error(nil)
		for state, err := range d.States(limit) {
			if last = err; state != nil {
				count++
			}
		}
		if last != want || count != min(limit, 8) {
			t.Errorf("limit %d: %d states, ended with %v", limit, count, last)
		}
	}
}

func TestStatesComeInOneOrder(t *testing.T) {
	run := func() []string {
		d := vdisk.New(vdisk.Config{})
		fsys := d.Mount()
		for _, name := range []string{"c", "a", "d", "b"} {
			put(t, open(t, fsys, name), 0, letters("xy"))
		}
		d.Crash(vdisk.Crash{Keep: true})
		var list []string
		for state, err := range d.States(500) {
			if err == nil {
				list = append(list, tree(state.Mount(), "."))
			}
		}
		return list
	}
	if a, b := run(), run(); len(a) != 500 || !slices.Equal(a, b) {
		t.Errorf("%d and %d states, not the same", len(a), len(b))
	}
}

func TestAStateIsADiskOfItsOwn(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	f := stable(t, fsys, "a", "stable")
	put(t, f, 0, "newest")
	var kept []*vdisk.Disk
	for state, err := range d.States(10) {
		ok(t, err)
		kept = append(kept, state)
		put(t, f, 0, "beyond") // the states are of when they were asked for
	}
	put(t, open(t, kept[0].Mount(), "a"), 0, "scrawl")
	ok(t, f.Sync())
	got := fmt.Sprint(tree(fsys, "."), tree(kept[0].Mount(), "."), tree(kept[1].Mount(), "."), len(kept))
	if want := "a=beyonda=scrawla=newest2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAKilledProgramLosesNothing(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	put(t, open(t, fsys, "a"), 0, "hello")
	if losses := d.Crash(vdisk.Crash{Keep: true}); len(losses) != 0 {
		t.Errorf("losses %q", losses)
	}
	if got := tree(d.Mount(), "."); got != "a=hello" {
		t.Errorf("after the kill there is %q", got)
	}
	d.Crash(vdisk.Crash{Lose: true})
	if got := tree(d.Mount(), "."); got != "" {
		t.Errorf("after the crash that followed there is %q", got)
	}
}

func TestAMountAndItsFilesDieInACrash(t *testing.T) {
	for _, c := range []vdisk.Crash{{}, {Lose: true}, {Keep: true}} {
		d := vdisk.New(vdisk.Config{})
		fsys := d.Mount()
		f := stable(t, fsys, "a", "stable")
		d.Crash(c)
		_, opened := fsys.OpenFile("a", rw, 0)
		_, read := f.Read(make([]byte, 1))
		_, written := f.WriteAt([]byte("zombie"), 0)
		_, size := f.Size()
		_, listed := fsys.ReadDir(".")
		_, told := fsys.Stat("a")
		for i, err := range []error{
			opened, read, written, size, listed, told, f.Sync(), f.Truncate(0), f.Allocate(0, 1), f.Lock(), f.Close(),
			fsys.Mkdir("d", 0o755), fsys.Rename("a", "b"), fsys.Remove("a"), fsys.SyncDir("."),
		} {
			if !errors.Is(err, vdisk.ErrCrashed) || !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%+v: operation %d said %v", c, i, err)
			}
		}
		if got := tree(d.Mount(), "."); got != "a=stable" {
			t.Errorf("%+v: there is %q", c, got)
		}
	}
}

func TestACrashTellsWhatWasLost(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	f := stable(t, fsys, "wal", letters("ab"))
	put(t, f, 512, letters("cde"))
	ok(t, fsys.Rename("wal", "log"))
	ok(t, fsys.Mkdir("d", 0o755))
	want := []string{"lost: rename wal log", "lost: mkdir d", "wal: 1024 bytes of 2048, without sectors 1"}
	if got := d.Crash(vdisk.Crash{Lose: true}); !slices.Equal(got, want) {
		t.Errorf("losses %q, want %q", got, want)
	}
}

func TestTheSameSeedLosesTheSame(t *testing.T) {
	run := func(seed uint64, others bool) (got []string) {
		d := vdisk.New(vdisk.Config{Seed: seed})
		for range 3 {
			fsys := d.Mount()
			if others {
				put(t, open(t, fsys, "other"), 0, letters("xyz"))
			}
			put(t, open(t, fsys, "a"), 0, letters("abcdefgh"))
			ok(t, fsys.SyncDir("."))
			d.Crash(vdisk.Crash{})
			got = append(got, content(d.Mount(), "a"))
		}
		return got
	}
	different := map[string]bool{}
	for seed := range uint64(20) {
		a := run(seed, false)
		if b := run(seed, true); !slices.Equal(a, b) {
			t.Errorf("seed %d: another file changed this one's fate", seed)
		}
		different[strings.Join(a, "|")] = true
	}
	if len(different) < 15 {
		t.Errorf("20 seeds came to %d outcomes", len(different))
	}
}

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

func TestACrashLeavesWhatWasSyncedAndNothingThatNeverWas(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		sector := []int{64, 512, 4096}[rng.IntN(3)]
		d := vdisk.New(vdisk.Config{Seed: seed, Sector: sector})
		w := &witness{}
		f := stable(t, d.Mount(), "a", "")
		w.sync()
		for range 100 {
			switch off, n := rng.IntN(9000), 1+rng.IntN(3000); rng.IntN(8) {
			case 0:
				ok(t, f.Truncate(int64(off)))
				w.now = append(w.now, make([]byte, max(off-len(w.now), 0))...)[:off]
				for i := off; i < len(w.may) && i%sector != 0; i++ {
					w.may[i] |= 1 // the end of a sector that was cut within
				}
			case 1:
				ok(t, f.Sync())
				w.sync()
			case 2:
				how := []vdisk.Crash{{}, {}, {Lose: true}, {Keep: true}}[rng.IntN(4)]
				losses := d.Crash(how)
				left := []byte(content(d.Mount(), "a"))
				if complaint := w.complain(left); complaint != "" {
					t.Fatalf("seed %d: a crash %+v left %s; losses %q", seed, how, complaint, losses)
				}
				exact := map[bool][]byte{how.Lose: w.synced, how.Keep: w.now}[true]
				if (how.Lose || how.Keep) && string(left) != string(exact) {
					t.Fatalf("seed %d: a crash %+v left %d bytes, not the %d exactly", seed, how, len(left), len(exact))
				}
				f = open(t, d.Mount(), "a")
				if w.now = left; !how.Keep {
					w.sync()
				}
			default:
				put(t, f, int64(off), strings.Repeat(string(rune('a'+rng.IntN(26))), n))
				w.now = append(w.now, make([]byte, max(off+n-len(w.now), 0))...)
				w.note() // the size may be there without the data
				b := make([]byte, n)
				_, err := f.ReadAt(b, int64(off))
				ok(t, err)
				copy(w.now[off:], b)
			}
			w.note()
			if got := content(d.Mount(), "a"); got != string(w.now) {
				t.Fatalf("seed %d: programs read something else than was written", seed)
			}
		}
	}
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
