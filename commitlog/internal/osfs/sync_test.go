// Syncs: many at once, of files that are closed meanwhile, in virtual time.

package osfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
)

// hammer writes and syncs the files of d from n goroutines, each times times.
func hammer(d *osfs.Dir, n, times int) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = syncOften(d, i, times) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func syncOften(d *osfs.Dir, i, times int) error {
	f, err := d.OpenFile(fmt.Sprint("file", i%4), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	for k := range times {
		_, err := f.WriteAt([]byte{byte(k)}, int64(i))
		if err := errors.Join(err, f.Sync()); err != nil {
			return err
		}
	}
	return d.SyncDir(".")
}

func TestManySyncAtOnce(t *testing.T) {
	d := open(t)
	ok(t, hammer(d, 32, 8))
	for i := range 4 {
		if got := text(t, d, fmt.Sprint("file", i)); got[len(got)-1] != 7 {
			t.Errorf("file%d ends with %q", i, got[len(got)-1])
		}
	}
}

func TestADirectoryIsClosedWhileItsFilesAreSynced(t *testing.T) {
	d := open(t)
	var files []osfs.File
	for i := range 16 {
		files = append(files, file(t, d, fmt.Sprint("file", i), os.O_RDWR|os.O_CREATE))
	}
	errs := make([]error, len(files))
	var all sync.WaitGroup
	for i, f := range files {
		all.Go(func() {
			for range 8 {
				_, err := f.WriteAt([]byte("x"), 0)
				errs[i] = errors.Join(errs[i], err, f.Sync())
			}
		})
	}
	ok(t, d.Close())
	all.Wait()
	ok(t, errors.Join(errs...))
}

func TestAFileIsClosedWhileItIsSynced(t *testing.T) {
	d := open(t)
	for range 50 {
		f := file(t, d, "g", os.O_RDWR|os.O_CREATE)
		ok(t, f.Lock())
		if _, err := f.WriteAt(make([]byte, 64<<10), 0); err != nil {
			t.Fatal(err)
		}
		begun, synced := make(chan bool), make(chan error)
		go func() {
			begun <- true
			synced <- f.Sync()
		}()
		<-begun
		ok(t, f.Close())
		next := file(t, d, "g", os.O_RDWR)
		if err := next.Lock(); err != nil {
			t.Errorf("its lock outlives it: %v", err)
		}
		if err := <-synced; err != nil && !errors.Is(err, fs.ErrClosed) {
			t.Errorf("the sync said %v", err)
		}
		ok(t, next.Close())
	}
}

func TestASyncRunsInVirtualTime(t *testing.T) {
	outside := open(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		inside, err := osfs.Open(dir)
		ok(t, err)
		began := time.Now()
		ok(t, hammer(inside, 8, 4))
		ok(t, hammer(outside, 8, 4))
		if took := time.Since(began); took != 0 {
			t.Errorf("the clock went on by %v", took)
		}
		ok(t, inside.Close())
	})
}
