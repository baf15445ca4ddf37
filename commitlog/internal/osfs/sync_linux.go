// Syncs that hold no processor: who waits for which, and what is done where that does not work.

package osfs

import (
	"os"
	"sync"
	"syscall"
)

// kept is how many waits are kept for the next syncs. Each is a descriptor and
// one of the system's fs.aio-max-nr (65,536 unless set otherwise).
const kept = 8

// A syncer hands syncs to the kernel. It has no goroutine: whoever syncs waits
// for its own, with a wait that nobody else uses meanwhile.
type syncer struct {
	mu   sync.Mutex // for a few instructions
	on   bool       // the kernel takes syncs, and the directory is open
	idle []*wait
	ok   bool // what on was at the start
}

// start tries it with the directory itself.
func (s *syncer) start(dir *os.File) {
	w, err := newWait()
	if err != nil {
		return
	}
	if err := w.sync(dir, opFsync); err != nil {
		w.close()
		return
	}
	s.on, s.ok, s.idle = true, true, []*wait{w}
}

func (s *syncer) async() bool { return s.ok }

func (s *syncer) file(f *os.File) error { return s.do(f, opFdatasync, syscall.Fdatasync) }

func (s *syncer) dir(f *os.File) error { return s.do(f, opFsync, syscall.Fsync) }

// do hands a sync to the kernel, or blocks where that is not possible. What
// the kernel took is not tried again, whatever came of it.
func (s *syncer) do(f *os.File, op uint16, block func(fd int) error) error {
	w := s.take()
	if w == nil {
		return control(f, "sync", func(fd uintptr) error { return block(int(fd)) })
	}
	err := w.sync(f, op)
	s.put(w)
	if err == errNotTaken {
		return control(f, "sync", func(fd uintptr) error { return block(int(fd)) })
	}
	return err
}

// take returns a wait, or nil if the next sync has to block.
func (s *syncer) take() *wait {
	s.mu.Lock()
	on, n := s.on, len(s.idle)
	if on && n > 0 {
		w := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		return w
	}
	s.mu.Unlock()
	if !on {
		return nil
	}
	w, err := newWait()
	if err != nil {
		return nil // the system has no more of them, for now
	}
	return w
}

func (s *syncer) put(w *wait) {
	s.mu.Lock()
	keep := s.on && len(s.idle) < kept
	if keep {
		s.idle = append(s.idle, w)
	}
	s.mu.Unlock()
	if !keep {
		w.close()
	}
}

// close ends those waits that nobody waits with; the others end as they are
// put back.
func (s *syncer) close() {
	s.mu.Lock()
	idle := s.idle
	s.on, s.idle = false, nil
	s.mu.Unlock()
	for _, w := range idle {
		w.close()
	}
}

func allocate(fd uintptr, off, n int64) error { return syscall.Fallocate(int(fd), 0, off, n) }

// free is what root may still use: nobody is refused for what is kept for root.
func free(fd uintptr) (bytes uint64, known bool) {
	var st syscall.Statfs_t
	if syscall.Fstatfs(int(fd), &st) != nil || st.Blocks == 0 {
		return 0, false
	}
	return st.Bfree * uint64(st.Bsize), true
}
