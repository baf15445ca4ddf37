// Control of the whole: topics, brokers, controller, coordinators, transactions.

package kafkatest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
)

// maxPartitions bounds how many partitions a test may give a topic.
const maxPartitions = 10_000

// A TopicConfig says how a topic is to be made.
type TopicConfig struct {
	// Name is the topic's. There is no default.
	Name string

	// Partitions is how many it has. If 0, num.partitions, which is 1.
	Partitions int

	// Replication is how many replicas each has. If 0, 3, or as many as there
	// are brokers.
	Replication int

	// Assignment are the replicas of each partition, the leader first, in place
	// of Partitions and Replication. If nil, the seed decides.
	Assignment [][]int32

	// Configs are the topic's configs, by Kafka's names. If nil, the brokers'.
	Configs map[string]string
}

// CreateTopic makes a topic. It fails with Kafka's error where a client that
// asks for it would be told one.
func (c *Cluster) CreateTopic(config TopicConfig) error {
	return c.do(func(s *state.Cluster) error {
		if err := c.checkTopic(s, config); err != nil {
			return err
		}
		spec := state.TopicSpec{
			Name: config.Name, Partitions: config.Partitions, Replication: config.Replication,
			Overrides: maps.Clone(config.Configs),
		}
		for _, replicas := range config.Assignment {
			spec.Assignment = append(spec.Assignment, slices.Clone(replicas))
		}
		if _, err := s.CreateTopic(spec); err != nil {
			return fmt.Errorf("kafkatest: topic %q: %w", config.Name, err)
		}
		return nil
	})
}

func (c *Cluster) checkTopic(s *state.Cluster, config TopicConfig) error {
	switch {
	case config.Partitions < 0 || config.Partitions > maxPartitions || len(config.Assignment) > maxPartitions:
		return fmt.Errorf("kafkatest: topic %q: %w", config.Name, kerr.InvalidPartitions)
	case config.Replication < 0 || config.Replication > len(s.Brokers()):
		return fmt.Errorf("kafkatest: topic %q: %w", config.Name, kerr.InvalidReplicationFactor)
	}
	for _, replicas := range config.Assignment {
		sorted := slices.Sorted(slices.Values(replicas))
		unknown := func(id int32) bool { _, ok := s.Broker(id); return !ok }
		if len(replicas) == 0 || len(slices.Compact(sorted)) < len(replicas) || slices.ContainsFunc(replicas, unknown) {
			return fmt.Errorf("kafkatest: topic %q: %w", config.Name, kerr.InvalidReplicaAssignment)
		}
	}
	return nil
}

// DeleteTopic deletes a topic and all it holds. It fails with
// UNKNOWN_TOPIC_OR_PARTITION if there is none.
func (c *Cluster) DeleteTopic(name string) error {
	return c.do(func(s *state.Cluster) error {
		t, ok := s.Topic(name)
		if !ok {
			return fmt.Errorf("kafkatest: topic %q: %w", name, kerr.UnknownTopicOrPartition)
		}
		s.DeleteTopics(t)
		return nil
	})
}

// Topics returns the topics with their numbers of partitions.
func (c *Cluster) Topics() map[string]int {
	topics := map[string]int{}
	c.enter(func(s *state.Cluster) {
		for _, name := range s.TopicNames() {
			t, _ := s.Topic(name)
			topics[name] = len(t.Partitions)
		}
	})
	return topics
}

// AddBroker adds a broker, whose id follows the highest. It leads and follows
// nothing until partitions are made or moved. rack may be "".
func (c *Cluster) AddBroker(rack string) (*Broker, error) {
	c.mu.Lock()
	last := c.brokers[len(c.brokers)-1]
	c.mu.Unlock()
	b := newBroker(c, last.id+1, last.index+1)
	b.rack = rack
	if c.state == nil {
		return nil, errStateless
	}
	defer b.turn()() // so that Close, which may find it at once, ends all of it
	if err := b.open(); err != nil {
		return nil, err
	}
	err := c.do(func(s *state.Cluster) error {
		if err := s.AddBroker(state.Member{ID: b.id, Rack: rack}); err != nil {
			return err
		}
		c.brokers = append(slices.Clone(c.brokers), b)
		return nil
	})
	if err != nil {
		b.shut(Close)
		return nil, err
	}
	b.serve()
	c.note(journal.Event{Kind: "kafka.start", Where: b.name})
	return b, nil
}

