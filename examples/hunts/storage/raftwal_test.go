// hashicorp/raft-wal as a store of words.

package storage_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/rehearse-go/rehearse/examples/raft/walfs"
	"github.com/rehearse-go/rehearse/vdisk"
)

// raftWAL is raft-wal with segments that some words fill.
var raftWAL = subject{name: "raft-wal", open: func(disk vdisk.FS) (store, error) {
	w, err := walfs.Open(disk, 4096, hclog.NewNullLogger())
	return &entries{w}, err
}}

var raftWALOnExt4 = onExt4(raftWAL)

type entries struct{ *wal.WAL }

func (e *entries) add(words ...string) error {
	last, err := e.LastIndex()
	if err != nil {
		return err
	}
	logs := make([]*raft.Log, len(words))
	for i, word := range words {
		logs[i] = &raft.Log{Index: last + 1 + uint64(i), Term: 1, Data: []byte(word)}
	}
	return e.StoreLogs(logs)
}

func (e *entries) words() (words []string, err error) {
	first, _ := e.FirstIndex()
	last, err := e.LastIndex()
	for i := max(first, 1); err == nil && i <= last; i++ {
		var l raft.Log
		if err = e.GetLog(i, &l); err == nil && l.Index != i {
			err = fmt.Errorf("entry %d says that it is %d", i, l.Index)
		}
		words = append(words, string(l.Data))
	}
	return words, err
}

func (e *entries) close() { e.Close() }

// hashicorp/raft-wal#31: a follower whose log loses its end to a new leader
// cannot read what is left once it is opened again.
func TestALogThatLostItsEndCannotBeReadAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := vdisk.New(vdisk.Config{})
		raftWAL.live(d, &promise{}, batchesOf(3, 1, 100))
		st, err := raftWAL.open(d.Mount())
		if err != nil {
			t.Fatal(err)
		}
		if err := st.(*entries).DeleteRange(3, 3); err != nil {
			t.Fatal(err)
		}
		left, err := st.words()
		if st.close(); err != nil || len(left) != 2 {
			t.Fatalf("before it is opened again: %s, %v", brief(left), err)
		}
		if _, f := raftWAL.holds(d, promised(left...)); f == nil || f.way != unread {
			t.Errorf("after it is opened again: %+v", f)
		}
	})
}
