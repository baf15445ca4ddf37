// What tests share, and what a disk is without crashes: contents, room, waiting.

package vdisk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vdisk"
)

const rw = os.O_CREATE | os.O_RDWR

// open opens a file to be read and written, and makes it if need be.
func open(t testing.TB, fsys vdisk.FS, name string) vdisk.File {
	t.Helper()
	f, err := fsys.OpenFile(name, rw, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// stable makes a file of that content whose name and data are stable.
func stable(t testing.TB, fsys vdisk.FS, name, content string) vdisk.File {
	t.Helper()
	f := open(t, fsys, name)
	put(t, f, 0, content)
	ok(t, f.Truncate(int64(len(content))))
	ok(t, f.Sync())
	ok(t, fsys.SyncDir("."))
	return f
}

func put(t testing.TB, f vdisk.File, off int64, content string) {
	t.Helper()
	_, err := f.WriteAt([]byte(content), off)
	ok(t, err)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// content returns all of a file, or what opening it says.
func content(fsys vdisk.FS, name string) string {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// tree tells all names and contents beneath dir, files as NAME=CONTENT.
func tree(fsys vdisk.FS, dir string) string {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, name := range names {
		if dir != "." {
			name = dir + "/" + name
		}
		if info, err := fsys.Stat(name); err == nil && info.IsDir() {
			parts = append(parts, name+"{"+tree(fsys, name)+"}")
			continue
		}
		parts = append(parts, name+"="+content(fsys, name))
	}
	return strings.Join(parts, " ")
}

// states returns the trees of all states, which must be fewer than 10,000.
func states(t testing.TB, d *vdisk.Disk) (list []string) {
	t.Helper()
	for state, err := range d.States(10_000) {
		ok(t, err)
		list = append(list, tree(state.Mount(), "."))
	}
	return list
}

func TestAnotherModuleNeedsNoImportToTakeAMount(t *testing.T) {
	type File = interface {
		Name() string
		Read(b []byte) (int, error)
		ReadAt(b []byte, off int64) (int, error)
		Write(b []byte) (int, error)
		WriteAt(b []byte, off int64) (int, error)
		Truncate(size int64) error
		Allocate(off, n int64) error
		Sync() error
		Size() (int64, error)
		Lock() error
		Close() error
	}
	type FS = interface {
		OpenFile(name string, flag int, perm fs.FileMode) (File, error)
		Mkdir(name string, perm fs.FileMode) error
		Rename(from, to string) error
		Remove(name string) error
		ReadDir(name string) ([]string, error)
		SyncDir(name string) error
		Stat(name string) (fs.FileInfo, error)
	}
	program := func(fsys FS) (File, error) { return fsys.OpenFile("x", rw, 0o600) }
	for _, fsys := range systems(t) {
		f, err := program(fsys)
		ok(t, err)
		ok(t, f.Close())
	}
}

func TestMountsShareOneContent(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	put(t, open(t, d.Mount(), "a"), 0, "hello")
	if got := content(d.Mount(), "a"); got != "hello" {
		t.Errorf("another mount reads %q", got)
	}
}

func TestARemovedFileLivesOnForItsHandles(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	f := open(t, fsys, "a")
	put(t, f, 0, "hello")
	ok(t, fsys.Remove("a"))
	b := make([]byte, 5)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "hello" || d.Used() != 4096 {
		t.Errorf("read %q, %v; %d bytes used", b, err, d.Used())
	}
	ok(t, f.Close())
	if d.Used() != 0 {
		t.Errorf("%d bytes used after the last handle", d.Used())
	}
}

func TestALockIsHeldUntilItsHandleGoes(t *testing.T) {
	for name, fsys := range systems(t) {
		t.Run(name, func(t *testing.T) {
			a, b := open(t, fsys, "lock"), open(t, fsys, "lock")
			ok(t, a.Lock())
			ok(t, a.Lock())
			if err := b.Lock(); !errors.Is(err, syscall.EWOULDBLOCK) {
				t.Fatalf("the second got %v", err)
			}
			ok(t, a.Close())
			ok(t, b.Lock())
			ok(t, b.Close())
		})
	}
}

func TestACrashFreesLocks(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	ok(t, open(t, d.Mount(), "lock").Lock())
	d.Crash(vdisk.Crash{Keep: true})
	ok(t, open(t, d.Mount(), "lock").Lock())
}

func TestAHugeAllocationCostsNothing(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	f := open(t, d.Mount(), "a")
	ok(t, f.Allocate(0, 1<<50))
	put(t, f, 1<<49, "x")
	ok(t, f.Sync())
	size, err := f.Size()
	b := make([]byte, 3)
	n, readErr := f.ReadAt(b, 1<<49-1)
	if err != nil || size != 1<<50 || readErr != nil || n != 3 || string(b) != "\x00x\x00" || d.Used() != 1<<50 {
		t.Errorf("size %d, %v; read %q, %v; used %d", size, err, b, readErr, d.Used())
	}
}

func TestBeyondTheSizeThereIsNoRoom(t *testing.T) {
	d := vdisk.New(vdisk.Config{Size: 3 * 4096})
	fsys := d.Mount()
	a, b := open(t, fsys, "a"), open(t, fsys, "b")
	put(t, a, 0, strings.Repeat("x", 4096))
	n, err := b.WriteAt(make([]byte, 3*4096), 100)
	if n != 2*4096-100 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	put(t, b, 0, "in place, there is room")
	if err := a.Allocate(0, 2*4096); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("allocated beyond the room: %v", err)
	}
	ok(t, b.Truncate(4096))
	ok(t, a.Allocate(0, 2*4096))
	if _, err := b.WriteAt([]byte("x"), 4096); !errors.Is(err, syscall.ENOSPC) || d.Used() != 3*4096 {
		t.Errorf("wrote into what is allocated to another: %v; %d used", err, d.Used())
	}
	put(t, a, 4096, "what is allocated is there to be written")
	d.Crash(vdisk.Crash{Keep: true})
	if d.Used() != 3*4096 {
		t.Errorf("%d used after a crash", d.Used())
	}
}

func TestRoomIsWhatWasWrittenOrAllocated(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := vdisk.New(vdisk.Config{})
		f := open(t, d.Mount(), "a")
		pages := map[int64]bool{}
		for range 60 {
			off, n := rng.Int64N(40*4096), 1+rng.Int64N(3*4096)
			switch rng.IntN(4) {
			case 0:
				ok(t, f.Truncate(off))
				maps.DeleteFunc(pages, func(p int64, _ bool) bool { return p*4096 >= off })
				n = 0
			case 1:
				ok(t, f.Allocate(off, n))
			default:
				put(t, f, off, strings.Repeat("x", int(n)))
			}
			for p := off / 4096; n > 0 && p*4096 < off+n; p++ {
				pages[p] = true
			}
			if got, want := d.Used(), int64(len(pages))*4096; got != want {
				t.Fatalf("seed %d: %d bytes used, want %d", seed, got, want)
			}
		}
	}
}

func TestAConfigThatMakesNoSenseIsRefused(t *testing.T) {
	for _, c := range []vdisk.Config{{Sector: 500}, {Sector: 32}, {Sector: 8192}, {Size: -1}, {Latency: -1}} {
		if s := panicked(func() { vdisk.New(c) }); !strings.HasPrefix(s, "vdisk: Config") {
			t.Errorf("%+v: panicked with %q", c, s)
		}
	}
}

// panicked returns what f panics with, "" if it does not.
func panicked(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

func TestASyncTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{Latency: 10 * time.Millisecond})
		fsys, start := d.Mount(), time.Now()
		f := open(t, fsys, "a")
		put(t, f, 0, "x")
		if time.Since(start) != 0 {
			t.Error("the page cache took time")
		}
		ok(t, f.Sync())
		ok(t, fsys.SyncDir("."))
		if took := time.Since(start); took != 20*time.Millisecond {
			t.Errorf("two syncs took %v", took)
		}
	})
}

func TestACrashEndsASyncUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{Latency: time.Hour})
		f := open(t, d.Mount(), "a")
		put(t, f, 0, "x")
		synced := make(chan error)
		go func() { synced <- f.Sync() }()
		synctest.Wait()
		d.Crash(vdisk.Crash{Lose: true})
		if err := <-synced; !errors.Is(err, vdisk.ErrCrashed) {
			t.Errorf("the sync said %v", err)
		}
		if len(d.Files()) > 0 {
			t.Errorf("%q survived", d.Files())
		}
	})
}

func TestAPausedDiskWaitsAndTheClockGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{})
		f := open(t, d.Mount(), "a")
		resume, again := d.Pause(), d.Pause()
		start := time.Now()
		time.AfterFunc(time.Minute, func() { resume(); resume() }) // the second changes nothing
		time.AfterFunc(time.Hour, again)
		put(t, f, 0, "x")
		if took := time.Since(start); took != time.Hour {
			t.Errorf("the write took %v", took)
		}
		resume()
		put(t, f, 0, "y")
	})
}

func TestACrashEndsWhoWaitsForAPausedDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{})
		fsys := d.Mount()
		resume := d.Pause()
		failed := make(chan error)
		go func() { failed <- fsys.Mkdir("a", 0o755) }()
		synctest.Wait()
		d.Crash(vdisk.Crash{})
		if err := <-failed; !errors.Is(err, fs.ErrClosed) {
			t.Errorf("the waiting operation said %v", err)
		}
		resume()
		ok(t, d.Mount().Mkdir("a", 0o755))
	})
}

func TestManyGoroutinesMayUseADisk(t *testing.T) {
	d := vdisk.New(vdisk.Config{})
	fsys := d.Mount()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			f := open(t, fsys, fmt.Sprint("file", g%4))
			for i := range 100 {
				f.WriteAt(bytes.Repeat([]byte{byte(g)}, 700), int64(i*100))
				f.ReadAt(make([]byte, 700), int64(i*50))
				f.Sync()
				fsys.SyncDir(".")
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			for range d.States(3) {
				_ = d.Files()
			}
		}
	})
	wg.Wait()
	if want := []string{"file0", "file1", "file2", "file3"}; !slices.Equal(d.Files(), want) {
		t.Errorf("files %q", d.Files())
	}
}
