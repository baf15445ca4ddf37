// The state that raft keeps alike everywhere: a list of words.

package raft

import (
	"errors"
	"io"
	"slices"
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

var errWhole = errors.New("the log is kept whole: there are no snapshots")

// Snapshot is never asked for.
func (w *words) Snapshot() (raft.FSMSnapshot, error) { return nil, errWhole }

// Restore has nothing to read.
func (w *words) Restore(io.ReadCloser) error { return errWhole }
