// Systems where a sync is a system call that blocks.

//go:build !linux

package osfs

import (
	"errors"
	"os"
)

// A syncer has nothing to keep here.
type syncer struct{}

func (*syncer) start(*os.File)        {}
func (*syncer) close()                {}
func (*syncer) async() bool           { return false }
func (*syncer) file(f *os.File) error { return f.Sync() }
func (*syncer) dir(f *os.File) error  { return blockingSyncDir(f) }

func allocate(uintptr, int64, int64) error { return errors.ErrUnsupported }

// free is not known.
func free(uintptr) (bytes uint64, known bool) { return 0, false }
