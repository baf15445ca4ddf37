// kafka-go: writers, readers, groups and its client of single requests.

package kafka_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// newWriter is a writer that writes at once, closed with the test.
func newWriter(t testing.TB, addrs []string, topic string) *kafka.Writer {
	transport := &kafka.Transport{ClientID: "kafka-go"}
	w := &kafka.Writer{
		Addr: kafka.TCP(addrs...), Topic: topic, RequiredAcks: kafka.RequireAll, Transport: transport,
		AllowAutoTopicCreation: true, BatchTimeout: time.Millisecond, WriteBackoffMin: 10 * time.Millisecond,
	}
	t.Cleanup(func() {
		must(t, w.Close())
		transport.CloseIdleConnections()
	})
	return w
}

func messages(values []string) (all []kafka.Message) {
	for _, v := range values {
		all = append(all, kafka.Message{Key: []byte(v), Value: []byte(v)})
	}
	return all
}

// newReader is a reader of some partition or group, closed with the test.
func newReader(t testing.TB, addrs []string, config kafka.ReaderConfig) *kafka.Reader {
	config.Brokers, config.MaxWait = addrs, 100*time.Millisecond
	config.Dialer = &kafka.Dialer{ClientID: "kafka-go", Timeout: 5 * time.Second, DualStack: true}
	config.HeartbeatInterval, config.ReadBackoffMin = 50*time.Millisecond, 10*time.Millisecond
	config.JoinGroupBackoff = 50 * time.Millisecond
	r := kafka.NewReader(config)
	t.Cleanup(func() { r.Close() })
	return r
}

func TestKafkaGoWritesAndReadsInEveryCodecAtEveryAck(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	for _, acks := range []kafka.RequiredAcks{kafka.RequireNone, kafka.RequireOne, kafka.RequireAll} {
		for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
			t.Run(fmt.Sprint("acks ", acks, " codec ", codec), func(t *testing.T) {
				t.Parallel()
				topic := fmt.Sprint("t-", acks, "-", int(codec))
				admin := &kafka.Client{Addr: kafka.TCP(c.Addrs()...), Transport: &kafka.Transport{ClientID: "kafka-go"}}
				made, err := admin.CreateTopics(soon(t), &kafka.CreateTopicsRequest{
					Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 3}},
				})
				must(t, errors.Join(err, made.Errors[topic]))
				w := newWriter(t, c.Addrs(), topic)
				w.RequiredAcks, w.Compression = acks, codec
				values := texts("v", 100)
				must(t, w.WriteMessages(soon(t), messages(values)...))
				r := newReader(t, c.Addrs(), kafka.ReaderConfig{Topic: topic})
				for i, v := range values {
					m, err := r.ReadMessage(soon(t))
					must(t, err)
					equal(t, "value", string(m.Value), v)
					equal(t, "offset", m.Offset, int64(i))
				}
			})
		}
	}
}

func TestKafkaGoGroupsRebalance(t *testing.T) {
	for name, balancer := range map[string]kafka.GroupBalancer{
		"range": kafka.RangeGroupBalancer{}, "round robin": kafka.RoundRobinGroupBalancer{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, three("t", 6))
			values := texts("v", 300)
			got := newTally(len(values))
			config := kafka.ReaderConfig{GroupID: "g", Topic: "t", GroupBalancers: []kafka.GroupBalancer{balancer}}
			config.StartOffset = kafka.FirstOffset
			var reading sync.WaitGroup
			join := func() *kafka.Reader {
				r := newReader(t, c.Addrs(), config)
				reading.Go(func() {
					for {
						m, err := r.ReadMessage(t.Context())
						if err != nil {
							return
						}
						got.add(string(m.Value))
					}
				})
				return r
			}
			w := newWriter(t, c.Addrs(), "t")
			join()
			must(t, w.WriteMessages(soon(t), messages(values[:100])...))
			second := join()
			must(t, w.WriteMessages(soon(t), messages(values[100:200])...))
			must(t, second.Close())
			must(t, w.WriteMessages(soon(t), messages(values[200:])...))
			got.await(t, 3)
		})
	}
}

