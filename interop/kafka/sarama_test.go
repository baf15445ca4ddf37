// Sarama produces and consumes, as every version of Kafka it knows.

package kafka_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// saramaEras are versions of Kafka whose clients differ most: in message format,
// in where offsets are kept, in what is served at all.
var saramaEras = []sarama.KafkaVersion{sarama.V0_8_2_0, sarama.V0_10_2_0, sarama.V2_1_0_0, sarama.MaxVersion}

// saramaConfig is sarama's configuration as a version of Kafka would have it.
func saramaConfig(version sarama.KafkaVersion) *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "sarama"
	config.Version = version
	config.ApiVersionsRequest = version.IsAtLeast(sarama.V0_10_0_0)
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = 50 * time.Millisecond
	config.Metadata.Retry.Backoff = 20 * time.Millisecond
	return config
}

func newSarama(t testing.TB, addrs []string, config *sarama.Config) sarama.Client {
	t.Helper()
	client, err := sarama.NewClient(addrs, config)
	must(t, err)
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, sarama.ErrClosedClient) {
			t.Error(err)
		}
	})
	return client
}

// produceSarama produces values in one go.
func produceSarama(t testing.TB, client sarama.Client, topic string, values []string) {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(client)
	must(t, err)
	var messages []*sarama.ProducerMessage
	for _, v := range values {
		m := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(v), Value: sarama.StringEncoder(v)}
		messages = append(messages, m)
	}
	must(t, producer.SendMessages(messages))
	must(t, producer.Close())
}

// consumeSarama consumes n messages of all partitions of a topic.
func consumeSarama(t testing.TB, client sarama.Client, topic string, n int) (values []string) {
	t.Helper()
	consumer, err := sarama.NewConsumerFromClient(client)
	must(t, err)
	numbers, err := consumer.Partitions(topic)
	must(t, err)
	messages := make(chan *sarama.ConsumerMessage)
	var parts []sarama.PartitionConsumer
	for _, p := range numbers {
		part, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
		must(t, err)
		parts = append(parts, part)
		go func() {
			for m := range part.Messages() {
				messages <- m
			}
		}()
	}
	ctx := soon(t)
	for len(values) < n {
		select {
		case m := <-messages:
			values = append(values, string(m.Value))
		case <-ctx.Done():
			t.Fatalf("%d of %d messages came", len(values), n)
		}
	}
	for _, part := range parts {
		must(t, part.Close())
	}
	must(t, consumer.Close())
	return values
}

// sameStrings fails the test unless both hold the same values in any order.
func sameStrings(t testing.TB, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("got %d values, want %d\n%.300q\n%.300q", len(got), len(want), got, want)
	}
}

func TestSaramaProducesAndConsumesAsEveryVersion(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	versions := sarama.SupportedVersions
	if testing.Short() {
		versions = nil
		for _, v := range sarama.SupportedVersions {
			if strings.HasSuffix(v.String(), ".0") {
				versions = append(versions, v)
			}
		}
	}
	for _, version := range versions {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			values, topic := texts("v", 50), "t-"+version.String()
			client := newSarama(t, c.Addrs(), saramaConfig(version))
			produceSarama(t, client, topic, values)
			sameStrings(t, consumeSarama(t, client, topic, len(values)), values)
		})
	}
}

func TestSaramaProducesInEveryCodecAndMessageFormat(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4,
		sarama.CompressionZSTD,
	}
	for _, version := range saramaEras {
		for _, codec := range codecs {
			if codec == sarama.CompressionZSTD && !version.IsAtLeast(sarama.V2_1_0_0) ||
				codec == sarama.CompressionLZ4 && !version.IsAtLeast(sarama.V0_10_0_0) {
				continue
			}
			t.Run(fmt.Sprint(version, " ", codec), func(t *testing.T) {
				t.Parallel()
				config := saramaConfig(version)
				config.Producer.Compression = codec
				topic := fmt.Sprint("t-", version, "-", codec)
				values := texts(strings.Repeat(codec.String(), 20), 200)
				client := newSarama(t, c.Addrs(), config)
				produceSarama(t, client, topic, values)
				sameStrings(t, consumeSarama(t, client, topic, len(values)), values)
				// Who came with another format reads the same.
				for _, reader := range []sarama.KafkaVersion{sarama.V0_9_0_0, sarama.V0_10_2_0, sarama.MaxVersion} {
					// In message format 0, LZ4 frames have a checksum that only old clients take.
					if codec == sarama.CompressionZSTD && !reader.IsAtLeast(sarama.V2_1_0_0) ||
						codec == sarama.CompressionLZ4 && !reader.IsAtLeast(sarama.V0_10_0_0) {
						continue
					}
					got := consumeSarama(t, newSarama(t, c.Addrs(), saramaConfig(reader)), topic, len(values))
					sameStrings(t, got, values)
				}
			})
		}
	}
}

