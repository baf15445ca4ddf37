// The segments of raft-wal as files of a file system that is handed over.

package walfs

import (
	"math"
	"os"
	"path"
	"sync/atomic"

	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"github.com/hashicorp/go-hclog"
)

// Open opens the log that is kept in the root of a file system. A segment is
// sealed once it holds segmentSize bytes; if 0, raft-wal's 64 MiB.
func Open(disk FS, segmentSize int, logger hclog.Logger) (*wal.WAL, error) {
	return wal.Open(".",
		wal.WithSegmentFiler(segment.NewFiler(".", files{disk})),
		wal.WithMetaStore(newMeta(disk)),
		wal.WithSegmentSize(segmentSize),
		wal.WithLogger(logger),
	)
}

// files is a types.VFS that does what fs.FS of raft-wal does.
type files struct{ disk FS }

func (f files) ListDir(dir string) ([]string, error) { return f.disk.ReadDir(dir) }

// Create makes a file of that size, whose first Sync syncs its name as well.
func (f files) Create(dir, name string, size uint64) (types.WritableFile, error) {
	file, err := f.disk.OpenFile(path.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if size > 0 {
		err = file.Allocate(0, int64(min(size, math.MaxInt32)))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &created{File: file, disk: f.disk, dir: dir}, nil
}

func (f files) Delete(dir, name string) error {
	if err := f.disk.Remove(path.Join(dir, name)); err != nil {
		return err
	}
	return f.disk.SyncDir(dir)
}

func (f files) OpenReader(dir, name string) (types.ReadableFile, error) {
	return f.disk.OpenFile(path.Join(dir, name), os.O_RDONLY, 0)
}

// OpenWriter opens a file of which raft-wal takes the name to be stable.
func (f files) OpenWriter(dir, name string) (types.WritableFile, error) {
	return f.disk.OpenFile(path.Join(dir, name), os.O_RDWR, 0)
}

// A file that was created has a name that is not synced yet.
type created struct {
	File
	disk   FS
	dir    string
	synced atomic.Bool
}

func (f *created) Sync() error {
	if err := f.File.Sync(); err != nil || f.synced.Swap(true) {
		return err
	}
	return f.disk.SyncDir(f.dir)
}
