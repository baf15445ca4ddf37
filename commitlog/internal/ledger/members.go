// Who belongs to the cluster, and how that changes.

package ledger

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/raft/v3/confchange"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// A Member is a node as the log names it.
type Member struct {
	ID         uint64
	Name, Addr string
	Stays      bool // a learner that is not to become a voter
}

// AppendMembers appends members to dst: the context of a configuration change.
func AppendMembers(dst []byte, members ...Member) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(members)))
	for _, m := range members {
		dst = binary.AppendUvarint(dst, m.ID)
		dst = appendBytes(dst, []byte(m.Name))
		dst = appendBytes(dst, []byte(m.Addr))
		stays := byte(0)
		if m.Stays {
			stays = 1
		}
		dst = append(dst, stays)
	}
	return dst
}

// ParseMembers reads what AppendMembers has written.
func ParseMembers(b []byte) ([]Member, error) {
	r := reader{rest: b}
	members := r.members()
	if r.err != nil {
		return nil, fmt.Errorf("members: %w", r.err)
	}
	return members, nil
}

const maxMembers = 1000

func (r *reader) members() (members []Member) {
	for range r.count("members", maxMembers) {
		m := Member{ID: r.number(), Name: string(r.bytes()), Addr: string(r.bytes())}
		m.Stays = r.number() == 1
		if r.err != nil {
			return nil
		}
		members = append(members, m)
	}
	return members
}

// A Config is a configuration of the cluster as of an index: who votes, who
// learns, and how everybody is called and reached.
type Config struct {
	Index   uint64            // of the change that made it; 0 before the first
	State   *raftpb.ConfState // who votes and who learns; nobody in NewConfig, nil in the zero value
	Members map[uint64]Member // by ID, all that State names; empty in NewConfig: State knows no names
}

// NewConfig returns the configuration of nobody.
func NewConfig() Config {
	return Config{State: &raftpb.ConfState{}, Members: map[uint64]Member{}}
}

// A Change is an entry that changes the configuration, as it stands in the log.
type Change struct {
	Index uint64
	Type  raftpb.EntryType
	Data  []byte
}

// Parse reads what the entry says.
func (c Change) Parse() (*raftpb.ConfChangeV2, error) {
	if c.Type == raftpb.EntryConfChange {
		var v1 raftpb.ConfChange
		if err := proto.Unmarshal(c.Data, &v1); err != nil {
			return nil, fmt.Errorf("the configuration change at index %d: %w", c.Index, err)
		}
		return v1.AsV2(), nil
	}
	var v2 raftpb.ConfChangeV2
	if err := proto.Unmarshal(c.Data, &v2); err != nil {
		return nil, fmt.Errorf("the configuration change at index %d: %w", c.Index, err)
	}
	return &v2, nil
}

// Apply returns the configuration after the change, as Raft makes it. One that
// lies before the configuration's own index changes nothing.
func (c Config) Apply(change Change) (Config, error) {
	if change.Index <= c.Index {
		return c, nil
	}
	v2, err := change.Parse()
	if err != nil {
		return c, err
	}
	state, err := after(c.State, v2, change.Index)
	if err != nil {
		return c, fmt.Errorf("the configuration change at index %d: %w", change.Index, err)
	}
	return c.Changed(change.Index, v2, state)
}

// Changed returns the configuration after the change at index, of which Raft
// has made state.
func (c Config) Changed(index uint64, v2 *raftpb.ConfChangeV2, state *raftpb.ConfState) (Config, error) {
	next := Config{Index: index, State: state, Members: maps.Clone(c.Members)}
	if len(v2.GetContext()) > 0 {
		told, err := ParseMembers(v2.GetContext())
		if err != nil {
			return c, fmt.Errorf("the configuration change at index %d: %w", index, err)
		}
		for _, m := range told {
			next.Members[m.ID] = m
		}
	}
	for id := range next.Members {
		if !Holds(state, id) {
			delete(next.Members, id)
		}
	}
	return next, nil
}

// Holds says whether id is in the configuration, in any part.
func Holds(s *raftpb.ConfState, id uint64) bool {
	return Votes(s, id) || slices.Contains(s.GetLearners(), id) || slices.Contains(s.GetLearnersNext(), id)
}

// Votes says whether id votes.
func Votes(s *raftpb.ConfState, id uint64) bool {
	return slices.Contains(s.GetVoters(), id) || slices.Contains(s.GetVotersOutgoing(), id)
}

// after returns the state that a change makes of another.
func after(s *raftpb.ConfState, v2 *raftpb.ConfChangeV2, index uint64) (*raftpb.ConfState, error) {
	change := confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0), LastIndex: index}
	config, progress, err := confchange.Restore(change, s)
	if err != nil {
		return nil, err
	}
	change.Tracker.Config, change.Tracker.Progress = config, progress
	switch auto, joint := v2.EnterJoint(); {
	case v2.LeaveJoint():
		config, progress, err = change.LeaveJoint()
	case joint:
		config, progress, err = change.EnterJoint(auto, v2.GetChanges()...)
	default:
		config, progress, err = change.Simple(v2.GetChanges()...)
	}
	if err != nil {
		return nil, err
	}
	change.Tracker.Config, change.Tracker.Progress = config, progress
	return change.Tracker.ConfState(), nil
}
