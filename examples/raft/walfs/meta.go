// The metadata of raft-wal, and raft's term and vote: one file, replaced whole.

package walfs

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"

	"github.com/hashicorp/raft-wal/types"
)

// meta is a types.MetaStore.
type meta struct {
	disk FS
	turn chan struct{} // holds a token while somebody uses what follows
	now  content
}

// content is what the file holds.
type content struct {
	State  types.PersistentState
	Stable map[string][]byte
}

// The file has a directory of its own: to sync that says nothing about the
// names of segments, as a transaction of BoltDB does not.
const (
	metaDir  = "meta"
	metaName = metaDir + "/wal.json"
)

func newMeta(disk FS) *meta { return &meta{disk: disk, turn: make(chan struct{}, 1)} }

// Load reads what was committed last. The name is synced before it is relied
// on: whoever put it there may have been killed before.
func (m *meta) Load(string) (types.PersistentState, error) {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	if err := m.directory(); err != nil {
		return types.PersistentState{}, err
	}
	f, err := m.disk.OpenFile(metaName, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return types.PersistentState{}, nil
	}
	if err != nil {
		return types.PersistentState{}, err
	}
	defer f.Close()
	err = json.NewDecoder(io.NewSectionReader(f, 0, 1<<30)).Decode(&m.now)
	return m.now.State, err
}

// directory makes the directory if there is none, and its names stable.
func (m *meta) directory() error {
	switch err := m.disk.Mkdir(metaDir, 0o755); {
	case err == nil:
		return m.disk.SyncDir(".")
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	return m.disk.SyncDir(metaDir)
}

func (m *meta) CommitState(s types.PersistentState) error {
	return m.commit(func(next *content) { next.State = s })
}

func (m *meta) SetStable(key, value []byte) error {
	return m.commit(func(next *content) {
		next.Stable = maps.Clone(next.Stable)
		if next.Stable == nil {
			next.Stable = map[string][]byte{}
		}
		next.Stable[string(key)] = value
	})
}

func (m *meta) GetStable(key []byte) ([]byte, error) {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	return m.now.Stable[string(key)], nil
}

// Close does nothing: no file is left open.
func (m *meta) Close() error { return nil }

// commit replaces the file by what change makes of it: all of it or nothing.
func (m *meta) commit(change func(*content)) error {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	next := m.now
	change(&next)
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err = m.write(metaName+".new", text); err != nil {
		return err
	}
	err = errors.Join(m.disk.Rename(metaName+".new", metaName), m.disk.SyncDir(metaDir))
	if err == nil {
		m.now = next
	}
	return err
}

// write makes a file that holds exactly this, and syncs it.
func (m *meta) write(name string, text []byte) error {
	f, err := m.disk.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
