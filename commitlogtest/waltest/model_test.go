// What a log may hold after a crash, and whether it does.

package waltest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// A line is one course that the log may have taken.
type line struct {
	entries []wal.Entry // from 1 on
	durable int         // how many of them must be there
	first   uint64      // what may have been removed lies before it
}

// A model is what a log was told, and what it has promised.
type model struct {
	mu     sync.Mutex // a log writes from two goroutines
	lines  []line     // more than one while something is replaced
	states []wal.State
	ever   map[string]bool // the data of all entries there ever were
}

func newModel() *model {
	return &model{lines: []line{{first: 1}}, states: []wal.State{{}}, ever: map[string]bool{}}
}

func (m *model) last() *line { return &m.lines[len(m.lines)-1] }

// appending takes note that s and es are being appended.
func (m *model) appending(s wal.State, es []wal.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s != (wal.State{}) {
		m.states = append(m.states, s)
	}
	if len(es) == 0 {
		return
	}
	for _, e := range es {
		m.ever[string(e.Data)] = true
	}
	l, kept := *m.last(), int(es[0].Index)-1
	if kept < len(l.entries) {
		l.durable = min(l.durable, kept)
		m.lines = append(m.lines, l)
	}
	m.last().entries = append(slices.Clone(l.entries[:kept]), es...)
}

// replaced takes note that there is only one course again.
func (m *model) replaced() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = m.lines[len(m.lines)-1:]
}

// synced takes note that all is durable.
func (m *model) synced() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = m.lines[len(m.lines)-1:]
	m.last().durable = len(m.last().entries)
	m.states = m.states[len(m.states)-1:]
}

// check returns what is wrong with a log.
func (m *model) check(l *wal.Log) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []wal.Entry
	if l.Last() >= l.First() {
		var err error
		if all, err = l.Entries(l.First(), l.Last()+1, 1<<30); err != nil {
			return err
		}
	}
	if _, err := l.Read(l.Low(), l.Next(), 1<<30); err != nil {
		return err
	}
	var why error
	for _, line := range m.lines {
		err := line.check(l, all)
		if err == nil {
			return m.checkState(l)
		}
		why = errors.Join(why, err)
	}
	return why
}

func (n *line) check(l *wal.Log, all []wal.Entry) error {
	if l.First() > n.first {
		return fmt.Errorf("the log begins with %d, not %d or before", l.First(), n.first)
	}
	if l.Last() < uint64(n.durable) || l.Last() > uint64(len(n.entries)) {
		return fmt.Errorf("the log ends with %d; %d were durable of %d", l.Last(), n.durable, len(n.entries))
	}
	var base uint64
	for _, want := range n.entries[:l.Last()] {
		count, _ := wal.Count(want.Data)
		if want.Index >= l.First() {
			e := all[want.Index-l.First()]
			if e.Index != want.Index || e.Term != want.Term || string(e.Data) != string(want.Data) || e.Base != base {
				return fmt.Errorf("entry %d is %+v, not %+v", want.Index, e, want)
			}
		}
		base += uint64(count)
	}
	return nil
}

func (m *model) checkState(l *wal.Log) error {
	got := l.State()
	if slices.Contains(m.states, got) {
		return nil
	}
	// The entries are there, and the hard state behind them is not.
	term, _ := l.Term(l.Last())
	for _, s := range m.states {
		if s.Term < term && got == (wal.State{Term: term, Commit: s.Commit}) {
			return nil
		}
	}
	return fmt.Errorf("the hard state is %+v, none of %+v", got, m.states)
}

