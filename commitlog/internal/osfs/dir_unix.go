// Directories that can be synced.

//go:build unix

package osfs

import "os"

func blockingSyncDir(f *os.File) error { return f.Sync() }
