// Logs of one disk that others have written.

package log_test

import (
	"path/filepath"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/tidwall/wal"
)

// A tidwallLog is tidwall/wal with its defaults. Acknowledged means: written
// and synced by fsync. Its frames have no checksum.
type tidwallLog struct {
	log   *wal.Log
	next  uint64
	batch wal.Batch
}

func openTidwall(dir string) (localLog, error) {
	l, err := wal.Open(filepath.Join(dir, "wal"), nil)
	if err != nil {
		return nil, err
	}
	last, err := l.LastIndex()
	return &tidwallLog{log: l, next: last + 1}, err
}

func (l *tidwallLog) Append(batch [][]byte) error {
	for _, record := range batch {
		l.batch.Write(l.next, record)
		l.next++
	}
	return l.log.WriteBatch(&l.batch) // which empties the batch
}

func (l *tidwallLog) Records() (all [][]byte, err error) {
	for i := uint64(1); i < l.next; i++ {
		record, err := l.log.Read(i)
		if err != nil {
			return nil, err
		}
		all = append(all, record)
	}
	return all, nil
}

func (l *tidwallLog) Close() error { return l.log.Close() }

// A storeLog is a store of hashicorp/raft's, used alone.
type storeLog struct {
	store interface {
		raft.LogStore
		Close() error
	}
	next uint64
	logs []raft.Log
	ptrs []*raft.Log
}

// openRaftWAL uses raft-wal with its defaults. Acknowledged means: written to
// a preallocated segment and synced by fsync.
func openRaftWAL(dir string) (localLog, error) {
	w, err := raftwal.Open(dir, raftwal.WithLogger(quiet))
	if err != nil {
		return nil, err
	}
	last, err := w.LastIndex()
	return &storeLog{store: w, next: last + 1}, err
}

// openBolt uses raft-boltdb with its defaults. Acknowledged means: a bbolt
// transaction has committed, which syncs by fdatasync twice: pages, then meta.
func openBolt(dir string) (localLog, error) {
	s, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(dir, "bolt")})
	if err != nil {
		return nil, err
	}
	last, err := s.LastIndex()
	return &storeLog{store: s, next: last + 1}, err
}

func (l *storeLog) Append(batch [][]byte) error {
	for len(l.logs) < len(batch) {
		l.logs = append(l.logs, raft.Log{})
	}
	l.ptrs = l.ptrs[:0]
	for i, record := range batch {
		l.logs[i] = raft.Log{Index: l.next, Term: 1, Data: record}
		l.ptrs = append(l.ptrs, &l.logs[i])
		l.next++
	}
	return l.store.StoreLogs(l.ptrs)
}

func (l *storeLog) Records() (all [][]byte, err error) {
	for i := uint64(1); i < l.next; i++ {
		var log raft.Log
		if err := l.store.GetLog(i, &log); err != nil {
			return nil, err
		}
		all = append(all, log.Data)
	}
	return all, nil
}

func (l *storeLog) Close() error { return l.store.Close() }
