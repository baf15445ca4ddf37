// What only Linux can be asked: what the kernel holds, what it refuses, what a full disk says.

package osfs_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
)

// held counts what the kernel holds for this process: contexts, which it maps
// into its memory, and eventfds.
func held(t *testing.T) (contexts, eventfds int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	ok(t, err)
	fds, err := filepath.Glob("/proc/self/fd/*")
	ok(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.Contains(to, "eventfd") {
			eventfds++
		}
	}
	return strings.Count(string(maps), "[aio]"), eventfds
}

func TestClosingGivesEverythingBack(t *testing.T) {
	if _, err := os.Stat("/proc/sys/fs/aio-max-nr"); err != nil {
		t.Log("this kernel has no AIO")
		return
	}
	warm := open(t) // Go's poller, too, has an eventfd, from the first use on
	contexts, eventfds := held(t)
	d, err := osfs.Open(t.TempDir())
	ok(t, err)
	if !d.Async() {
		t.Fatal("the kernel has AIO, and it is not used")
	}
	ok(t, hammer(d, 32, 4))
	if now, _ := held(t); now <= contexts || now > contexts+8 {
		t.Errorf("%d contexts before, %d after many syncs; want between 1 and 8 more", contexts, now)
	}
	late := file(t, d, "late", os.O_RDWR|os.O_CREATE)
	ok(t, d.Close())
	ok(t, late.Sync())
	if c, e := held(t); c != contexts || e != eventfds {
		t.Errorf("%d contexts and %d eventfds before, %d and %d after", contexts, eventfds, c, e)
	}
	ok(t, hammer(warm, 1, 1))
}

func TestAFullDiskIsToldBeforeAnythingIsTaken(t *testing.T) {
	d := open(t)
	f := file(t, d, "f", os.O_RDWR)
	var disk syscall.Statfs_t
	ok(t, syscall.Statfs(".", &disk))
	limitFiles(t, 64<<20) // a program that does not ask first must not fill the disk it is tested on
	if err := f.Allocate(0, int64(disk.Blocks)*int64(disk.Bsize)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("more than the disk has: %v", err)
	}
	if got := text(t, d, "f"); got != "hello" {
		t.Errorf("the file holds %d bytes then", len(got))
	}
	ok(t, f.Allocate(0, 1<<20))
	info, err := d.Stat("f")
	ok(t, err)
	if taken := info.Sys().(*syscall.Stat_t).Blocks * 512; taken < 1<<20 {
		t.Errorf("a megabyte was allocated, %d bytes are taken", taken)
	}
}

// limitFiles keeps this process, for the time of the test, from making a file
// larger than that.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var before syscall.Rlimit
	ok(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	t.Cleanup(func() { ok(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) })
	ok(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}))
}

func TestADevicesErrorsComeThrough(t *testing.T) {
	d, err := osfs.Open("/dev")
	ok(t, err)
	defer d.Close()
	f := file(t, d, "full", os.O_RDWR)
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a write: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) { // io_submit refuses, and so does fdatasync
		t.Errorf("a sync: %v", err)
	}
}

// refused names, to the test run again beneath a filter, what it refuses.
const refused = "OSFS_TEST_REFUSED"

func TestWhereTheKernelRefusesASyncBlocks(t *testing.T) {
	if os.Getenv(refused) != "" {
		d := open(t)
		if d.Async() {
			t.Error("it says that syncs do not block")
		}
		ok(t, hammer(d, 8, 4))
		return
	}
	for name, call := range map[string]uint32{
		"io_setup":  syscall.SYS_IO_SETUP,  // as a container's filter may
		"io_submit": syscall.SYS_IO_SUBMIT, // as kernels do that do not know the operation
	} {
		t.Run(name, func(t *testing.T) {
			again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$")
			again.Env = append(os.Environ(), refused+"="+name)
			again.Dir = t.TempDir()
			out, err := filtered(again, call)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// filtered runs a command beneath a filter that answers one system call with
// EINVAL. Filters are a thread's, and of what it starts: the thread ends here.
func filtered(c *exec.Cmd, call uint32) (out []byte, err error) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err = filter(call); err == nil {
			out, err = c.CombinedOutput()
		}
	}()
	<-done
	return out, err
}

func filter(call uint32) error {
	const noNewPrivileges, setSeccomp, modeFilter = 38, 22, 2
	const refuse, allow = 0x0005_0000 | uint32(syscall.EINVAL), 0x7fff_0000
	program := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 0},
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: call, Jf: 1},
		{Code: syscall.BPF_RET, K: refuse},
		{Code: syscall.BPF_RET, K: allow},
	}
	fprog := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivileges, 1, 0, 0, 0, 0); errno != 0 {
		return os.NewSyscallError("prctl", errno)
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return os.NewSyscallError("prctl", errno)
	}
	return nil
}
