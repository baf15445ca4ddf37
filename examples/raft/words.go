// The state that raft keeps alike everywhere: a list of words.

package raft

import (
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"
)

// words is a raft.FSM.
type words struct {
	mu  sync.Mutex
	all []string
}

func (w *words) list() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// Apply appends a word.
func (w *words) Apply(l *raft.Log) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(l.Data))
	return nil
}

// Snapshot returns the list as it is, a word a line.
func (w *words) Snapshot() (raft.FSMSnapshot, error) { return snapshot(w.list()), nil }

// Restore replaces the list by a snapshot's.
func (w *words) Restore(r io.ReadCloser) error {
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = strings.Fields(string(text))
	return nil
}

// A snapshot is the list at one moment.
type snapshot []string

// Persist writes the list to its sink.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := io.WriteString(sink, strings.Join(s, "\n")); err != nil {
		sink.Cancel()
		return err
	}
	return sink.Close()
}

// Release does nothing: a snapshot is a copy.
func (snapshot) Release() {}
