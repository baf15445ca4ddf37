// What the hunts have in common: a cluster, its clients, its tricks.

package kafka_test

import (
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/hunts/kafka"
	"github.com/rehearse-go/rehearse/kafkatest"
)

type cluster = clustertest.Cluster[*kafka.Broker]

// inBubble runs body on three brokers, in virtual time.
func inBubble(t *testing.T, config kafkatest.Config, body func(*cluster, *kafkatest.Cluster)) {
	t.Helper()
	site := &kafka.Site{Config: config}
	clustertest.Run(t, clustertest.Config{Mode: clustertest.Bubble}, site.Build, func(t *testing.T, c *cluster) {
		t.Cleanup(func() { site.Kafka.Close() })
		body(c, site.Kafka)
	})
}

// sweep runs body on three brokers, in virtual time, for ten seeds.
func sweep(t *testing.T, config kafkatest.Config, body func(*cluster, *kafkatest.Cluster)) {
	t.Helper()
	site := &kafka.Site{Config: config}
	seeds := clustertest.SweepConfig{Seeds: 10, Config: clustertest.Config{Mode: clustertest.Bubble}}
	clustertest.Sweep(t, seeds, site.Build, func(t *testing.T, c *cluster) {
		t.Cleanup(func() { site.Kafka.Close() })
		body(c, site.Kafka)
	})
}

// newKgo is a client of franz-go on a host.
func newKgo(c *cluster, host string, opts ...kgo.Opt) *kgo.Client {
	c.T.Helper()
	client, err := kgo.NewClient(append(kgoOpts(c, host), opts...)...)
	must(c, err)
	return client
}

func kgoOpts(c *cluster, host string) []kgo.Opt {
	return []kgo.Opt{
		kgo.ClientID(host), kgo.SeedBrokers(kafka.Seeds...), kgo.Dialer(c.Host(host).Dial),
		kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
}

// newReader is a reader of kafka-go on a host, closed with the test.
func newReader(c *cluster, host string, config kafkago.ReaderConfig) *kafkago.Reader {
	config.Brokers, config.Topic, config.MaxWait = kafka.Seeds, "in", time.Second
	config.Dialer = &kafkago.Dialer{ClientID: host, DialFunc: c.Host(host).Dial, Timeout: 10 * time.Second}
	r := kafkago.NewReader(config)
	c.T.Cleanup(func() {
		began := time.Now()
		must(c, r.Close())
		if took := time.Since(began); took > time.Minute {
			c.T.Errorf("%s took %v to close", host, took)
		}
	})
	return r
}

// conjure applies a third of the rules, drawn from the seed, until they are
// removed.
func conjure(c *cluster, k *kafkatest.Cluster, rules ...string) (remove func()) {
	c.T.Helper()
	var all []func()
	for _, text := range rules {
		if c.Rand(text).IntN(3) == 0 {
			all = append(all, apply(c, k, text))
			c.T.Log(text)
		}
	}
	return func() {
		for _, remove := range all {
			remove()
		}
	}
}

func apply(c *cluster, k *kafkatest.Cluster, text string) (remove func()) {
	c.T.Helper()
	r, err := kafkatest.ParseRule(text)
	must(c, err)
	return k.Apply(r)
}

// put appends values to a partition without any client.
func put(c *cluster, k *kafkatest.Cluster, part int32, values ...string) {
	c.T.Helper()
	for _, value := range values {
		_, err := k.Partition("in", part).Append(kafkatest.Record{Value: []byte(value)})
		must(c, err)
	}
}

func must(c *cluster, err error) {
	c.T.Helper()
	if err != nil {
		c.T.Fatal(err)
	}
}

func over(s *clustertest.Storm) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}
