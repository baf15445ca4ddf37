// The files that are open to be read, the one used longest ago closed first.

package wal

import (
	"container/list"
	"os"
	"sync"
)

// A handle is an open segment and, if it is sealed, its index.
type handle struct {
	name   string
	file   File
	points points
	unmap  func() error
	refs   int
	gone   bool          // close it when nobody uses it any more
	place  *list.Element // in files.used
}

func (h *handle) close() {
	if h.unmap != nil {
		h.unmap()
	}
	h.file.Close()
}

// files are open sealed segments, by name. The mutex is held for a few
// instructions; files are opened and closed outside it.
type files struct {
	limit int
	mu    sync.Mutex
	open  map[string]*handle
	used  list.List // of *handle, the latest first
	gen   uint64    // the log's: who opened a file as of another keeps it for himself
}

// renew says that names may mean other files now.
func (f *files) renew(gen uint64) {
	f.mu.Lock()
	f.gen = gen
	f.mu.Unlock()
}

// take returns the handle of that name, if it is open, for use until give.
func (f *files) take(name string) *handle {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.open[name]
	if h != nil {
		h.refs++
		f.used.MoveToFront(h.place)
	}
	return h
}

// hold is take for a handle that is in use already.
func (f *files) hold(h *handle) {
	f.mu.Lock()
	h.refs++
	f.mu.Unlock()
}

// keep adds a handle that its owner had for itself, and gives it back.
func (f *files) keep(h *handle) {
	f.forget(h.name)
	f.mu.Lock()
	gen := f.gen
	f.mu.Unlock()
	f.give(f.put(h, gen))
	f.give(h)
}

// end closes a handle that its owner had for itself, once nobody uses it.
func (f *files) end(h *handle) {
	f.mu.Lock()
	h.gone = true
	f.mu.Unlock()
	f.give(h)
}

// put keeps a segment that was opened as of gen, unless another was faster, and
// returns what is to be used until give.
func (f *files) put(h *handle, gen uint64) *handle {
	f.mu.Lock()
	if gen != f.gen {
		defer f.mu.Unlock()
		h.refs, h.gone = h.refs+1, true
		return h
	}
	have := f.open[h.name]
	var closing []*handle
	if have != nil {
		closing = append(closing, h)
		h = have
	} else {
		f.open[h.name] = h
		h.place = f.used.PushFront(h)
	}
	h.refs++
	for e := f.used.Back(); f.used.Len() > f.limit && e != h.place; e = f.used.Back() {
		closing = f.drop(e.Value.(*handle), closing)
	}
	f.mu.Unlock()
	closeAll(closing)
	return h
}

// drop forgets h, and adds it to those to be closed if nobody uses it.
func (f *files) drop(h *handle, closing []*handle) []*handle {
	delete(f.open, h.name)
	f.used.Remove(h.place)
	h.gone = true
	if h.refs == 0 {
		closing = append(closing, h)
	}
	return closing
}

// give ends the use of h.
func (f *files) give(h *handle) {
	f.mu.Lock()
	h.refs--
	last := h.gone && h.refs == 0
	f.mu.Unlock()
	if last {
		h.close()
	}
}

// forget closes a segment that is gone, or changed, once nobody reads it.
func (f *files) forget(name string) {
	f.mu.Lock()
	var closing []*handle
	if h := f.open[name]; h != nil {
		closing = f.drop(h, nil)
	}
	f.mu.Unlock()
	closeAll(closing)
}

// closeAll closes all that nobody uses, and the others when they are given back.
func (f *files) closeAll() {
	f.mu.Lock()
	var closing []*handle
	for e := f.used.Front(); e != nil; e = f.used.Front() {
		closing = f.drop(e.Value.(*handle), closing)
	}
	f.mu.Unlock()
	closeAll(closing)
}

func closeAll(handles []*handle) {
	for _, h := range handles {
		h.close()
	}
}

// openSealed returns the handle of a segment that is sealed as of gen, for use
// until give.
func (l *Log) openSealed(s *segment, gen uint64) (*handle, error) {
	if h := l.files.take(s.name); h != nil {
		return h, nil
	}
	file, err := l.config.FS.OpenFile(s.name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	h := &handle{name: s.name, file: file}
	if h.points, h.unmap, err = l.index(s, file); err != nil {
		file.Close()
		return nil, err
	}
	return l.files.put(h, gen), nil
}
