// Mounts that go on after a crash of which their program should not know.

package vdisk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vdisk"
)

var deathsWithGhosts = []vdisk.Crash{{Ghost: true}, {Lose: true, Ghost: true}, {Keep: true, Ghost: true}}

func TestAGhostSeesNoCrash(t *testing.T) {
	for _, s := range slices.Concat(storiesOfContents, storiesOfNames) {
		for _, c := range deathsWithGhosts {
			d, plain := vdisk.New(vdisk.Config{Seed: 1}), vdisk.New(vdisk.Config{Seed: 1})
			fsys := d.Mount()
			s.run(t, fsys)
			s.run(t, plain.Mount())
			before := tree(fsys, ".")
			left := d.Crash(c)
			if got := tree(fsys, "."); got != before {
				t.Errorf("%s, %+v: the ghost sees %q, not %q", s.name, c, brief(got), brief(before))
			}
			c.Ghost = false
			if want := plain.Crash(c); !slices.Equal(left, want) || tree(d.Mount(), ".") != tree(plain.Mount(), ".") {
				t.Errorf("%s, %+v: with ghosts other things are lost: %q, not %q", s.name, c, left, want)
			}
		}
	}
}

func TestNothingThatAGhostDoesIsStoredOrTold(t *testing.T) {
	for _, c := range deathsWithGhosts {
		j := &journal.Journal{}
		d := vdisk.New(vdisk.Config{Journal: j, Name: "n1"})
		fsys := d.Mount()
		f := stable(t, fsys, "a", letters("xy"))
		put(t, f, 512, letters("z"))
		ok(t, fsys.Rename("a", "b"))
		d.Crash(c)
		states, used, last := states(t, d), d.Used(), j.Last()

		put(t, f, 0, letters("gggg")) // on pages that the living share, clean and not
		ok(t, f.Sync())
		put(t, open(t, fsys, "b"), 5*4096, letters("g"))
		ok(t, fsys.Mkdir("d", 0o755))
		ok(t, fsys.Rename("b", "d/b"))
		ok(t, errors.Join(fsys.SyncDir("."), fsys.SyncDir("d"), f.Allocate(0, 1<<20), f.Truncate(1024), f.Close()))
		if got := brief(tree(fsys, ".")); got != "d{d/b=gg}" {
			t.Errorf("%+v: the ghost sees %q", c, got)
		}
		for e := range j.Events(last + 1) {
			t.Errorf("%+v: the journal tells of a ghost: %v", c, e)
		}
		if d.Used() != used {
			t.Errorf("%+v: the ghost takes room: %d bytes, not %d", c, d.Used(), used)
		}
		if got := tree(d.Mount(), "."); !slices.Contains(states, got) {
			t.Errorf("%+v: there is %q", c, brief(got))
		}
		d.Crash(vdisk.Crash{})
		if got := tree(d.Mount(), "."); !slices.Contains(states, got) {
			t.Errorf("%+v: after another crash there is %q", c, brief(got))
		}
		if got := brief(tree(fsys, ".")); got != "d{d/b=gg}" {
			t.Errorf("%+v: after another crash the ghost sees %q", c, got)
		}
	}
}

func TestAGhostDoesNotSeeTheNextLife(t *testing.T) {
	for _, c := range deathsWithGhosts {
		d := vdisk.New(vdisk.Config{})
		fsys := d.Mount()
		f := stable(t, fsys, "a", letters("x"))
		put(t, f, 0, letters("y"))
		d.Crash(c)
		put(t, open(t, d.Mount(), "a"), 0, letters("n"))
		ok(t, d.Mount().Mkdir("new", 0o755))
		d.Flip("a", 0, 0)
		if got := brief(tree(fsys, ".")); got != "a=y" {
			t.Errorf("%+v: the ghost sees %q", c, got)
		}
		b := make([]byte, 512)
		if _, err := f.ReadAt(b, 0); err != nil || brief(string(b)) != "y" {
			t.Errorf("%+v: the ghost's handle reads %q, %v", c, brief(string(b)), err)
		}
	}
}

