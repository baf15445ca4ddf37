// Brokers that stop, are killed and come back, under load.

package kafka_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// hurried is a cluster of three that notices soon that a broker is gone.
func hurried() kafkatest.Config {
	config := three("t", 6)
	config.Settings = map[string]string{"broker.session.timeout.ms": "300", "replica.lag.time.max.ms": "300"}
	return config
}

// upsets is what befalls the brokers one after the other.
var upsets = map[string]func(*kafkatest.Broker){
	"stopped": (*kafkatest.Broker).Stop,
	"killed":  (*kafkatest.Broker).Kill,
}

// roll upsets one broker after the other, each after a hundred of n records
// and all of them back a hundred later.
func roll(t testing.TB, c *kafkatest.Cluster, upset func(*kafkatest.Broker), produce func(values []string)) []string {
	var all []string
	for i, b := range c.Brokers() {
		for _, what := range []func(){func() { upset(b) }, func() { must(t, b.Restart()) }} {
			what()
			values := texts(fmt.Sprint("round ", i, " ", len(all)), 100)
			produce(values)
			all = append(all, values...)
		}
	}
	return all
}

func TestKgoLosesAndDoublesNothingWhileBrokersFallAndRise(t *testing.T) {
	for name, upset := range upsets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, hurried())
			quick := []kgo.Opt{
				kgo.MetadataMinAge(50 * time.Millisecond),
				kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
				kgo.AlwaysRetryEOF(),
			}
			reader := newKgo(t, c.Addrs(), append(quick, kgo.ConsumeTopics("t"))...)
			producer := newKgo(t, c.Addrs(), quick...)
			all := roll(t, c, upset, func(values []string) { produceKgo(t, producer, "t", values) })
			sameValues(t, consumePatiently(t, reader, len(all)), all)
		})
	}
}

// consumePatiently is consumeKgo where errors on the way are to be expected.
func consumePatiently(t testing.TB, client *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx := soon(t)
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records came; last errors: %v", len(records), n, fetches.Errors())
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func TestKgosGroupOutlivesItsCoordinator(t *testing.T) {
	c := start(t, hurried())
	values := texts("v", 400)
	crew := newCrew(t, c.Addrs(), newTally(len(values)), kgo.AlwaysRetryEOF(), kgo.MetadataMinAge(50*time.Millisecond))
	crew.join()
	crew.join()
	crew.spread(3, 3)
	producer := newKgo(t, c.Addrs(), kgo.AlwaysRetryEOF(), kgo.MetadataMinAge(50*time.Millisecond))
	produceKgo(t, producer, "t", values[:200])
	found := newKadm(t, c.Addrs()).FindGroupCoordinators(soon(t), "g")
	must(t, found["g"].Err)
	coordinator := c.Broker(found["g"].NodeID)
	coordinator.Stop()
	produceKgo(t, producer, "t", values[200:300])
	must(t, coordinator.Restart())
	produceKgo(t, producer, "t", values[300:])
	crew.got.await(t, 5)
}

func TestSaramaLosesNothingWhileBrokersFallAndRise(t *testing.T) {
	for name, upset := range upsets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, hurried())
			config := saramaConfig(sarama.MaxVersion)
			config.Producer.Idempotent = true
			config.Net.MaxOpenRequests = 1
			config.Producer.Retry.Max, config.Producer.Retry.Backoff = 200, 20*time.Millisecond
			config.Metadata.Retry.Max = 50
			client := newSarama(t, c.Addrs(), config)
			all := roll(t, c, upset, func(values []string) { produceSarama(t, client, "t", values) })
			sameStrings(t, consumeSarama(t, newSarama(t, c.Addrs(), config), "t", len(all)), all)
		})
	}
}

func TestKafkaGoLosesNothingWhileBrokersFallAndRise(t *testing.T) {
	for name, upset := range upsets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, hurried())
			w := newWriter(t, c.Addrs(), "t")
			w.MaxAttempts, w.WriteBackoffMax = 200, 50*time.Millisecond
			w.Transport.(*kafka.Transport).MetadataTTL = 100 * time.Millisecond
			all := roll(t, c, upset, func(values []string) { must(t, w.WriteMessages(soon(t), messages(values)...)) })
			got := newTally(len(all))
			for _, r := range consumePatiently(t, newKgo(t, c.Addrs(), kgo.ConsumeTopics("t")), len(all)) {
				got.add(string(r.Value))
			}
			got.await(t, 5) // kafka-go is not idempotent
		})
	}
}
