// What the package is for.

// Package osfs is a directory of the operating system's as what a log stores
// its files in.
//
// On Linux a Sync holds none of the processors that Go runs on: fdatasync is
// handed to the kernel (Linux AIO), and the goroutine waits for it as for a
// network connection. A blocking fdatasync keeps its processor until the
// runtime takes it back, which at GOMAXPROCS=2 cost the replicated log three
// quarters of its throughput. Where the kernel does not do that (before Linux
// 4.18, or where a container's filter forbids io_setup), Sync blocks;
// [Dir.Async] tells.
//
//	dir, err := osfs.Open("data")
//	if err != nil {
//		return err
//	}
//	defer dir.Close()
//	f, err := dir.OpenFile("0001.seg", os.O_RDWR|os.O_CREATE, 0o640)
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	err = errors.Join(f.Allocate(0, 64<<20), dir.SyncDir("."))
package osfs
