// Disks where the sync of a file makes its name stable, and what a state has lost.

package vdisk_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vdisk"
)

var storiesOfSyncedNames = []story{
	{"a new file", func(t *testing.T, fsys vdisk.FS) {
		f := open(t, fsys, "a")
		put(t, f, 0, letters("x"))
		ok(t, f.Sync())
	}, []string{"a=x"}},
	{"not its neighbours", func(t *testing.T, fsys vdisk.FS) {
		open(t, fsys, "b")
		ok(t, open(t, fsys, "a").Sync())
		open(t, fsys, "c")
	}, []string{"a=", "a= b=", "a= c=", "a= b= c="}},
	{"a pending rename over another", func(t *testing.T, fsys vdisk.FS) {
		stable(t, fsys, "a", "old")
		f := open(t, fsys, "b")
		put(t, f, 0, "new")
		ok(t, fsys.Rename("b", "a"))
		ok(t, f.Sync())
	}, []string{"a=new"}},
	{"not a rename that follows", func(t *testing.T, fsys vdisk.FS) {
		stable(t, fsys, "a", "old")
		f := open(t, fsys, "b")
		put(t, f, 0, "new")
		ok(t, f.Sync())
		ok(t, fsys.Rename("b", "a"))
	}, []string{"a=old b=new", "a=new"}},
	{"the directories above", func(t *testing.T, fsys vdisk.FS) {
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.Mkdir("d/e", 0o755))
		ok(t, fsys.Mkdir("other", 0o755))
		ok(t, open(t, fsys, "d/e/a").Sync())
	}, []string{"d{d/e{d/e/a=}}", "d{d/e{d/e/a=}} other{}"}},
	{"a directory above that was renamed, though the name is stable", func(t *testing.T, fsys vdisk.FS) {
		ok(t, fsys.Mkdir("d", 0o755))
		f := open(t, fsys, "d/a")
		ok(t, fsys.SyncDir("d"))
		ok(t, fsys.Rename("d", "e"))
		ok(t, f.Sync())
	}, []string{"e{e/a=}"}},
	{"nothing of a file that is removed", func(t *testing.T, fsys vdisk.FS) {
		f := open(t, fsys, "a")
		ok(t, fsys.Remove("a"))
		ok(t, f.Sync())
	}, []string{"", "a="}},
	{"what the name was before, in order", func(t *testing.T, fsys vdisk.FS) {
		stable(t, fsys, "a", "old")
		ok(t, fsys.Remove("a"))
		ok(t, open(t, fsys, "a").Sync())
	}, []string{"a="}},
}

func TestWithSyncNamesASyncMakesStable(t *testing.T) {
	for _, c := range storiesOfSyncedNames {
		t.Run(c.name, func(t *testing.T) {
			d := vdisk.New(vdisk.Config{SyncNames: true})
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
			d.Crash(vdisk.Crash{Lose: true})
			if got := brief(tree(d.Mount(), ".")); !slices.Contains(c.want, got) {
				t.Errorf("a crash leaves %q", got)
			}
		})
	}
}

func TestTheSyncOfARemovedFileBringsNoNameBack(t *testing.T) {
	d := vdisk.New(vdisk.Config{SyncNames: true})
	fsys := d.Mount()
	f := open(t, fsys, "a")
	ok(t, fsys.Remove("a"))
	ok(t, f.Sync())
	d.Crash(vdisk.Crash{Lose: true})
	if got := tree(d.Mount(), "."); got != "" {
		t.Errorf("there is %q", got)
	}
}

func TestASyncThatFailsOrLiesLeavesTheName(t *testing.T) {
	for _, v := range []vdisk.Verdict{{Err: syscall.EIO}, {Lie: true}} {
		d := vdisk.New(vdisk.Config{SyncNames: true})
		remove := d.Rule(rule.Then(is(vdisk.Sync), v))
		open(t, d.Mount(), "a").Sync()
		remove()
		if got := states(t, d); !slices.Equal(got, []string{"", "a="}) {
			t.Errorf("%v: states %q", v, got)
		}
	}
}

func TestAStateTellsWhatItLost(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	put(t, stable(t, fsys, "wal", letters("ab")), 0, letters("x"))
	ok(t, fsys.Mkdir("d", 0o755))
	var got []string
	for state, err := range d.States(10) {
		ok(t, err)
		got = append(got, brief(tree(state.Mount(), "."))+": "+strings.Join(state.Losses(), "; "))
	}
	want := []string{
		"wal=ab: lost: mkdir d; wal: without sectors 0",
		"wal=xb: lost: mkdir d",
		"d{} wal=ab: wal: without sectors 0",
		"d{} wal=xb: ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("states\n\t%q\nwant\n\t%q", got, want)
	}
	if len(d.Losses()) > 0 {
		t.Errorf("before a crash, losses %q", d.Losses())
	}
}

func TestADiskRemembersTheLossesOfItsLastCrash(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	ok(t, d.Mount().Mkdir("d", 0o755))
	returned := d.Crash(vdisk.Crash{Lose: true})
	if got := d.Losses(); len(got) != 1 || !slices.Equal(got, returned) {
		t.Errorf("losses %q, and Crash returned %q", got, returned)
	}
	d.Losses()[0] = "changed"
	if got := d.Losses(); !slices.Equal(got, returned) {
		t.Errorf("losses that a caller changed: %q", got)
	}
	if d.Crash(vdisk.Crash{Keep: true}); len(d.Losses()) > 0 {
		t.Errorf("after a kill, losses %q", d.Losses())
	}
}
