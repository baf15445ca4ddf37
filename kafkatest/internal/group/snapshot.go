// What a test may see of a group without being a client.

package group

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Partitions are partitions by their topic's name.
type Partitions map[string][]int32

// A Target is what each member is to have, by member id.
type Target map[string]Partitions

// A Snapshot is a group at an instant.
type Snapshot struct {
	Name     string
	Kind     Kind
	State    string // as Kafka spells it; "Dead" if there is no such group
	Epoch    int32  // generation of a classic group, group epoch of a consumer group
	Type     string // protocol type, "consumer" for everything that consumes topics
	Protocol string // chosen by the members, or the assignor of a consumer group
	Leader   string // member id; "" if the broker assigns
	Members  []Member
	Offsets  []Committed  // by topic and partition
	History  []Assignment // the oldest first; at most 64
}

// A Member is one of a group at an instant.
type Member struct {
	ID       string
	Instance string // "" if it is dynamic
	ClientID string
	Host     string
	Kind     Kind  // what it speaks: a consumer group may have classic members
	Epoch    int32 // its generation or member epoch
	Topics   []string
	Regex    string // "" if it subscribes by name only
	Assigned Partitions
	Revoking Partitions // not assigned any more, and not let go yet (KIP-848)
	Waiting  bool       // for the answer to JoinGroup or SyncGroup
}

// Committed is an offset that a group committed.
type Committed struct {
	Topic     string
	Partition int32
	Offset
}

// An Assignment is what a group's members were to have from an instant on.
type Assignment struct {
	At      time.Time
	Epoch   int32
	Members map[string]Partitions
}

// Snapshot returns the group as it is, which shares nothing with it. A group
// that is not there is dead.
func (x *Coordinator) Snapshot(name string) Snapshot {
	g := x.find(name)
	if g == nil {
		return Snapshot{Name: name, State: stateDead}
	}
	s := Snapshot{Name: name, Kind: g.body.kind(), State: g.body.state(), Type: g.body.protocolType()}
	g.body.show(&s)
	for _, a := range g.history {
		a.Members = maps.Clone(a.Members)
		s.History = append(s.History, a)
	}
	for topic, parts := range g.offsets {
		for p, o := range parts {
			s.Offsets = append(s.Offsets, Committed{Topic: topic, Partition: p, Offset: o})
		}
	}
	slices.SortFunc(s.Offsets, func(a, b Committed) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return s
}

// Committed returns what the group committed for the partition; false if
// nothing.
func (x *Coordinator) Committed(group, topic string, partition int32) (Offset, bool) {
	g := x.groups[group]
	if g == nil {
		return Offset{}, false
	}
	o, ok := g.offsets[topic][partition]
	return o, ok
}
