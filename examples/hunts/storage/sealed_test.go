// What the hunt found in raft-wal, on real files and with nothing of ours.

package storage_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
)

// The write that fills a segment seals it, and a goroutine notes that later.
// Close does not wait for it. Open finds a sealed tail then, and every write
// fails for good. On one processor, the goroutine is always late.
func TestACleanCloseEndsAllWriting(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := t.TempDir()
	var err error
	for writes := 0; writes < 100 && err == nil; writes++ { // now and then the goroutine may be in time
		err = writeOnce(t, dir)
	}
	for range 3 {
		if !errors.Is(err, wal.ErrSealed) {
			t.Fatalf("the log takes writes again: %v", err)
		}
		err = writeOnce(t, dir)
	}
}

// writeOnce opens the log in a directory, writes an entry and closes it.
func writeOnce(t *testing.T, dir string) error {
	t.Helper()
	meta := &metadb.BoltMetaDB{} // Close of the log leaves it open and locked
	defer meta.Close()
	w, err := wal.Open(dir, wal.WithSegmentSize(4096), wal.WithMetaStore(meta), wal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return err
	}
	defer w.Close()
	last, err := w.LastIndex()
	if err != nil {
		return err
	}
	return w.StoreLog(&raft.Log{Index: last + 1, Term: 1, Data: make([]byte, 700)})
}
