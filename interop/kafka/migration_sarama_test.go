// The test that docs/from-sarama-mockbroker.md moves from MockBroker.

package kafka_test

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/rehearse-go/rehearse/kafkatest"
)

func TestAGroupTriesAgainWhileItsCoordinatorLoads(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"my-topic": 1}})
	_, err := c.Partition("my-topic", 0).Append(
		kafkatest.Record{Value: []byte("foo")}, kafkatest.Record{Value: []byte("bar")})
	must(t, err)
	c.Fail(kmsg.JoinGroup, kafkatest.OfGroup("my-group").First(), kerr.CoordinatorLoadInProgress)
	c.Fail(kmsg.SyncGroup, kafkatest.OfGroup("my-group").First(), kerr.CoordinatorLoadInProgress)

	config := sarama.NewConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Rebalance.Retry.Max = 2
	config.Consumer.Group.Rebalance.Retry.Backoff = 0
	group, err := sarama.NewConsumerGroup(c.Addrs(), "my-group", config)
	must(t, err)
	values, ended := make(valuesOf), make(chan error)
	go func() { ended <- group.Consume(t.Context(), []string{"my-topic"}, values) }()
	equal(t, "the first value", <-values, "foo")
	equal(t, "the second", <-values, "bar")
	must(t, group.Close())
	must(t, <-ended)
	for _, s := range c.RuleStats() {
		equal(t, s.Name, s.Fired, 1)
	}
}

// valuesOf receives the value of each record that a group is given.
type valuesOf chan string

func (v valuesOf) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (v valuesOf) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (v valuesOf) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		v <- string(m.Value)
	}
	return nil
}