func TestSaramaProducesAtEveryAckAndIdempotently(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	for _, acks := range []sarama.RequiredAcks{sarama.NoResponse, sarama.WaitForLocal, sarama.WaitForAll} {
		t.Run(fmt.Sprint("acks ", acks), func(t *testing.T) {
			config := saramaConfig(sarama.MaxVersion)
			config.Producer.RequiredAcks = acks
			values, topic := texts("v", 100), fmt.Sprint("acks-", acks)
			client := newSarama(t, c.Addrs(), config)
			produceSarama(t, client, topic, values)
			sameStrings(t, consumeSarama(t, client, topic, len(values)), values)
		})
	}
	t.Run("idempotent", func(t *testing.T) {
		config := saramaConfig(sarama.MaxVersion)
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
		values := texts("v", 100)
		client := newSarama(t, c.Addrs(), config)
		produceSarama(t, client, "idempotent", values)
		sameStrings(t, consumeSarama(t, client, "idempotent", len(values)), values)
	})
}

func TestSaramaComesInByEveryListener(t *testing.T) {
	p := newPKI(t)
	c := guarded(t, p, kafkatest.Config{Brokers: 3, Topics: map[string]int{"t": 3}})
	rows := map[string]func(*sarama.Config){
		"SSL":  func(config *sarama.Config) { config.Net.TLS.Config = &tls.Config{RootCAs: p.pool} },
		"MTLS": func(config *sarama.Config) { config.Net.TLS.Config = p.clientTLS() },
		"SASL_PLAINTEXT": func(config *sarama.Config) {
			config.Net.SASL.Enable, config.Net.SASL.Mechanism = true, sarama.SASLTypePlaintext
		},
		"SASL_SSL": func(config *sarama.Config) {
			config.Net.TLS.Config = &tls.Config{RootCAs: p.pool}
			config.Net.SASL.Enable, config.Net.SASL.Mechanism = true, sarama.SASLTypePlaintext
		},
	}
	for listener, set := range rows {
		for _, handshake := range []int16{sarama.SASLHandshakeV0, sarama.SASLHandshakeV1} {
			t.Run(fmt.Sprint(listener, " handshake v", handshake), func(t *testing.T) {
				config := saramaConfig(sarama.MaxVersion)
				set(config)
				config.Net.TLS.Enable = config.Net.TLS.Config != nil
				config.Net.SASL.User, config.Net.SASL.Password = "alice", "secret"
				config.Net.SASL.Version = handshake
				config.ApiVersionsRequest = handshake != sarama.SASLHandshakeV0
				produceSarama(t, newSarama(t, ways(c, listener), config), "t", texts(listener, 5))
			})
		}
	}
}

func TestSaramaIsRefusedWithAWrongPassword(t *testing.T) {
	c := guarded(t, newPKI(t), kafkatest.Config{})
	for _, handshake := range []int16{sarama.SASLHandshakeV0, sarama.SASLHandshakeV1} {
		config := saramaConfig(sarama.MaxVersion)
		config.Metadata.Retry.Max = 0
		config.Net.SASL.Enable, config.Net.SASL.Mechanism = true, sarama.SASLTypePlaintext
		config.Net.SASL.User, config.Net.SASL.Password = "alice", "wrong"
		config.Net.SASL.Version = handshake
		config.ApiVersionsRequest = handshake != sarama.SASLHandshakeV0
		if _, err := sarama.NewClient(ways(c, "SASL_PLAINTEXT"), config); err == nil {
			t.Errorf("handshake v%d: let in", handshake)
		}
	}
}
