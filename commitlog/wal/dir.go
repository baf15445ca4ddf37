// A directory of the operating system, for logs.

package wal

import "github.com/rehearse-go/rehearse/commitlog/internal/osfs"

// Dir returns a directory of the operating system as an FS, and makes it if it
// is not there. On Linux its syncs go through the kernel's asynchronous
// interface where that works: a sync that blocks would hold one of the Go
// scheduler's processors until the runtime takes it back. It has a method Close
// too, an io.Closer's, which gives those interfaces back to the kernel.
func Dir(path string) (FS, error) { return osfs.Open(path) }
