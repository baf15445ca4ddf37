// Faults and rules: their texts, and what they do to operations.

package vdisk_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vdisk"
)

// strike applies the fault of that text.
func strike(t testing.TB, d *vdisk.Disk, text string) (end func()) {
	t.Helper()
	f, err := vdisk.ParseFault(text)
	ok(t, err)
	end, err = d.Fault(f)
	ok(t, err)
	return end
}

var faultTexts = []string{
	"full", "pause", "slow 20ms", "flip", "flip wal/1 4096 7", "sync eio", "sync lie", "sync slow 1.5s", "read eio",
	"write enospc", "write short", "syncdir lie", "rename eio a", "write slow 1ms d/a", "sync eio lie", "stat eio 20ms",
}

var notFaults = []string{
	"", "fool", "full disk", "slow", "slow fast", "slow -1s", "slow 0s", "slow 1s x", "flip a", "flip a b c",
	"flip a 1 8",
	"flip a -1 0", "flip a 1 0 x", "sync", "sync maybe", "read lie", "read short", "write lie", "sync short",
	"sync eio a b", "sync eio /a", "sync slow", "sync slow a", "close eio", "pause a",
}

func TestAFaultReadsBackAsItIsWritten(t *testing.T) {
	for _, text := range faultTexts {
		f, err := vdisk.ParseFault(text)
		if err != nil || f.String() != text {
			t.Errorf("%q reads as %+v, %v, written as %q", text, f, err, f)
		}
	}
	for _, text := range notFaults {
		if f, err := vdisk.ParseFault(text); err == nil || !strings.HasPrefix(err.Error(), "vdisk: fault ") {
			t.Errorf("%q reads as %+v, %v", text, f, err)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, text := range append(faultTexts, notFaults...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := vdisk.ParseFault(text)
		if err != nil {
			return
		}
		again, err := vdisk.ParseFault(fault.String())
		if err != nil || again != fault {
			t.Errorf("%q is %+v, written %q, read again %+v, %v", text, fault, fault, again, err)
		}
	})
}

func TestAFaultMadeByHandMustMakeSense(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	for _, f := range []vdisk.Fault{
		{}, {Kind: "full", Name: "a"}, {Kind: "sync", What: "eio", Bit: 1}, {Kind: "slow", Delay: -1},
		{Kind: "flip", Off: 1},
		{Kind: "read", What: "eio", Name: "a b"}, {Kind: "flip", Name: "missing"}, {Kind: "flip"},
	} {
		if _, err := d.Fault(f); err == nil {
			t.Errorf("%+v was applied", f)
		}
	}
}

func TestAFaultHurtsItsOperationsUntilItsEnd(t *testing.T) {
	for _, c := range []struct {
		fault string
		op    func(fsys vdisk.FS, f vdisk.File) error
		want  error
	}{
		{"read eio", func(_ vdisk.FS, f vdisk.File) error { return second(f.ReadAt(make([]byte, 1), 0)) }, syscall.EIO},
		{"write eio", func(_ vdisk.FS, f vdisk.File) error { return second(f.WriteAt([]byte("x"), 0)) }, syscall.EIO},
		{"write enospc", func(_ vdisk.FS, f vdisk.File) error { return second(f.Write([]byte("x"))) }, syscall.ENOSPC},
		{"write short", func(_ vdisk.FS, f vdisk.File) error { return second(f.Write([]byte("x"))) }, syscall.ENOSPC},
		{"truncate eio", func(_ vdisk.FS, f vdisk.File) error { return f.Truncate(1) }, syscall.EIO},
		{"allocate enospc", func(_ vdisk.FS, f vdisk.File) error { return f.Allocate(0, 1) }, syscall.ENOSPC},
		{"sync eio", func(_ vdisk.FS, f vdisk.File) error { return f.Sync() }, syscall.EIO},
		{"sync eio", func(fsys vdisk.FS, _ vdisk.File) error { return fsys.SyncDir(".") }, syscall.EIO},
		{"syncdir eio", func(fsys vdisk.FS, _ vdisk.File) error { return fsys.SyncDir(".") }, syscall.EIO},
		{"size eio", func(_ vdisk.FS, f vdisk.File) error { return second(f.Size()) }, syscall.EIO},
		{"lock eio", func(_ vdisk.FS, f vdisk.File) error { return f.Lock() }, syscall.EIO},
		{"open eio", func(fsys vdisk.FS, _ vdisk.File) error { return second(fsys.OpenFile("a", rw, 0)) }, syscall.EIO},
		{"mkdir enospc", func(fsys vdisk.FS, _ vdisk.File) error { return fsys.Mkdir("d", 0) }, syscall.ENOSPC},
		{"rename eio b", func(fsys vdisk.FS, _ vdisk.File) error { return fsys.Rename("a", "b") }, syscall.EIO},
		{"readdir eio", func(fsys vdisk.FS, _ vdisk.File) error { return second(fsys.ReadDir(".")) }, syscall.EIO},
		{"stat eio", func(fsys vdisk.FS, _ vdisk.File) error { return second(fsys.Stat("a")) }, syscall.EIO},
		{"remove eio", func(fsys vdisk.FS, _ vdisk.File) error { return fsys.Remove("a") }, syscall.EIO},
	} {
		t.Run(c.fault, func(t *testing.T) {
			d := vdisk.New(vdisk.Config{})
			fsys := d.Mount()
			f := stable(t, fsys, "a", "content")
			end := strike(t, d, c.fault)
			err := c.op(fsys, f)
			_, isPath := errors.AsType[*fs.PathError](err)
			if !errors.Is(err, c.want) || isPath == strings.HasPrefix(c.fault, "rename") {
				t.Errorf("it said %v", err)
			}
			end()
			end()
			ok(t, c.op(fsys, f))
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestAFaultWithANameSparesOtherFiles(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	strike(t, d, "sync eio b")
	ok(t, open(t, fsys, "a").Sync())
	if err := open(t, fsys, "b").Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("b: %v", err)
	}
}

func TestAShortWriteStoresItsFirstHalf(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	f := open(t, d.Mount(), "a")
	defer strike(t, d, "write short")()
	n, err := f.Write([]byte("abcdef"))
	if n != 3 || !errors.Is(err, syscall.ENOSPC) || content(d.Mount(), "a") != "abc" {
		t.Errorf("wrote %d, %v: %q", n, err, content(d.Mount(), "a"))
	}
}

func TestALieIsFoundOutInTheCrash(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	stable(t, fsys, "a", "old")
	end := strike(t, d, "sync lie")
	stable(t, fsys, "a", "new")
	stable(t, fsys, "b", "lost")
	end()
	d.Crash(vdisk.Crash{Lose: true})
	if got := tree(d.Mount(), "."); got != "a=old" {
		t.Errorf("there is %q", got)
	}
}

func TestAFullDiskHasRoomInPlaceOnly(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	f := stable(t, fsys, "a", "content")
	end := strike(t, d, "full")
	put(t, f, 0, "CONTENT")
	if n, err := f.WriteAt(make([]byte, 8192), 0); n != 4096 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	if err := open(t, fsys, "b").Allocate(0, 1); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("allocated: %v", err)
	}
	end()
	put(t, f, 4096, "room")
}

func TestSlowFaultsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{Latency: time.Second})
		f := open(t, d.Mount(), "a")
		defer strike(t, d, "slow 10ms")()
		defer strike(t, d, "sync slow 200ms")()
		d.Rule(rule.Then(rule.When[vdisk.Op](nil), vdisk.Verdict{After: time.Minute}))
		start := time.Now()
		ok(t, f.Sync())
		if took := time.Since(start); took != time.Minute+time.Second+210*time.Millisecond {
			t.Errorf("the sync took %v", took)
		}
		start = time.Now()
		put(t, f, 0, "x")
		if took := time.Since(start); took != time.Minute+10*time.Millisecond {
			t.Errorf("the write took %v", took)
		}
	})
}

func TestARuleDecidesBeforeAnyFault(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	var seen []string
	remove := d.NamedRule("third write", func(op vdisk.Op) (vdisk.Verdict, bool) {
		seen = append(seen, op.String())
		if d.Used() > 0 { // a rule may use the disk
			return vdisk.Verdict{Short: 2, Err: syscall.EIO}, op.Kind == vdisk.Write
		}
		return vdisk.Verdict{}, op.Kind == vdisk.Write
	})
	f := open(t, fsys, "a")
	defer strike(t, d, "write enospc")()
	put(t, f, 0, "abcd")
	n, err := f.Write([]byte("XYZ"))
	if n != 2 || !errors.Is(err, syscall.EIO) || content(fsys, "a") != "XYcd" {
		t.Errorf("wrote %d, %v: %q", n, err, content(fsys, "a"))
	}
	if s := d.RuleStats(); len(s) != 1 || s[0].Name != "third write" || s[0].Fired != 2 {
		t.Errorf("stats %v", s)
	}
	want := []string{"create a", "write a 4 at 0", "write a 3 at -1"}
	if !slices.Equal(seen[:3], want) {
		t.Errorf("the rule saw %q, want %q", seen, want)
	}
	remove()
	if _, err := f.Write([]byte("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without the rule: %v", err)
	}
}