// survives checks one state of a disk: the log opens, holds what it must, and
// goes on. If again, so does it in every state that a crash meanwhile can leave.
func (m *model) survives(c wal.Config, disk *vdisk.Disk, again bool) error {
	var why error
	f := &watched{FS: disk.Mount()}
	if again {
		f.before = func() {
			for state, err := range disk.States(limit) {
				if err == nil {
					err = m.survives(c, state, false)
				}
				why = errors.Join(why, err)
			}
		}
	}
	c.FS = f
	l, err := wal.Open(c)
	f.before = nil
	if err != nil || why != nil {
		return errors.Join(err, why)
	}
	if err := m.check(l); err != nil {
		return errors.Join(err, l.Close())
	}
	last, err := goOn(l)
	if err != nil {
		return err
	}
	if l, err = wal.Open(c); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	defer l.Close()
	if l.Last() != last {
		return fmt.Errorf("again: the log ends with %d, not %d", l.Last(), last)
	}
	return nil
}

// goOn appends an entry, and returns its index.
func goOn(l *wal.Log) (last uint64, err error) {
	last = l.Last() + 1
	state := l.State()
	es := []wal.Entry{{Index: last, Term: state.Term, Data: []byte("and on")}}
	return last, errors.Join(l.Append(state, es), l.Sync(), l.Close())
}

// A watched FS calls before, if it is set, before each sync of what belongs to
// the log: not of the next segment's file, which is made meanwhile. It keeps no
// index files: they are never synced, and each would double the states of the
// disk.
type watched struct {
	vdisk.FS
	before func()
	spare  *watchedFile
}

type watchedFile struct {
	vdisk.File
	fs    *watched
	apart bool // it is not yet the log's
}

func (w *watched) OpenFile(name string, flag int, perm fs.FileMode) (vdisk.File, error) {
	if strings.Contains(name, ".idx") && flag&os.O_CREATE != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	}
	f, err := w.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	file := &watchedFile{File: f, fs: w, apart: name == "spare"}
	if file.apart {
		w.spare = file
	}
	return file, nil
}

func (w *watched) Rename(from, to string) error {
	if from == "spare" {
		w.spare.apart = false
	}
	return w.FS.Rename(from, to)
}

func (w *watched) SyncDir(name string) error {
	w.look()
	return w.FS.SyncDir(name)
}

func (w *watched) look() {
	if w.before != nil {
		w.before()
	}
}

func (f *watchedFile) Sync() error {
	if !f.apart {
		f.fs.look()
	}
	return f.File.Sync()
}

// A story is a log on a disk, and its model.
type story struct {
	t     testing.TB
	disk  *vdisk.Disk
	fs    *watched
	c     wal.Config
	log   *wal.Log
	model *model
	term  uint64
}

func begin(t testing.TB, c wal.Config, d vdisk.Config) *story {
	s := &story{t: t, disk: vdisk.New(d), c: c, model: newModel(), term: 1}
	s.fs = &watched{FS: s.disk.Mount()}
	s.c.FS = s.fs
	return s
}

func (s *story) open() {
	s.t.Helper()
	l, err := wal.Open(s.c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = l
}

// data is what an entry holds: n bytes in one record.
func data(t testing.TB, index, term uint64, n int) []byte {
	value := []byte(fmt.Sprintf("%d of term %d.", index, term))
	value = append(value, make([]byte, n)...)
	e, err := wal.Encode(wal.Batch{Producer: 1, Sequence: index, Records: []wal.Record{{Value: value}}})
	if err != nil {
		t.Fatal(err)
	}
	return wal.AppendGroup(nil, time.Unix(int64(index), 0), e)
}

// append appends entries of such sizes from index on.
func (s *story) append(index uint64, sizes ...int) error {
	var es []wal.Entry
	for i, n := range sizes {
		at := index + uint64(i)
		es = append(es, wal.Entry{Index: at, Term: s.term, Data: data(s.t, at, s.term, n)})
	}
	state := wal.State{Term: s.term, Vote: index}
	s.model.appending(state, es)
	err := s.log.Append(state, es)
	if err == nil {
		s.model.replaced()
	}
	return err
}

func (s *story) sync() error {
	err := s.log.Sync()
	if err == nil {
		s.model.synced()
	}
	return err
}

func (s *story) must(errs ...error) {
	s.t.Helper()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
}