// Remove stops the broker for good: its connections are closed, and nobody is
// sent to it any more. Its replicas stay assigned to it, as in Kafka, until
// they are reassigned.
func (b *Broker) Remove() {
	c := b.cluster
	defer b.turn()()
	b.halt(Close, func(s *state.Cluster) {
		s.RemoveBroker(b.id)
		if len(c.brokers) > 1 {
			c.brokers = slices.DeleteFunc(slices.Clone(c.brokers), func(o *Broker) bool { return o == b })
		}
	})
	b.release()
}

// Controller returns the id of the controller, -1 if there is none.
func (c *Cluster) Controller() int32 {
	id := int32(-1)
	c.enter(func(s *state.Cluster) { id = s.Controller() })
	return id
}

// MoveController makes a broker that runs the controller. Of one that does not
// run it fails with BROKER_NOT_AVAILABLE.
func (c *Cluster) MoveController(broker int32) error {
	return c.do(func(s *state.Cluster) error { return s.MoveController(broker) })
}

// Coordinator returns the id of the broker that coordinates a group or a
// transactional id, -1 if none does.
func (c *Cluster) Coordinator(key string) int32 {
	id := int32(-1)
	c.enter(func(s *state.Cluster) { id = s.Coordinator(key) })
	return id
}

// MoveCoordinator makes a broker that runs the coordinator of a group or
// transactional id, and of those that share a partition of Kafka's internal
// topic with it. If the broker does not run it fails with BROKER_NOT_AVAILABLE.
func (c *Cluster) MoveCoordinator(key string, broker int32) error {
	return c.do(func(s *state.Cluster) error { return s.MoveCoordinator(key, broker) })
}

// LoadCoordinatorsFor sets for how long a coordinator that has moved answers
// COORDINATOR_LOAD_IN_PROGRESS; at first not at all.
func (c *Cluster) LoadCoordinatorsFor(d time.Duration) error {
	return c.do(func(s *state.Cluster) error { s.SetCoordinatorLoadTime(d); return nil })
}

// ReassignFor sets for how long the replicas that a reassignment adds take to
// hold everything; at first no time at all, so that none is ever seen under way.
func (c *Cluster) ReassignFor(d time.Duration) error {
	return c.do(func(s *state.Cluster) error { s.SetReassignmentTime(d); return nil })
}

// A Transaction is a transactional id at an instant.
type Transaction struct {
	ID         string
	State      string // as Kafka spells it, such as "Ongoing"
	ProducerID int64
	Epoch      int16
	Partitions map[string][]int32 // that it has touched and not completed
	Groups     []string
	Start      time.Time // of the latest; the zero time if there was none
	Timeout    time.Duration
}

// Transactions returns all transactional ids, by name.
func (c *Cluster) Transactions() (all []Transaction) {
	c.enter(func(s *state.Cluster) {
		for _, t := range s.Txns().All() {
			told := Transaction{
				ID: t.TxnID, State: string(t.State), ProducerID: t.ProducerID, Epoch: t.Epoch,
				Partitions: map[string][]int32{}, Groups: slices.Clone(t.Groups), Start: t.Start, Timeout: t.Timeout,
			}
			for _, p := range t.Partitions {
				told.Partitions[p.Topic] = append(told.Partitions[p.Topic], p.Index)
			}
			all = append(all, told)
		}
	})
	return all
}

// HoldCompletion keeps the transactions of a transactional id from completing
// once they are decided: no marker is written, and the producer is told
// CONCURRENT_TRANSACTIONS, until release is called.
func (c *Cluster) HoldCompletion(txnID string) (release func()) {
	undo := func() {}
	c.enter(func(s *state.Cluster) { undo = s.Txns().HoldCompletion(txnID) })
	return func() { c.enter(func(*state.Cluster) { undo() }) }
}
