// What other Unix systems have in the place of Linux's system calls.

//go:build unix && !linux

package vdisk

import (
	"errors"
	"os"
)

// syncFile is more than fsync where that is not enough, as on darwin.
func syncFile(f *osFile) error { return f.File.Sync() }

func allocate(uintptr, int64, int64) error { return errors.ErrUnsupported }

func syncDir(dir *os.File) error { return dir.Sync() }
