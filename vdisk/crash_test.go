// What a crash leaves, case by case.

package vdisk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// A story is what a program did, and all that a crash then may leave, in any order.
type story struct {
	name string
	run  func(t *testing.T, fsys vdisk.FS)
	want []string
}

var storiesOfContents = []story{
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
}

var storiesOfNames = []story{
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
	{"a synced directory takes along what came before its changes", func(t *testing.T, fsys vdisk.FS) {
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.SyncDir("."))
		open(t, fsys, "a")
		ok(t, fsys.Rename("a", "d/a"))
		ok(t, fsys.SyncDir("d"))
	}, []string{"d{d/a=}"}},
	{"a directory goes after what was moved out of it", func(t *testing.T, fsys vdisk.FS) {
		stable(t, fsys, "a", "x")
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.Rename("a", "d/a"))
		ok(t, fsys.SyncDir("d"))
		ok(t, fsys.SyncDir("."))
		ok(t, fsys.Rename("d/a", "a"))
		ok(t, fsys.Remove("d"))
	}, []string{"d{d/a=x}", "a=x d{}", "a=x"}},
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
	{"nothing is renamed into a directory that is not there", func(t *testing.T, fsys vdisk.FS) {
		stable(t, fsys, "a", "x")
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.Mkdir("d/e", 0o755))
		ok(t, fsys.Rename("a", "d/e/a"))
	}, []string{"a=x", "a=x d{}", "a=x d{d/e{}}", "d{d/e{d/e/a=x}}"}},
	{"directories that change places do not lose each other", func(t *testing.T, fsys vdisk.FS) {
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.Mkdir("d/e", 0o755))
		ok(t, fsys.SyncDir("."))
		ok(t, fsys.SyncDir("d"))
		ok(t, fsys.Rename("d/e", "e"))
		ok(t, fsys.Rename("d", "e/d"))
	}, []string{"d{d/e{}}", "d{} e{}", "e{e/d{}}"}},
	{"a directory may move before what is made in it", func(t *testing.T, fsys vdisk.FS) {
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.SyncDir("."))
		open(t, fsys, "d/a")
		ok(t, fsys.Rename("d", "e"))
	}, []string{"d{}", "d{d/a=}", "e{}", "e{e/a=}"}},
}

func TestStatesAreThoseThatACrashMayLeave(t *testing.T) {
	for _, c := range slices.Concat(storiesOfContents, storiesOfNames) {
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

func TestManyTruncationsAreToldApartAsFarAsTheyAreCounted(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	f := stable(t, d.Mount(), "a", letters("x"))
	for _, size := range []int64{500, 490, 480} {
		ok(t, f.Truncate(size))
		ok(t, f.Sync())
	}
	for _, size := range []int64{470, 460, 450, 100, 512, 300} {
		ok(t, f.Truncate(size))
	}
	sizes := map[int]bool{}
	for _, s := range states(t, d) {
		left := strings.TrimPrefix(s, "a=")
		sizes[len(left)] = true
		if cut := strings.Repeat("x", 100) + strings.Repeat("\x00", 200); len(left) == 300 && left != cut {
			t.Errorf("cut at 100 and 300 it is %q", left)
		}
	}
	if want := []int{300, 450, 460, 470, 480}; !slices.Equal(sorted(sizes), want) {
		t.Errorf("sizes %v, want %v", sorted(sizes), want)
	}
}

func TestOfTooManyChangesOfNamesTheOldestIsStored(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	for i := range 4100 {
		ok(t, fsys.Mkdir(fmt.Sprintf("%04d", i), 0o755))
	}
	d.Crash(vdisk.Crash{Lose: true})
	if got := tree(d.Mount(), "."); got != "0000{} 0001{} 0002{} 0003{}" {
		t.Errorf("there is %.100q", got)
	}
}

func TestManyAppendsAreStillLostExactly(t *testing.T) {
	for seed := range uint64(20) {
		d := vdisk.New(vdisk.Config{Seed: seed})
		f := stable(t, d.Mount(), "a", "0123456789")
		for i := range 500 {
			put(t, f, int64(10+10*i), "abcdefghij")
		}
		for _, err := range d.States(50) {
			if err != nil && err != vdisk.ErrMoreStates {
				t.Error(err)
			}
		}
		d.Crash(vdisk.Crash{Lose: seed == 0})
		got := content(d.Mount(), "a")
		if len(got) < 10 || len(got) > 5010 || got[:10] != "0123456789" || seed == 0 && len(got) != 10 {
			t.Errorf("seed %d: %d bytes, %.20q", seed, len(got), got)
		}
	}
}

func TestWhatACrashBringsBackTakesRoom(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	ok(t, stable(t, d.Mount(), "a", strings.Repeat("x", 3*4096)).Truncate(0))
	d.Crash(vdisk.Crash{Lose: true})
	if d.Used() != 3*4096 {
		t.Errorf("%d bytes used", d.Used())
	}
}

func TestWhatIsOpenedToSyncIsStableOnceWritten(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	stable(t, d.Mount(), "a", "")
	f, err := d.Mount().OpenFile("a", os.O_WRONLY|os.O_SYNC, 0)
	ok(t, err)
	put(t, f, 0, "x")
	d.Crash(vdisk.Crash{Lose: true})
	if got := tree(d.Mount(), "."); got != "a=x" {
		t.Errorf("there is %q", got)
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

func TestAStateTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{Latency: time.Hour})
		for state, err := range d.States(1) {
			ok(t, err)
			start := time.Now()
			ok(t, state.Mount().SyncDir("."))
			if took := time.Since(start); took > 0 {
				t.Errorf("a sync took %v", took)
			}
		}
	})
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
	if got := d.Crash(vdisk.Crash{Lose: true}); len(got) > 0 {
		t.Errorf("there was nothing more to lose than %q", got)
	}
	f = open(t, d.Mount(), "wal")
	put(t, f, 0, letters("c"))
	end := strike(t, d, "sync eio")
	f.Sync()
	end()
	if got := d.Crash(vdisk.Crash{}); !slices.Equal(got, []string{"wal: without sectors 0"}) {
		t.Errorf("after a failed sync: losses %q", got)
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
