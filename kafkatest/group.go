// Groups: what a test sees of them without a client, and waits for.

package kafkatest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
)

// A Group is a consumer group by its name; it need not be there yet.
type Group struct {
	cluster *Cluster
	name    string
}

// Group returns a group by its name.
func (c *Cluster) Group(name string) *Group { return &Group{c, name} }

// Groups returns the names of all groups, sorted.
func (c *Cluster) Groups() (names []string) {
	c.enter(func(s *state.Cluster) { names = slices.Clone(s.Groups().Names()) })
	slices.Sort(names)
	return names
}

// A GroupInfo is a group at an instant.
type GroupInfo struct {
	State      string // as Kafka spells it, such as "Stable"; "Dead" if there is no such group
	Kind       string // "classic" or, by KIP-848, "consumer"
	Protocol   string // how partitions are assigned: chosen by the members, or by the broker
	Generation int32  // or epoch
	Leader     string // member id; "" if the broker assigns
	Members    []Member
	History    []Assignment       // the latest, the oldest first
	Committed  map[string][]int64 // by topic and partition; -1 where nothing is committed
}

// A Member is one member of a group at an instant.
type Member struct {
	ID       string
	Instance string // "" if it is dynamic
	ClientID string
	Assigned map[string][]int32 // by topic
}

// An Assignment is what the members of a group had from an instant on.
type Assignment struct {
	Time       time.Time
	Generation int32
	Members    map[string]map[string][]int32 // by member id and topic
}

// Info returns the group as it is; zero after Close.
func (g *Group) Info() (info GroupInfo) {
	var s group.Snapshot
	if !g.cluster.enter(func(c *state.Cluster) { s = c.Groups().Snapshot(g.name) }) {
		return info
	}
	info = GroupInfo{
		State: s.State, Kind: string(s.Kind), Protocol: s.Protocol, Generation: s.Epoch, Leader: s.Leader,
		Committed: map[string][]int64{},
	}
	for _, m := range s.Members {
		info.Members = append(info.Members, Member{m.ID, m.Instance, m.ClientID, m.Assigned})
	}
	for _, a := range s.History {
		told := Assignment{Time: a.At, Generation: a.Epoch, Members: map[string]map[string][]int32{}}
		for id, assigned := range a.Members {
			told.Members[id] = assigned
		}
		info.History = append(info.History, told)
	}
	for _, o := range s.Offsets {
		list := info.Committed[o.Topic]
		for len(list) <= int(o.Partition) {
			list = append(list, -1)
		}
		list[o.Partition] = o.Offset.Offset
		info.Committed[o.Topic] = list
	}
	return info
}

// Committed returns the offset that the group committed; false if none.
func (g *Group) Committed(topic string, partition int32) (offset int64, ok bool) {
	g.cluster.enter(func(s *state.Cluster) {
		var o group.Offset
		o, ok = s.Groups().Committed(g.name, topic, partition)
		offset = o.Offset
	})
	return offset, ok
}

// Assign has the members of a consumer group (KIP-848) assigned what the test
// says, by member id and topic, from their next heartbeats on, whatever the
// assignor would find; members that are not named get nothing. Partitions that
// are not there, or that the member does not subscribe to, are left out. nil
// gives the group back to its assignor. The group need not be there yet; of a
// classic group the leader assigns all the same.
func (g *Group) Assign(members map[string]map[string][]int32) error {
	var target group.Target
	if members != nil {
		target = group.Target{}
	}
	for id, topics := range members {
		target[id] = group.Partitions{}
		for topic, partitions := range topics {
			target[id][topic] = slices.Clone(partitions)
		}
	}
	return g.cluster.do(func(s *state.Cluster) error { s.Groups().SetTarget(g.name, target); return nil })
}

// AwaitAssigned waits until the group has that many members, and each of them
// knows what it is assigned.
func (g *Group) AwaitAssigned(ctx context.Context, members int) error {
	return g.cluster.await(ctx, outcome{
		what: fmt.Sprintf("%d members of group %s with their assignments", members, g.name),
		holds: func(c *state.Cluster) bool {
			s := c.Groups().Snapshot(g.name)
			return len(s.Members) == members && settled(s) == members && (members == 0 || s.State == "Stable")
		},
		is: func(c *state.Cluster) string {
			s := c.Groups().Snapshot(g.name)
			return fmt.Sprintf("it is %s, with %d members, %d of them settled", s.State, len(s.Members), settled(s))
		},
	})
}

// settled returns how many members have what they are assigned.
func settled(s group.Snapshot) (n int) {
	for _, m := range s.Members {
		if !m.Waiting && m.Epoch == s.Epoch && len(m.Revoking) == 0 {
			n++
		}
	}
	return n
}

// AwaitCommitted waits until the group has committed the offset or a later one.
func (g *Group) AwaitCommitted(ctx context.Context, topic string, partition int32, offset int64) error {
	return g.cluster.await(ctx, outcome{
		what: fmt.Sprintf("group %s to commit %d of %s/%d", g.name, offset, topic, partition),
		holds: func(c *state.Cluster) bool {
			o, ok := c.Groups().Committed(g.name, topic, partition)
			return ok && o.Offset >= offset
		},
		is: func(c *state.Cluster) string {
			o, ok := c.Groups().Committed(g.name, topic, partition)
			if !ok {
				return "it has committed nothing there"
			}
			return fmt.Sprintf("it has committed %d", o.Offset)
		},
	})
}

// AwaitLagZero waits until the group has committed behind the last record of
// every partition of all topics that it has members or commits for. Markers of
// transactions, and what was aborted, need no commit.
func (g *Group) AwaitLagZero(ctx context.Context) error {
	return g.cluster.await(ctx, outcome{
		what: fmt.Sprintf("group %s to have no lag", g.name),
		holds: func(c *state.Cluster) bool {
			topics := topicsOf(c.Groups().Snapshot(g.name))
			lags := func(topic string) bool { return lagOf(c, g.name, topic, 1) > 0 }
			return len(topics) > 0 && !slices.ContainsFunc(topics, lags)
		},
		is: func(c *state.Cluster) string {
			topics := topicsOf(c.Groups().Snapshot(g.name))
			if len(topics) == 0 {
				return "it has neither members nor commits"
			}
			lag := int64(0)
			for _, topic := range topics {
				lag += lagOf(c, g.name, topic, math.MaxInt64)
			}
			return fmt.Sprintf("its lag is %d", lag)
		},
	})
}
