// The log as Raft reads it.

package commitlog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// storage is a raft.Storage. It is asked by the core's goroutine only. Who is
// behind its floor is not sent entries but told to fetch segments.
type storage struct {
	log     *wal.Log
	ledger  *ledger.Ledger
	hard    raftpb.HardState // as of the start
	applied uint64
	floor   uint64
	failed  error // why the log could not be read; Raft panics then
}

func (s *storage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return &s.hard, s.ledger.Config.State, nil
}

func (s *storage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	if lo < s.floor {
		return nil, raft.ErrCompacted
	}
	found, err := s.log.Entries(lo, hi, int(min(maxSize, 1<<40)))
	if err != nil {
		return nil, s.translate(err)
	}
	entries := make([]*raftpb.Entry, len(found))
	for i := range found {
		e := &found[i]
		typ := raftpb.EntryType(e.Type)
		entries[i] = &raftpb.Entry{Index: &e.Index, Term: &e.Term, Type: &typ, Data: e.Data}
	}
	return entries, nil
}

func (s *storage) Term(i uint64) (uint64, error) {
	t, err := s.log.Term(i)
	return t, s.translate(err)
}

func (s *storage) LastIndex() (uint64, error)  { return s.log.Last(), nil }
func (s *storage) FirstIndex() (uint64, error) { return s.log.First(), nil }

// Snapshot tells a node that is too far behind to fetch all sealed segments
// whose entries are applied. The configuration is that of now, so that the
// node finds itself in it.
func (s *storage) Snapshot() (*raftpb.Snapshot, error) {
	last, term, ok := s.log.Sealed(s.applied)
	if !ok || len(s.ledger.Config.State.GetVotersOutgoing()) > 0 {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return &raftpb.Snapshot{
		Data: offer{s.ledger.Config}.bytes(),
		Metadata: &raftpb.SnapshotMetadata{
			Index: &last, Term: &term, ConfState: s.ledger.Config.State,
		},
	}, nil
}

// An offer is what a snapshot's data says: which configuration it comes with.
type offer struct{ config ledger.Config }

func (o offer) bytes() []byte {
	return ledger.AppendMembers(binary.AppendUvarint(nil, o.config.Index), sortedMembers(o.config)...)
}

func parseOffer(s *raftpb.Snapshot) (offer, error) {
	index, n := binary.Uvarint(s.GetData())
	if n <= 0 {
		return offer{}, errors.New("commitlog: an offer of segments that says nothing")
	}
	members, err := ledger.ParseMembers(s.GetData()[n:])
	if err != nil {
		return offer{}, fmt.Errorf("commitlog: an offer of segments: %w", err)
	}
	o := offer{ledger.Config{Index: index, State: s.GetMetadata().GetConfState(), Members: map[uint64]ledger.Member{}}}
	for _, m := range members {
		o.config.Members[m.ID] = m
	}
	return o, nil
}

// translate gives Raft the errors it knows.
func (s *storage) translate(err error) error {
	var compacted wal.Compacted
	var unavailable wal.Unavailable
	switch {
	case errors.As(err, &compacted):
		return raft.ErrCompacted
	case errors.As(err, &unavailable):
		return raft.ErrUnavailable
	case err != nil:
		s.failed = cmp.Or(s.failed, err)
	}
	return err
}

// raftLogger writes what Raft says to the node's log, in a low voice: what
// matters of it is an event.
type raftLogger struct{ to *slog.Logger }

func (l raftLogger) Debug(v ...any)            { l.to.Debug(fmt.Sprint(v...)) }
func (l raftLogger) Debugf(f string, v ...any) { l.to.Debug(fmt.Sprintf(f, v...)) }
func (l raftLogger) Info(v ...any)             { l.to.Debug(fmt.Sprint(v...)) }
func (l raftLogger) Infof(f string, v ...any)  { l.to.Debug(fmt.Sprintf(f, v...)) }
func (l raftLogger) Warning(v ...any)          { l.to.Warn(fmt.Sprint(v...)) }
func (l raftLogger) Warningf(f string, v ...any) {
	l.to.Warn(fmt.Sprintf(f, v...))
}
func (l raftLogger) Error(v ...any)            { l.to.Error(fmt.Sprint(v...)) }
func (l raftLogger) Errorf(f string, v ...any) { l.to.Error(fmt.Sprintf(f, v...)) }
func (l raftLogger) Fatal(v ...any)            { panic(broken(fmt.Sprint(v...))) }
func (l raftLogger) Fatalf(f string, v ...any) { panic(broken(fmt.Sprintf(f, v...))) }
func (l raftLogger) Panic(v ...any)            { panic(broken(fmt.Sprint(v...))) }
func (l raftLogger) Panicf(f string, v ...any) { panic(broken(fmt.Sprintf(f, v...))) }

// broken is what Raft says when the log cannot be what this node has
// acknowledged: its disk has forgotten what it said it had.
type broken string

func (b broken) Error() string {
	return "commitlog: this node's log is not what it acknowledged; its disk has lost some of it. " +
		"Empty the directory, and it comes back as a new member: " + string(b)
}