func TestAFlippedBitIsReadAndSurvives(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	f := stable(t, d.Mount(), "a", "abc"+letters("x"))
	put(t, f, 513, "Y")
	d.Flip("a", 1, 0)
	if got := content(d.Mount(), "a")[:3]; got != "acc" {
		t.Errorf("read %q", got)
	}
	d.Flip("a", 514, 1) // where something waits to be stored, it is what programs read
	if got := content(d.Mount(), "a")[513:]; got != "Yx" {
		t.Errorf("what is dirty reads %q", got)
	}
	d.Crash(vdisk.Crash{Lose: true})
	if got := content(d.Mount(), "a"); got[:3] != "acc" || got[513:] != "xz" {
		t.Errorf("after the crash %q %q", got[:3], got[513:])
	}
}

func TestTheSeedPicksWhatRots(t *testing.T) {
	picks := map[string]bool{}
	for seed := range uint64(30) {
		run := func() string {
			j := &journal.Journal{}
			d := vdisk.New(vdisk.Config{Seed: seed, Journal: j})
			stable(t, d.Mount(), "a", letters("x"))
			stable(t, d.Mount(), "b", letters("y"))
			strike(t, d, "flip")()
			if tree(d.Mount(), ".") == "a="+letters("x")+" b="+letters("y") {
				t.Error("nothing changed")
			}
			return find(j, "fault.disk")[0]
		}
		if a, b := run(), run(); a != b {
			t.Errorf("seed %d: %s, then %s", seed, a, b)
		}
		picks[run()] = true
	}
	if len(picks) < 20 {
		t.Errorf("30 seeds picked %d bits", len(picks))
	}
}

func TestAFlipOfNothingPanics(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	stable(t, d.Mount(), "a", "abc")
	ok(t, d.Mount().Mkdir("d", 0o755))
	for _, flip := range []func(){
		func() { d.Flip("b", 0, 0) }, func() { d.Flip("a", 3, 0) }, func() { d.Flip("a", -1, 0) },
		func() { d.Flip("a", 0, 8) }, func() { d.Flip("d", 0, 0) },
	} {
		if s := panicked(flip); !strings.HasPrefix(s, "vdisk: Flip(") {
			t.Errorf("panicked with %q", s)
		}
	}
}

// is holds for operations of one kind.
func is(kind vdisk.OpKind) rule.When[vdisk.Op] {
	return func(op vdisk.Op) bool { return op.Kind == kind }
}

// find returns the subjects of events of that kind.
func find(j *journal.Journal, kind journal.Kind) (subjects []string) {
	for e := range j.Events(1) {
		if e.Kind == kind {
			subjects = append(subjects, e.Subject)
		}
	}
	return subjects
}

func TestTheJournalTellsAll(t *testing.T) {
	j := &journal.Journal{}
	d := vdisk.New(vdisk.Config{Name: "n1", Journal: j})
	fsys := d.Mount()
	f := open(t, fsys, "a")
	put(t, f, 512, "hello")
	end := strike(t, d, "sync eio a")
	f.Sync()
	end()
	d.Rule(rule.Then(is(vdisk.SyncDir), vdisk.Verdict{Lie: true}))
	fsys.SyncDir(".")
	fsys.Rename("a", "b")
	fsys.OpenFile("c", os.O_RDONLY, 0)
	d.Crash(vdisk.Crash{Lose: true})
	var b strings.Builder
	for e := range j.Events(1) {
		e.At = 0
		b.WriteString(strings.Join(strings.Fields(e.String()), " ") + "\n")
	}
	want := `1 0s disk.create n1 a
2 0s disk.write n1 a 5 B at=512
3 0s fault.disk n1 sync eio a
4 0s disk.sync n1 a error=input/output error
5 0s fault.end n1 sync eio a (from 3)
6 0s fault.rule n1 . op=syncdir . verdict=lie
7 0s disk.syncdir n1 .
8 0s disk.rename n1 a to=b
9 0s disk.open n1 c error=no such file or directory
10 0s disk.crash n1 how=lose
11 0s disk.loss n1 lost: create a (from 10)
12 0s disk.loss n1 lost: rename a b (from 10)
`
	if b.String() != want {
		t.Errorf("the journal says\n%s\nwant\n%s", b.String(), want)
	}
}
