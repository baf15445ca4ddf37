// What a test leaves behind: its seed, its journal, and how to run it again.

package vnettest

import (
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/journal"
)

var seedFlag = flag.String("rehearse.seed", os.Getenv("REHEARSE_SEED"),
	"seed of the tests' networks: a number, or \"random\"; $REHEARSE_SEED for all packages")

// chosenSeed returns the seed the command line or the environment names, or 0.
func chosenSeed(t *testing.T) uint64 {
	switch *seedFlag {
	case "":
		return 0
	case "random":
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(*seedFlag, 0, 64)
	if err != nil {
		t.Fatalf("vnettest: -rehearse.seed=%q (or $REHEARSE_SEED) is neither a number nor \"random\"", *seedFlag)
	}
	return seed
}

// seedArg is the argument that chooses the seed.
func seedArg(seed uint64) string { return fmt.Sprintf("-rehearse.seed=%#x", seed) }

// record is one run's journal and the file it is written to meanwhile.
type record struct {
	t       *testing.T
	seed    uint64
	journal *journal.Journal
	file    lazyFile
	told    bool
	ended   atomic.Int64 // the last event when the test's function ended, or 0
	news    chan struct{}
	bubble  atomic.Pointer[string] // its name; nil before it began
}

// Write takes one line of the journal into its file and tells who awaits news.
func (r *record) Write(line []byte) (int, error) {
	select {
	case r.news <- struct{}{}:
	default:
	}
	return r.file.Write(line)
}

// subscribe returns a channel that has a token when the journal has grown. It
// must be called inside the bubble, and before anything is recorded.
func (r *record) subscribe() chan struct{} {
	r.news = make(chan struct{}, 1)
	return r.news
}

// newRecord begins to keep the run's journal, and tells what happened when
// the test fails. It is registered on the outer test: on a deadlock the inner
// test's Cleanups never run.
func newRecord(t *testing.T, c Config) *record {
	r := &record{t: t, seed: c.Net.Seed, journal: c.Net.Journal}
	if !again.Inside() { // what is run again leaves nothing behind
		r.file.path = filepath.Join(artifactDir(t), fmt.Sprintf("%s.%d.journal", runName(t), os.Getpid()))
	}
	r.journal.SetHeader(journal.Header{
		Seed: c.Net.Seed, Config: c.Net.String(),
		Notes: []journal.Note{{Key: "test", Value: t.Name()}},
	})
	r.journal.Stream(r)
	t.Cleanup(func() {
		t.Helper()
		r.end()
	})
	return r
}

// end tells what happened if the test failed, and else removes the file.
func (r *record) end() {
	r.t.Helper()
	r.journal.Stream(nil)
	r.file.Close()
	switch {
	case r.t.Failed():
		r.tell()
	case keepAlways():
		r.keep()
	default:
		r.file.remove()
	}
}

// tell logs what somebody needs who looks at the failure.
func (r *record) tell() {
	r.t.Helper()
	if !r.told {
		r.told = true
		r.t.Log(r.story())
	}
}

// tellPanic is deferred where the test runs: a panic ends the process before
// the outer test's Cleanups.
func (r *record) tellPanic() {
	if panicking() {
		r.told = true
		fmt.Fprint(os.Stderr, r.t.Name(), r.story())
	}
}

// story is what a failed test tells: the last events, and how to get further.
func (r *record) story() string {
	var b strings.Builder
	b.WriteString("\n")
	r.tail(&b)
	fmt.Fprintf(&b, "seed   %#x\n", r.seed)
	fmt.Fprintf(&b, "rerun  %s\n", again.Command(r.t.Name(), seedArg(r.seed)))
	if path := r.keep(); path != "" {
		fmt.Fprintf(&b, "trace  rehearse trace open %s\n", path)
	}
	return b.String()
}

// lastFew is how many events a story tells.
const lastFew = 15

// tail tells the last events before the test's function ended: what comes
// after is the end of everything.
func (r *record) tail(b *strings.Builder) {
	all := r.journal.Last()
	last := cmp.Or(int(r.ended.Load()), all)
	if last == 0 {
		return
	}
	fmt.Fprintf(b, "the last %d of %d events", min(lastFew, last), last)
	if all > last {
		fmt.Fprintf(b, " before the test's end (%d with it)", all)
	}
	b.WriteString(":\n")
	for e := range r.journal.Events(last - lastFew + 1) {
		if e.Seq > last {
			return
		}
		fmt.Fprintf(b, "  %v\n", e)
	}
}

// keep gives the journal's file its lasting name and returns it.
func (r *record) keep() string {
	if !r.file.exists() {
		return ""
	}
	lasting := filepath.Join(filepath.Dir(r.file.path), runName(r.t)+".journal")
	if err := os.Rename(r.file.path, lasting); err != nil {
		return r.file.path
	}
	return lasting
}

// artifactDir is where journals are kept: the test's artifact directory when
// go test keeps those, else $REHEARSE_ARTIFACTS, else "rehearse" in the
// user's cache directory.
func artifactDir(t *testing.T) string {
	if keepAlways() {
		return t.ArtifactDir()
	}
	if dir := os.Getenv("REHEARSE_ARTIFACTS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "rehearse")
}

// keepAlways tells whether go test was called with -artifacts.
func keepAlways() bool {
	f := flag.Lookup("test.artifacts")
	return f != nil && f.Value.String() == "true"
}

// runName is a file name for the test: "store.TestFailover-3".
func runName(t *testing.T) string {
	program := strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	const safe = "-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(safe, r) {
			return r
		}
		return '-'
	}, program+"."+t.Name())
	if len(name) > 120 {
		h := fnv.New32a()
		h.Write([]byte(name))
		name = fmt.Sprintf("%s-%08x", name[:110], h.Sum32())
	}
	return name
}

// lazyFile is created at the second write: the first is the journal's header,
// and a run without events costs no file. Without a path it is never created.
type lazyFile struct {
	path string
	head []byte
	f    *os.File
}

func (l *lazyFile) Write(b []byte) (int, error) {
	switch {
	case l.path == "":
		return len(b), nil
	case l.head == nil:
		l.head = slices.Clone(b)
		return len(b), nil
	case l.f == nil:
		if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
			return 0, err
		}
		f, err := os.OpenFile(l.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		l.f = f
		if _, err := f.Write(l.head); err != nil {
			return 0, err
		}
	}
	return l.f.Write(b)
}

func (l *lazyFile) exists() bool { return l.f != nil }

func (l *lazyFile) Close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}

func (l *lazyFile) remove() {
	if l.f != nil {
		os.Remove(l.path)
	}
}
