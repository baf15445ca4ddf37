// The test that the README shows, and the application that it tests.

package kafka_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestOrdersAreSentAgain(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Brokers: 3, Topics: map[string]int{"orders": 6}})
	c.Fail(kmsg.Produce, kafkatest.Topic("orders").First(), kerr.NotLeaderForPartition)
	go c.Broker(1).Stop() // what it led is led by others now

	app := newApp(t, c.Addrs()) // any client
	app.Send("orders", "book")
	if err := c.Group("billing").AwaitLagZero(t.Context()); err != nil {
		t.Error(err)
	}
	for _, s := range c.RuleStats() {
		equal(t, s.Name, s.Fired, 1)
	}
}

// An ordering sends orders, and bills what it reads of them.
type ordering struct {
	t      *testing.T
	client *kgo.Client
}

func newApp(t *testing.T, addrs []string) ordering {
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.MetadataMinAge(50*time.Millisecond),
		kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("billing"), kgo.AutoCommitInterval(100*time.Millisecond))
	must(t, err)
	t.Cleanup(client.Close)
	go func() {
		for !client.PollFetches(t.Context()).IsClientClosed() && t.Context().Err() == nil {
		}
	}()
	return ordering{t, client}
}

func (o ordering) Send(topic, value string) {
	must(o.t, o.client.ProduceSync(o.t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
}

func TestTheReadmeShowsATestThatRuns(t *testing.T) {
	code := strings.ReplaceAll(text(t, "readme_test.go"), "newApp(t, ", "newApp(")
	shown := slices.ContainsFunc(snippets(text(t, "../../README.md")), func(s string) bool {
		return strings.Contains(s, "kafkatest.Start") && strings.Contains(code, strings.TrimSuffix(s, "}\n"))
	})
	if !shown {
		t.Error("the README's test of Kafka is not the one that runs")
	}
}
