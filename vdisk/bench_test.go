// What the disk costs, beside the operating system's.

package vdisk_test

import (
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// systems are what must behave alike.
func systems(b testing.TB) map[string]vdisk.FS {
	return map[string]vdisk.FS{"disk": vdisk.New(vdisk.Config{}).Mount(), "os": vdisk.OS(b.TempDir())}
}

func BenchmarkWriteAndSync1K(b *testing.B) {
	for name, fsys := range systems(b) {
		b.Run(name, func(b *testing.B) {
			f := open(b, fsys, "wal")
			record := make([]byte, 1024)
			ok(b, f.Allocate(0, 64<<20))
			b.ReportAllocs()
			b.SetBytes(1024)
			for off := int64(0); b.Loop(); off = (off + 1024) % (64 << 20) {
				if _, err := f.WriteAt(record, off); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead4K(b *testing.B) {
	for name, fsys := range systems(b) {
		b.Run(name, func(b *testing.B) {
			f := open(b, fsys, "data")
			if _, err := f.WriteAt(make([]byte, 16<<20), 0); err != nil {
				b.Fatal(err)
			}
			ok(b, f.Sync())
			page := make([]byte, 4096)
			b.ReportAllocs()
			b.SetBytes(4096)
			for off := int64(0); b.Loop(); off = (off + 4096) % (16 << 20) {
				if _, err := f.ReadAt(page, off); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCrash(b *testing.B) {
	d := vdisk.New(vdisk.Config{})
	stable(b, d.Mount(), "data", strings.Repeat("x", 16<<20))
	b.ReportAllocs()
	for b.Loop() {
		put(b, open(b, d.Mount(), "data"), 0, "x")
		d.Crash(vdisk.Crash{})
	}
}
