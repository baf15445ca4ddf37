// Where the benchmarks write: a directory on a disk.

package log_test

import (
	"os"
	"testing"
)

// scratch returns a new directory beneath REHEARSE_BENCH_DIR, or beneath the
// directory for temporary files, and removes it when b ends. It refuses memory
// that only looks like a disk: there a sync costs nothing, and every number
// would be wrong.
func scratch(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp(os.Getenv("REHEARSE_BENCH_DIR"), "rehearse-log-")
	check(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	if inMemory(dir) {
		b.Fatalf("%s is memory, not a disk: set REHEARSE_BENCH_DIR to a directory on the disk to be measured", dir)
	}
	return dir
}

// subdirectory makes dir's next directory, for one more life of a subject.
func subdirectory(tb testing.TB, dir string) string {
	tb.Helper()
	next, err := os.MkdirTemp(dir, "")
	check(tb, err)
	return next
}

func check(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}