func TestOpenHandlesOfAGhostGoOn(t *testing.T) {
	d := vdisk.New(vdisk.Config{Size: 8192})
	fsys := d.Mount()
	removed, log := open(t, fsys, "removed"), open(t, fsys, "log")
	put(t, removed, 0, "still here")
	ok(t, fsys.Remove("removed"))
	io.WriteString(log, "one\n")
	d.Crash(vdisk.Crash{Lose: true, Ghost: true})
	io.WriteString(log, "two\n")
	if got := content(fsys, "log"); got != "one\ntwo\n" {
		t.Errorf("the log is %q", got)
	}
	b := make([]byte, 5)
	if _, err := removed.ReadAt(b, 0); err != nil || string(b) != "still" {
		t.Errorf("the removed file reads %q, %v", b, err)
	}
	if _, err := log.WriteAt([]byte("x"), 4096); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the room does not end where it did: %v", err)
	}
	ok(t, removed.Close())
	put(t, log, 4096, "x") // in the room of what nothing leads to any more
	ok(t, log.Close())
	if err := log.Close(); !errors.Is(err, os.ErrClosed) || errors.Is(err, vdisk.ErrCrashed) {
		t.Errorf("closed twice, it said %v", err)
	}
}

func TestAGhostHasTheRoomOfWhatItRemoves(t *testing.T) {
	d := vdisk.New(vdisk.Config{Size: 4096})
	fsys := d.Mount()
	ok(t, stable(t, fsys, "a", "x").Close())
	d.Crash(vdisk.Crash{Ghost: true})
	ok(t, fsys.Remove("a"))
	put(t, open(t, fsys, "b"), 0, "x")
}

func TestEveryMountIsAGhostOfItsOwn(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	one, other := d.Mount(), d.Mount()
	f, again := open(t, one, "a"), open(t, one, "a")
	held := open(t, other, "a")
	ok(t, held.Lock())
	d.Crash(vdisk.Crash{Ghost: true})
	put(t, f, 0, "one's")
	if got := content(one, "a"); got != "one's" {
		t.Errorf("a mount does not see what its file wrote: %q", got)
	}
	if got := content(other, "a"); got != "" {
		t.Errorf("another ghost sees %q", got)
	}
	ok(t, again.Lock()) // who held it is in another world
	if err := f.Lock(); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second lock of one file: %v", err)
	}
	if err := open(t, other, "a").Lock(); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a ghost lost its lock: %v", err)
	}
}

func TestAGhostsLockIsFreeForTheNextLife(t *testing.T) {
	for _, c := range deathsWithGhosts {
		d := vdisk.New(vdisk.Config{})
		ghost := stable(t, d.Mount(), "a", "x")
		ok(t, ghost.Lock())
		d.Crash(c)
		next := open(t, d.Mount(), "a")
		ok(t, next.Lock())
		ok(t, ghost.Close())
		if err := open(t, d.Mount(), "a").Lock(); !errors.Is(err, syscall.EWOULDBLOCK) {
			t.Errorf("%+v: a ghost's Close gave the lock of the living away: %v", c, err)
		}
	}
}

// waiting lets a program write and sync while something is in its way, and
// ends it as a ghost.
func waiting(t *testing.T, d *vdisk.Disk, hinder func(f vdisk.File)) (took time.Duration, got string, err error) {
	fsys := d.Mount()
	f := stable(t, fsys, "a", "old")
	hinder(f)
	start, done := time.Now(), make(chan error)
	go func() {
		_, err := f.WriteAt([]byte("new"), 0)
		done <- errors.Join(err, f.Sync())
	}()
	synctest.Wait()
	d.Crash(vdisk.Crash{Lose: true, Ghost: true})
	err = errors.Join(<-done, f.Sync()) // nor does what comes later wait
	if left := states(t, d); !slices.Equal(left, []string{"a=old"}) {
		t.Errorf("there is %q", left)
	}
	return time.Since(start), content(fsys, "a"), err
}

func TestWhatAnOperationWaitsForEndsInTheCrash(t *testing.T) {
	late := vdisk.Verdict{After: time.Hour, Err: syscall.EIO}
	for _, c := range []struct {
		name   string
		hinder func(d *vdisk.Disk)
	}{
		{"a pause", func(d *vdisk.Disk) { d.Pause() }},
		{"a slow disk", func(d *vdisk.Disk) { strike(t, d, "slow 1h") }},
		{"a rule that fails it late", func(d *vdisk.Disk) { d.Rule(rule.Then(is(vdisk.Write), late)) }},
		{"a slow sync that fails", func(d *vdisk.Disk) {
			strike(t, d, "sync slow 1h")
			strike(t, d, "sync eio")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := vdisk.New(vdisk.Config{})
				took, got, err := waiting(t, d, func(vdisk.File) { c.hinder(d) })
				if took != 0 || got != "new" || err != nil {
					t.Errorf("it took %v, said %v, and the ghost reads %q", took, err, got)
				}
			})
		})
	}
}

func TestALatencyDoesNotHoldAGhostUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, got, err := waiting(t, vdisk.New(vdisk.Config{Latency: time.Hour}), func(vdisk.File) {})
		if took != 0 || got != "new" || err != nil {
			t.Errorf("it took %v, said %v, and the ghost reads %q", took, err, got)
		}
	})
}

func TestACrashWithinARuleMakesAGhostOfItsOperation(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	f := stable(t, fsys, "a", "old")
	d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
		d.Crash(vdisk.Crash{Keep: true, Ghost: true})
		return vdisk.Verdict{Err: syscall.EIO}, true
	})
	put(t, f, 0, "new")
	if got := content(fsys, "a"); got != "new" {
		t.Errorf("the ghost reads %q", got)
	}
	if left := states(t, d); !slices.Equal(left, []string{"a=old"}) { // which no rule sees
		t.Errorf("there is %q", left)
	}
}

func TestGhostsMayBeAtWorkWhileTheDiskCrashes(t *testing.T) {
	for _, c := range deathsWithGhosts {
		d := vdisk.New(vdisk.Config{})
		var ghosts sync.WaitGroup
		for life := range 8 {
			fsys := d.Mount()
			for worker := range 3 {
				ghosts.Go(func() { toil(t, fsys, worker, fmt.Sprint("life", life, "file", worker%2)) })
			}
			d.Crash(c)
			for range d.States(3) {
			}
		}
		ghosts.Wait()
	}
}

// toil writes, makes and removes: all of it must succeed.
func toil(t *testing.T, fsys vdisk.FS, worker int, name string) {
	f, err := fsys.OpenFile(name, rw, 0o644)
	for i := 0; i < 60 && err == nil; i++ {
		own := fmt.Sprint(name, " ", i, " of ", worker)
		_, write := f.WriteAt(bytes.Repeat([]byte{byte(i)}, 700), 3000)
		made, create := fsys.OpenFile(own, rw, 0o644)
		if err = errors.Join(write, create); err == nil {
			err = errors.Join(fsys.Remove(own), f.Sync(), fsys.SyncDir("."), made.Close())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// A hand does random things to files, the same in every run of one seed.
type hand struct {
	*rand.Rand
	fsys vdisk.FS
	open []vdisk.File
}

func newHand(seed uint64, d *vdisk.Disk) *hand {
	return &hand{Rand: rand.New(rand.NewPCG(seed, 0)), fsys: d.Mount()}
}

func (h *hand) name() string { return string(rune('a' + h.IntN(4))) }

func (h *hand) work(steps int) {
	for range steps {
		if f, err := h.fsys.OpenFile(h.name(), rw, 0o644); err == nil {
			h.open = append(h.open, f)
		}
		f := h.open[h.IntN(len(h.open))]
		switch h.IntN(8) {
		case 0:
			f.Truncate(int64(h.IntN(10_000)))
		case 1:
			f.Sync()
		case 2:
			h.fsys.SyncDir(".")
		case 3:
			h.fsys.Rename(h.name(), h.name())
		case 4:
			h.fsys.Remove(h.name())
		case 5:
			f.Close()
		default:
			f.WriteAt(bytes.Repeat([]byte{byte('a' + h.IntN(26))}, 1+h.IntN(6000)), int64(h.IntN(6000)))
		}
	}
}

// Of two disks with one seed, one is haunted by the hands of all earlier lives.
func TestAHauntedDiskIsLikeAnyOther(t *testing.T) {
	for seed := range uint64(30) {
		c := vdisk.Config{Seed: seed, SyncNames: seed%2 == 0}
		haunted, other := vdisk.New(c), vdisk.New(c)
		var ghosts []*hand
		for life := range uint64(6) {
			one, twin := newHand(seed*100+life, haunted), newHand(seed*100+life, other)
			one.work(30)
			twin.work(30)
			death := deathsWithGhosts[(seed+life)%3]
			haunted.Crash(death)
			death.Ghost = false
			other.Crash(death)
			ghosts = append(ghosts, one)
			for _, g := range ghosts {
				g.work(20)
			}
			got, want := tree(haunted.Mount(), "."), tree(other.Mount(), ".")
			if got != want || haunted.Used() != other.Used() {
				t.Fatalf("seed %d, life %d: %d bytes of room, not %d, for\n%q\nnot\n%q", seed, life,
					haunted.Used(), other.Used(), got, want)
			}
		}
	}
}
