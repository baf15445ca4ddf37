// Groups: their coordinator, joined to the rest of the cluster.

package state

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Groups returns the coordinator of all groups.
func (c *Cluster) Groups() *group.Coordinator { return c.groups }

func newGroups(c *Cluster) *group.Coordinator {
	return group.New(group.Config{Seed: c.Seed, Agenda: c.Agenda, Cluster: groupView{c}})
}

func groupAPIs() []api {
	g := (*Cluster).Groups
	return []api{
		serves(kmsg.OffsetCommit, 0, 10, by(g, (*group.Coordinator).OffsetCommit)),
		serves(kmsg.OffsetFetch, 0, 10, by(g, (*group.Coordinator).OffsetFetch)),
		serves(kmsg.JoinGroup, 0, 9, by(g, (*group.Coordinator).JoinGroup)),
		serves(kmsg.Heartbeat, 0, 4, by(g, (*group.Coordinator).Heartbeat)),
		serves(kmsg.LeaveGroup, 0, 5, by(g, (*group.Coordinator).LeaveGroup)),
		serves(kmsg.SyncGroup, 0, 5, by(g, (*group.Coordinator).SyncGroup)),
		serves(kmsg.DescribeGroups, 0, 6, by(g, (*group.Coordinator).DescribeGroups)),
		serves(kmsg.ListGroups, 0, 5, by(g, (*group.Coordinator).ListGroups)),
		serves(kmsg.DeleteGroups, 0, 3, by(g, (*group.Coordinator).DeleteGroups)),
		serves(kmsg.OffsetDelete, 0, 0, by(g, (*group.Coordinator).OffsetDelete)),
		serves(kmsg.ConsumerGroupHeartbeat, 0, 1, by(g, (*group.Coordinator).ConsumerGroupHeartbeat)),
		serves(kmsg.ConsumerGroupDescribe, 0, 1, by(g, (*group.Coordinator).ConsumerGroupDescribe)),
	}
}

// groupsMoved tells the groups of a slot that their coordinator is another.
func (c *Cluster) groupsMoved(slot int) {
	for _, name := range c.groups.Names() {
		if slotOf(name) == slot {
			c.groups.Moved(name)
		}
	}
}

// A groupView is the cluster as its groups see it.
type groupView struct{ *Cluster }

// Topic returns the topic of that name.
func (v groupView) Topic(name string) (group.Topic, bool) { return seenByGroup(v.Cluster.Topic(name)) }

// TopicByID returns the topic with that id.
func (v groupView) TopicByID(id [16]byte) (group.Topic, bool) {
	return seenByGroup(v.Cluster.TopicByID(id))
}

func seenByGroup(t *Topic, ok bool) (group.Topic, bool) {
	if !ok {
		return group.Topic{}, false
	}
	return group.Topic{Name: t.Name, ID: t.ID, Partitions: int32(len(t.Partitions))}, true
}