func TestKafkaGoCommitsByHand(t *testing.T) {
	c := start(t, three("t", 1))
	values := texts("v", 10)
	must(t, newWriter(t, c.Addrs(), "t").WriteMessages(soon(t), messages(values)...))
	config := kafka.ReaderConfig{GroupID: "g", Topic: "t", StartOffset: kafka.FirstOffset}
	first := newReader(t, c.Addrs(), config)
	for i := range 4 {
		m, err := first.FetchMessage(soon(t))
		must(t, err)
		equal(t, "value", string(m.Value), values[i])
		must(t, first.CommitMessages(soon(t), m))
	}
	must(t, first.Close())
	m, err := newReader(t, c.Addrs(), config).FetchMessage(soon(t))
	must(t, err)
	equal(t, "value", string(m.Value), values[4])
}

func TestKafkaGoComesInByEveryListener(t *testing.T) {
	p := newPKI(t)
	c := guarded(t, p, kafkatest.Config{Brokers: 3, Topics: map[string]int{"t": 3}})
	sha256, err := scram.Mechanism(scram.SHA256, "alice", "secret")
	must(t, err)
	sha512, err := scram.Mechanism(scram.SHA512, "alice", "secret")
	must(t, err)
	trusting := &tls.Config{RootCAs: p.pool, ServerName: "localhost"}
	for _, row := range []struct {
		listener string
		sasl     sasl.Mechanism
		tls      *tls.Config
	}{
		{"PLAINTEXT", nil, nil}, {"SSL", nil, trusting}, {"MTLS", nil, p.clientTLS()},
		{"SASL_PLAINTEXT", plain.Mechanism{Username: "alice", Password: "secret"}, nil},
		{"SASL_PLAINTEXT", sha256, nil}, {"SASL_PLAINTEXT", sha512, nil}, {"SASL_SSL", sha512, trusting},
	} {
		t.Run(row.listener, func(t *testing.T) {
			transport := &kafka.Transport{ClientID: "kafka-go", SASL: row.sasl, TLS: row.tls}
			defer transport.CloseIdleConnections()
			w := newWriter(t, ways(c, row.listener), "t")
			w.Transport = transport
			must(t, w.WriteMessages(soon(t), messages([]string{"v"})...))
			dialer := &kafka.Dialer{ClientID: "kafka-go", SASLMechanism: row.sasl, TLS: row.tls}
			conn, err := dialer.DialLeader(soon(t), "tcp", ways(c, row.listener)[0], "t", 0)
			must(t, err)
			must(t, conn.Close())
		})
	}
}

func TestKafkaGoIsRefusedWithAWrongPassword(t *testing.T) {
	c := guarded(t, newPKI(t), kafkatest.Config{})
	sha256, err := scram.Mechanism(scram.SHA256, "alice", "wrong")
	must(t, err)
	for _, m := range []sasl.Mechanism{plain.Mechanism{Username: "alice", Password: "wrong"}, sha256} {
		_, err := (&kafka.Dialer{SASLMechanism: m}).DialContext(soon(t), "tcp", ways(c, "SASL_PLAINTEXT")[0])
		fails(t, m.Name(), err, kafka.SASLAuthenticationFailed)
	}
}

// A conn is kafka-go's oldest way in, with versions of its own.
func TestKafkaGoSpeaksOverASingleConnection(t *testing.T) {
	c := start(t, three("t", 1))
	conn, err := (&kafka.Dialer{ClientID: "kafka-go"}).DialLeader(soon(t), "tcp", c.Addrs()[0], "t", 0)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	values := texts("v", 10)
	_, err = conn.WriteMessages(messages(values)...)
	must(t, err)
	_, err = conn.WriteCompressedMessages(kafka.Snappy.Codec(), messages(values)...)
	must(t, err)
	first, last, err := conn.ReadOffsets()
	must(t, err)
	equal(t, "first", first, 0)
	equal(t, "last", last, 20)
	_, err = conn.Seek(5, kafka.SeekAbsolute)
	must(t, err)
	batch := conn.ReadBatch(1, 1<<20)
	for i := 5; i < 20; i++ {
		m, err := batch.ReadMessage()
		if err == io.EOF || errors.Is(err, io.ErrShortBuffer) {
			break
		}
		must(t, err)
		equal(t, "value", string(m.Value), values[i%10])
	}
	must(t, batch.Close())
	parts, err := conn.ReadPartitions("t")
	must(t, err)
	equal(t, "partitions", len(parts), 1)
	controller, err := conn.Controller()
	must(t, err)
	equal(t, "controller's host", controller.Host, "127.0.0.1")
}

