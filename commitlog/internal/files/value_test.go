// What is seen of changing files, and what is told.

package files_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/files"
)

// A world is a clock, files and a log.
type world struct {
	now   time.Time
	files fstest.MapFS
	log   bytes.Buffer
	looks int
}

func (w *world) Stat(name string) (fs.FileInfo, error) { w.looks++; return w.files.Stat(name) }
func (w *world) ReadFile(name string) ([]byte, error)  { return w.files.ReadFile(name) }

func (w *world) write(name, body string) {
	w.files[name] = &fstest.MapFile{Data: []byte(body), ModTime: w.now}
}

func newWorld() *world {
	return &world{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), files: fstest.MapFS{}}
}

// load joins the files a and b, which must agree on their first byte.
func (w *world) load() (*files.Value[string], error) {
	return files.Load(files.Config[string]{
		Names: []string{"a", "b"}, FS: w, Now: func() time.Time { return w.now }, What: "letters",
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Load: func(c [][]byte) (string, error) {
			if c[0][0] != c[1][0] {
				return "", errors.New("a and b disagree")
			}
			return string(c[0]) + string(c[1]), nil
		},
	})
}

func TestAChangeIsSeenWithinASecondAndOnlyIfWhole(t *testing.T) {
	w := newWorld()
	w.write("a", "1a")
	w.write("b", "1b")
	v, err := w.load()
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want string, errors int) {
		t.Helper()
		if got := v.Get(); got != want {
			t.Errorf("Get is %q, want %q", got, want)
		}
		if got := strings.Count(w.log.String(), "level=ERROR"); got != errors {
			t.Errorf("%d failures were told, want %d:\n%s", got, errors, w.log.String())
		}
	}
	expect("1a1b", 0)
	w.now = w.now.Add(999 * time.Millisecond)
	w.write("a", "2a")
	expect("1a1b", 0)
	w.now = w.now.Add(time.Millisecond)
	expect("1a1b", 1) // b has not changed yet
	w.now = w.now.Add(time.Second)
	expect("1a1b", 1)
	w.write("b", "2b")
	w.now = w.now.Add(time.Second)
	expect("2a2b", 1)
	delete(w.files, "a")
	w.now = w.now.Add(time.Second)
	expect("2a2b", 2)
	w.write("a", "2x")
	w.now = w.now.Add(time.Second)
	expect("2x2b", 2)
	w.write("a", "3x")
	w.now = w.now.Add(time.Second)
	expect("2x2b", 3) // the same failure as the first, but a new one
}

func TestWhoAsksOftenLooksOnceASecond(t *testing.T) {
	w := newWorld()
	w.write("a", "1")
	w.write("b", "1")
	v, err := w.load()
	if err != nil {
		t.Fatal(err)
	}
	w.looks = 0
	for range 3000 {
		w.now = w.now.Add(time.Millisecond)
		v.Get()
	}
	if w.looks != 3*2 {
		t.Errorf("files were looked at %d times in three seconds, want 6", w.looks)
	}
}

func TestWhatIsNotAFileOfReasonableSizeIsRefused(t *testing.T) {
	w := newWorld()
	w.write("b", "1")
	for name, file := range map[string]*fstest.MapFile{
		"missing":   nil,
		"directory": {Mode: fs.ModeDir},
		"huge":      {Data: make([]byte, 1<<20+1)},
	} {
		if delete(w.files, "a"); file != nil {
			w.files["a"] = file
		}
		if _, err := w.load(); err == nil || !strings.Contains(err.Error(), "a") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFileThatIsReplacedIsReadAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	now := time.Now()
	write := func(to, body string) {
		if err := errors.Join(os.WriteFile(to, []byte(body), 0o600), os.Chtimes(to, now, now)); err != nil {
			t.Fatal(err)
		}
	}
	write(name, "old")
	v, err := files.Load(files.Config[string]{
		Names: []string{name}, Now: func() time.Time { return now },
		Load: func(c [][]byte) (string, error) { return string(c[0]), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	write(name+".new", "new") // as large as the old, and of the same time
	now = now.Add(time.Second)
	if got := v.Get(); got != "old" {
		t.Errorf("before: %q", got)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if got := v.Get(); got != "new" {
		t.Errorf("after: %q", got)
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := files.Load(files.Config[string]{
		Names: []string{name},
		Load:  func(c [][]byte) (string, error) { return string(c[0]), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				v.Get()
			}
		})
	}
	all.Wait()
}
