// franz-go produces and consumes: acks, codecs, batches, offsets.

package kafka_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// newKgo is a client of some addresses, closed with the test.
func newKgo(t testing.TB, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append([]kgo.Opt{
		kgo.ClientID("franz-go"), kgo.SeedBrokers(addrs...), kgo.ProducerLinger(0), kgo.RetryTimeout(patience),
		kgo.FetchMaxWait(250 * time.Millisecond), kgo.MetadataMinAge(100 * time.Millisecond),
	}, opts...)
	client, err := kgo.NewClient(opts...)
	must(t, err)
	t.Cleanup(client.Close)
	return client
}

// produceKgo produces values one after the other, as fast as the client will.
func produceKgo(t testing.TB, client *kgo.Client, topic string, values []string) {
	t.Helper()
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(value), Value: []byte(value)})
	}
	must(t, client.ProduceSync(soon(t), records...).FirstErr())
}

// consumeKgo consumes n records.
func consumeKgo(t testing.TB, client *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx := soon(t)
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(records), n, err)
		}
		for _, e := range fetches.Errors() {
			t.Fatalf("after %d of %d records: %s %d: %v", len(records), n, e.Topic, e.Partition, e.Err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

// sameValues fails the test unless records hold exactly the values.
func sameValues(t testing.TB, records []*kgo.Record, values []string) {
	t.Helper()
	want := map[string]bool{}
	for _, v := range values {
		want[v] = true
	}
	for _, r := range records {
		if !want[string(r.Value)] {
			t.Errorf("%q came unexpectedly, or twice", r.Value)
		}
		delete(want, string(r.Value))
	}
	for v := range want {
		t.Errorf("%q is missing", v)
	}
}

func TestKgoProducesAndConsumesInEveryCodecAtEveryAck(t *testing.T) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acks := map[string][]kgo.Opt{
		"0":          {kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()},
		"1":          {kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()},
		"all":        {kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite()},
		"idempotent": {},
	}
	c := start(t, kafkatest.Config{Brokers: 3})
	for ack, opts := range acks {
		for name, codec := range codecs {
			t.Run("acks "+ack+" in "+name, func(t *testing.T) {
				t.Parallel()
				topic := "t-" + ack + "-" + name
				opts := append([]kgo.Opt{kgo.ProducerBatchCompression(codec), kgo.AllowAutoTopicCreation()}, opts...)
				values := texts(strings.Repeat(name, 20), 200)
				produceKgo(t, newKgo(t, c.Addrs(), opts...), topic, values)
				sameValues(t, consumeKgo(t, newKgo(t, c.Addrs(), kgo.ConsumeTopics(topic)), len(values)), values)
			})
		}
	}
}

func TestKgoReadsBackAllThatARecordHolds(t *testing.T) {
	c := start(t, three("t", 1))
	client := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"))
	when := time.UnixMilli(1_700_000_000_123)
	sent := &kgo.Record{
		Topic: "t", Key: []byte("k"), Value: nil, Timestamp: when,
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}},
	}
	must(t, client.ProduceSync(soon(t), sent).FirstErr())
	got := consumeKgo(t, client, 1)[0]
	equal(t, "key", string(got.Key), "k")
	equal(t, "no value", got.Value == nil, true)
	equal(t, "time", got.Timestamp.UnixMilli(), when.UnixMilli())
	equal(t, "headers", fmt.Sprint(got.Headers), fmt.Sprint(sent.Headers))
	equal(t, "offset", got.Offset, 0)
}

func TestKgoConsumesFromWhereItIsTold(t *testing.T) {
	c := start(t, three("t", 1))
	values := texts("v", 10)
	producer := newKgo(t, c.Addrs())
	for i, v := range values {
		r := &kgo.Record{Topic: "t", Value: []byte(v), Timestamp: time.UnixMilli(1000 * int64(i+1))}
		must(t, producer.ProduceSync(soon(t), r).FirstErr())
	}
	for _, row := range []struct {
		name  string
		from  kgo.Offset
		first string
	}{
		{"start", kgo.NewOffset().AtStart(), values[0]},
		{"offset", kgo.NewOffset().At(4), values[4]},
		{"before the end", kgo.NewOffset().AtEnd().Relative(-2), values[8]},
		{"time", kgo.NewOffset().AfterMilli(6500), values[6]},
		{"far beyond, reset to start", kgo.NewOffset().At(1000), values[9]},
	} {
		t.Run(row.name, func(t *testing.T) {
			part := map[string]map[int32]kgo.Offset{"t": {0: row.from}}
			reset := kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd().Relative(-1))
			client := newKgo(t, c.Addrs(), kgo.ConsumePartitions(part), reset)
			equal(t, "first", string(consumeKgo(t, client, 1)[0].Value), row.first)
		})
	}
}

func TestKgoKeepsTheOrderOfAPartitionWithoutGaps(t *testing.T) {
	c := start(t, three("t", 3))
	values := texts("v", 3000)
	produceKgo(t, newKgo(t, c.Addrs(), kgo.MaxBufferedRecords(5000)), "t", values)
	next := map[int32]int64{}
	for _, r := range consumeKgo(t, newKgo(t, c.Addrs(), kgo.ConsumeTopics("t")), len(values)) {
		equal(t, fmt.Sprintf("offset in partition %d", r.Partition), r.Offset, next[r.Partition])
		next[r.Partition]++
	}
}

func TestKgoIsRefusedARecordThatIsTooLarge(t *testing.T) {
	c := start(t, kafkatest.Config{
		Topics: map[string]int{"t": 1}, Settings: map[string]string{"message.max.bytes": "1000"},
	})
	client := newKgo(t, c.Addrs(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	err := client.ProduceSync(soon(t), &kgo.Record{Topic: "t", Value: make([]byte, 2000)}).FirstErr()
	if err == nil || !strings.Contains(err.Error(), "MESSAGE_TOO_LARGE") {
		t.Errorf("got %v", err)
	}
}

func TestKgoWaitsForRecordsThatAreYetToCome(t *testing.T) {
	c := start(t, three("t", 1))
	client := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"), kgo.FetchMaxWait(30*time.Second))
	got := make(chan string, 1)
	ctx := soon(t)
	go func() {
		for range 10 {
			if records := client.PollFetches(ctx).Records(); len(records) > 0 {
				got <- string(records[0].Value)
				return
			}
		}
	}()
	must(t, client.Ping(ctx))
	produceKgo(t, newKgo(t, c.Addrs()), "t", []string{"late"})
	select {
	case v := <-got:
		equal(t, "value", v, "late")
	case <-ctx.Done():
		t.Error("nothing came")
	}
}

func TestKgoSpeaksEveryPersona(t *testing.T) {
	for _, version := range []string{"0.11", "1.0", "1.1", "2.0", "2.4", "2.8", "3.0", "3.9", "4.0", "4.1", ""} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			c := start(t, kafkatest.Config{Version: version, Topics: map[string]int{"t": 2}})
			client := newKgo(t, c.Addrs(), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"))
			values := texts("v", 20)
			produceKgo(t, client, "t", values)
			sameValues(t, consumeKgo(t, client, len(values)), values)
			must(t, client.CommitUncommittedOffsets(soon(t)))
		})
	}
}