func TestKafkaGosClientOfSingleRequests(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3, SuperUsers: []string{"User:ANONYMOUS"}, Topics: map[string]int{"t": 1}})
	transport := &kafka.Transport{ClientID: "kafka-go"}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(c.Addrs()...), Transport: transport, Timeout: patience}
	for name, ask := range kafkaGoRequests(client) {
		t.Run(name, func(t *testing.T) { must(t, ask(soon(t))) })
	}
	t.Run("transaction", func(t *testing.T) { transactKafkaGo(t, client) })
	_, port, err := net.SplitHostPort(c.Addrs()[0])
	must(t, err)
	if port == "0" {
		t.Error("a broker has no port")
	}
}

// kafkaGoRequests are requests of every kind that needs no others before it.
func kafkaGoRequests(client *kafka.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"versions": func(ctx context.Context) error {
			r, err := client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
			return errors.Join(err, r.Error)
		},
		"metadata": func(ctx context.Context) error {
			r, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{"t"}})
			return errors.Join(err, r.Topics[0].Error)
		},
		"describe configs": func(ctx context.Context) error {
			r, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
				Resources: []kafka.DescribeConfigRequestResource{
					{ResourceType: kafka.ResourceTypeTopic, ResourceName: "t"},
				},
			})
			return errors.Join(err, r.Resources[0].Error)
		},
		"list groups": func(ctx context.Context) error {
			r, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
			return errors.Join(err, r.Error)
		},
		"elect leaders": func(ctx context.Context) error {
			r, err := client.ElectLeaders(ctx, &kafka.ElectLeadersRequest{Topic: "t", Partitions: []int{0}})
			return errors.Join(err, r.Error)
		},
		"describe users": func(ctx context.Context) error {
			r, err := client.DescribeUserScramCredentials(ctx, &kafka.DescribeUserScramCredentialsRequest{})
			return errors.Join(err, r.Error)
		},
		"describe ACLs": func(ctx context.Context) error {
			r, err := client.DescribeACLs(ctx, &kafka.DescribeACLsRequest{Filter: kafka.ACLFilter{
				ResourceTypeFilter: kafka.ResourceTypeAny, ResourcePatternTypeFilter: kafka.PatternTypeAny,
				Operation: kafka.ACLOperationTypeAny, PermissionType: kafka.ACLPermissionTypeAny,
			}})
			return errors.Join(err, r.Error)
		},
		"list offsets": func(ctx context.Context) error {
			r, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
				Topics: map[string][]kafka.OffsetRequest{"t": {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}},
			})
			return errors.Join(err, r.Topics["t"][0].Error)
		},
	}
}

func transactKafkaGo(t *testing.T, client *kafka.Client) {
	ctx := soon(t)
	begun, err := client.InitProducerID(ctx, &kafka.InitProducerIDRequest{
		TransactionalID: "tx", TransactionTimeoutMs: 30_000,
	})
	must(t, errors.Join(err, begun.Error))
	p := begun.Producer
	added, err := client.AddPartitionsToTxn(ctx, &kafka.AddPartitionsToTxnRequest{
		TransactionalID: "tx", ProducerID: p.ProducerID, ProducerEpoch: p.ProducerEpoch,
		Topics: map[string][]kafka.AddPartitionToTxn{"t": {{Partition: 0}}},
	})
	must(t, errors.Join(err, added.Topics["t"][0].Error))
	grouped, err := client.AddOffsetsToTxn(ctx, &kafka.AddOffsetsToTxnRequest{
		TransactionalID: "tx", ProducerID: p.ProducerID, ProducerEpoch: p.ProducerEpoch, GroupID: "g",
	})
	must(t, errors.Join(err, grouped.Error))
	committed, err := client.TxnOffsetCommit(ctx, &kafka.TxnOffsetCommitRequest{
		TransactionalID: "tx", ProducerID: p.ProducerID, ProducerEpoch: p.ProducerEpoch, GroupID: "g",
		GenerationID: -1, Topics: map[string][]kafka.TxnOffsetCommit{"t": {{Partition: 0, Offset: 9}}},
	})
	must(t, errors.Join(err, committed.Topics["t"][0].Error))
	ended, err := client.EndTxn(ctx, &kafka.EndTxnRequest{
		TransactionalID: "tx", ProducerID: p.ProducerID, ProducerEpoch: p.ProducerEpoch, Committed: true,
	})
	must(t, errors.Join(err, ended.Error))
	fetched, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: "g", Topics: map[string][]int{"t": {0}}})
	must(t, errors.Join(err, fetched.Error))
	equal(t, "offset", fetched.Topics["t"][0].CommittedOffset, 9)
}
