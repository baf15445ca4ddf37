// A mount: the way from an operation to the disk, past its rules and faults.

package vdisk

import (
	"io/fs"
	"os"
	"path"
	"sync/atomic"
	"syscall"
	"time"
)

// A mount is what a program holds of a disk, until a crash: then it is dead,
// or has a disk to itself. The lock of the disk that it is on guards it.
type mount struct {
	disk    atomic.Pointer[Disk] // changed with the lock of the one that it was
	files   map[*file]bool       // that are open
	over    chan struct{}        // closed by the crash
	crashed bool                 // and is not a ghost
}

// d is the disk that m is on. While that one's lock is held, it stays so.
func (m *mount) d() *Disk { return m.disk.Load() }

// lock locks and returns the disk that m is on.
func (m *mount) lock() *Disk {
	for {
		d := m.d()
		if d.mu.Lock(); d == m.d() {
			return d
		}
		d.mu.Unlock()
	}
}

// begin waits until op may happen and returns the verdict on it, with the lock
// of m's disk held; settle ends what begin began. After an error nothing is held.
func (m *mount) begin(op Op) (Verdict, error) {
	d, err := m.enter()
	if err != nil {
		return Verdict{}, op.failed(err)
	}
	v, strained := d.strained(op)
	if strained || !d.rules.Empty() || d.latency(op) > 0 {
		d.mu.Unlock()
		v = d.decide(op, v)
		m.wait(v.After + d.latency(op))
		now, err := m.enter()
		if err != nil {
			return Verdict{}, op.failed(err)
		}
		if now != d {
			v = Verdict{} // it was about a disk that crashed meanwhile
		}
	}
	if v.Err != nil && op.Kind != Sync && (op.Kind != Write || v.Short == 0) {
		return v, m.settle(op, 0, v.Err)
	}
	return v, nil
}

// enter waits while the disk pauses and locks it, unless m is dead.
func (m *mount) enter() (*Disk, error) {
	for {
		d := m.lock()
		gate, crashed := d.gate, m.crashed
		if gate == nil && !crashed {
			return d, nil
		}
		d.mu.Unlock()
		if crashed {
			return nil, ErrCrashed
		}
		select {
		case <-m.over:
		case <-gate:
		}
	}
}

// wait lets time pass, unless the disk crashes meanwhile.
func (m *mount) wait(t time.Duration) {
	if t <= 0 {
		return
	}
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-m.over:
	case <-timer.C:
	}
}

// settle records what op did to n bytes, gives the lock back and returns err
// as package os would.
func (m *mount) settle(op Op, n int, err error) error {
	d := m.d()
	d.record(op, n, err)
	d.mu.Unlock()
	if err == nil {
		return nil
	}
	return op.failed(err)
}

func (d *Disk) latency(op Op) time.Duration {
	if op.Kind == Sync || op.Kind == SyncDir {
		return d.cfg.Latency
	}
	return 0
}

// decide asks the rules; strained is what the faults would have.
func (d *Disk) decide(op Op, strained Verdict) Verdict {
	v, decided := d.rules.Decide(op)
	if !decided {
		return strained
	}
	d.recordRule(op, v)
	v.After += strained.After
	return v
}

func (m *mount) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	op := Op{Kind: Open, Name: name}
	if flag&os.O_CREATE != 0 && !m.d().exists(name) {
		op.Kind = Create
	}
	if _, err := m.begin(op); err != nil {
		return nil, err
	}
	node, err := m.d().open(name, flag, perm)
	if err != nil {
		return nil, m.settle(op, 0, err)
	}
	f := &file{m: m, node: node, name: name, flag: flag}
	m.files[f] = true
	return f, m.settle(op, 0, nil)
}

func (d *Disk) exists(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _, _, err := d.find(name)
	return err == nil
}

// open finds or makes a file and counts the handle on it.
func (d *Disk) open(name string, flag int, perm fs.FileMode) (*inode, error) {
	const exclusive = os.O_CREATE | os.O_EXCL
	node, dir, base, err := d.find(name)
	switch {
	case err == nil && flag&exclusive == exclusive:
		return nil, syscall.EEXIST
	case err == nil && node.dir:
		return nil, syscall.EISDIR
	case err != nil && (dir == nil || flag&os.O_CREATE == 0):
		return nil, err
	case err != nil:
		node = newFile(perm)
		d.change("create "+name, entry{dir, base, node})
	case flag&os.O_TRUNC != 0 && node.size > 0: // of a file opened to be read too, as on Linux
		d.truncate(node, 0)
	}
	node.opens++
	return node, nil
}

func (m *mount) Mkdir(name string, perm fs.FileMode) error {
	if err := below("mkdir", name); err != nil {
		return err
	}
	return m.do(Op{Kind: Mkdir, Name: name}, func() error { return m.d().mkdir(name, perm) })
}

func (m *mount) Rename(from, to string) error {
	if err := renamable(from, to); err != nil {
		return err
	}
	return m.do(Op{Kind: Rename, Name: from, To: to}, func() error { return m.d().rename(from, to) })
}

func (m *mount) Remove(name string) error {
	if err := below("remove", name); err != nil {
		return err
	}
	return m.do(Op{Kind: Remove, Name: name}, func() error { return m.d().remove(name) })
}

func (m *mount) ReadDir(name string) (list []string, err error) {
	err = m.do(Op{Kind: ReadDir, Name: name}, func() error {
		dir, err := m.d().findDir(name)
		if err == nil {
			list = sortedKeys(dir.entries)
		}
		return err
	})
	return list, err
}

func (m *mount) Stat(name string) (info fs.FileInfo, err error) {
	err = m.do(Op{Kind: Stat, Name: name}, func() error {
		node, _, _, err := m.d().find(name)
		if err == nil {
			info = fileInfo{path.Base(name), node.size, node.mode()}
		}
		return err
	})
	return info, err
}

func (m *mount) SyncDir(name string) error {
	op := Op{Kind: SyncDir, Name: name}
	v, err := m.begin(op)
	if err != nil {
		return err
	}
	dir, err := m.d().findDir(name)
	if err == nil && !v.Lie {
		m.d().syncDir(dir)
	}
	return m.settle(op, 0, err)
}

// do is for operations of which a verdict lets all happen or nothing.
func (m *mount) do(op Op, act func() error) error {
	if _, err := m.begin(op); err != nil {
		return err
	}
	return m.settle(op, 0, act())
}

// A fileInfo is what Stat tells. There are no times.
type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }
