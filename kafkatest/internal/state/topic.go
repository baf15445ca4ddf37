// Topics and the shape of their partitions: who leads, who follows.

package state

import (
	"iter"
	"strconv"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A Topic is a name, an id, and partitions.
type Topic struct {
	Name       string
	ID         [16]byte
	Partitions []*Partition
	cluster    *Cluster
	log        logSettings
}

// A TopicSpec says how a topic is to be made.
type TopicSpec struct {
	Name        string
	Partitions  int               // if 0, num.partitions
	Replication int               // if 0, default.replication.factor
	Assignment  [][]int32         // replicas of each partition, the leader first; if nil, chosen by the seed
	Overrides   map[string]string // topic configs
}

// CreateTopic makes a topic. The caller has checked what the spec says, except
// that the name is free and well formed, and the configs allowed.
func (c *Cluster) CreateTopic(spec TopicSpec) (*Topic, *kerr.Error) {
	if !validTopicName(spec.Name) {
		return nil, kerr.InvalidTopicException
	}
	if _, exists := c.topics[spec.Name]; exists {
		return nil, kerr.TopicAlreadyExists
	}
	overrides, err := c.settings.Check(setting.OfTopic(spec.Name), spec.Overrides)
	if err != nil {
		return nil, kerr.InvalidConfig
	}
	t := &Topic{
		Name:    spec.Name,
		ID:      c.Seed.UUID("topic", spec.Name, strconv.Itoa(c.creations(spec.Name))),
		cluster: c,
	}
	c.settings.Replace(setting.OfTopic(t.Name), overrides)
	c.grow(t, spec)
	c.addTopic(t)
	return t, nil
}

// creations counts how often a name was created, so that a topic created
// again has another id, whatever else was created meanwhile.
func (c *Cluster) creations(name string) int {
	c.created[name]++
	return c.created[name]
}

// AddPartitions gives a topic more partitions: as many as assignment has, or
// up to n in all if it is nil.
func (c *Cluster) AddPartitions(t *Topic, n int, assignment [][]int32) {
	replication := len(t.Partitions[0].Replicas)
	c.grow(t, TopicSpec{Partitions: n - len(t.Partitions), Replication: replication, Assignment: assignment})
	c.topicsChanged()
}

// grow appends partitions to t.
func (c *Cluster) grow(t *Topic, spec TopicSpec) {
	n := spec.Partitions
	switch {
	case spec.Assignment != nil:
		n = len(spec.Assignment)
	case n == 0:
		n = int(c.SettingInt("num.partitions"))
	}
	for i := range n {
		var replicas []int32
		if spec.Assignment != nil {
			replicas = spec.Assignment[i]
		} else {
			replicas = c.spread(t.Name, len(t.Partitions), spec.Replication)
		}
		t.Partitions = append(t.Partitions, newPartition(t, int32(len(t.Partitions)), replicas))
	}
}

// spread chooses the replicas of a partition: the brokers that serve, in
// turn, beginning at a place that the seed and the topic's name decide.
func (c *Cluster) spread(topic string, partition, replication int) []int32 {
	ids := c.upIDs()
	if replication <= 0 {
		replication = c.defaultReplication()
	}
	replication = min(replication, len(ids))
	start := c.Seed.Below(len(ids), "replicas", topic) + partition
	replicas := make([]int32, replication)
	for i := range replicas {
		replicas[i] = ids[(start+i)%len(ids)]
	}
	return replicas
}

// defaultReplication is default.replication.factor, at least 1.
func (c *Cluster) defaultReplication() int {
	return max(1, int(c.SettingInt("default.replication.factor")))
}

// DeleteTopics removes topics and all they hold.
func (c *Cluster) DeleteTopics(topics ...*Topic) {
	c.removeTopics(topics)
	for _, t := range topics {
		c.settings.Forget(setting.OfTopic(t.Name))
		for _, p := range t.Partitions {
			p.gone = true
			p.moving.Stop()
			p.changed()
		}
	}
}

// partitions yields every partition, by topic name and number.
func (c *Cluster) partitions() iter.Seq[*Partition] {
	return func(yield func(*Partition) bool) {
		for _, name := range c.names {
			for _, p := range c.topics[name].Partitions {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// numbers returns the numbers of a topic's partitions.
func (c *Cluster) numbers(topic string) []int32 {
	t, ok := c.topics[topic]
	if !ok {
		return nil
	}
	numbers := make([]int32, len(t.Partitions))
	for i := range numbers {
		numbers[i] = int32(i)
	}
	return numbers
}

// validTopicName reports whether Kafka takes the name: 1 to 249 letters,
// digits, dots, underscores and hyphens, and neither "." nor "..".
func validTopicName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 249 {
		return false
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// autoCreate makes a topic that a client asked for without creating it, if
// that is allowed.
func (c *Cluster) autoCreate(x *call.Call, name string) *kerr.Error {
	if !validTopicName(name) {
		return kerr.InvalidTopicException
	}
	if !c.mayCreate(x, name) {
		return kerr.TopicAuthorizationFailed
	}
	if isInternal(name) {
		c.ensureInternal(name)
	} else if _, err := c.CreateTopic(TopicSpec{Name: name}); err != nil {
		return err
	}
	if c.persona.before(2, 8) {
		return kerr.LeaderNotAvailable
	}
	return kerr.UnknownTopicOrPartition
}
