// Memory of requests that is read into again, and who is safe from it.

package kafkatest_test

import (
	"bytes"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// large is a value whose request is worth reading into again.
func large(fill byte) []byte { return bytes.Repeat([]byte{fill}, 200<<10) }

// appendOne appends one record to a partition of topic "t".
func appendOne(c *client, value []byte) {
	c.tb.Helper()
	r, t, p := kmsg.NewPtrProduceRequest(), kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	r.Acks, r.TimeoutMillis = 1, 1000
	p.Records = batch.NewForm().Append(nil, []batch.Record{{Value: value, Timestamp: 1}})
	t.Topic, t.Partitions = "t", append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	told := ask[*kmsg.ProduceResponse](c, r, 7).Topics[0].Partitions[0]
	if told.ErrorCode != 0 {
		c.tb.Fatalf("producing: error %d", told.ErrorCode)
	}
}

// fetched returns what partition 0 of topic "t" holds.
func fetched(c *client) (all [][]byte) {
	c.tb.Helper()
	r, t, p := kmsg.NewPtrFetchRequest(), kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes, r.MaxBytes = 8<<20, 8<<20
	t.Topic, t.Partitions = "t", append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	rest := ask[*kmsg.FetchResponse](c, r, 11).Topics[0].Partitions[0].RecordBatches
	for {
		var b batch.Batch
		if b, rest = batch.First(rest); b == nil {
			return all
		}
		for record, err := range b.Records() {
			if err != nil {
				c.tb.Fatal(err)
			}
			all = append(all, bytes.Clone(record.Value))
		}
	}
}

func TestWhatIsAppendedOutlivesItsRequest(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{Topics: map[string]int{"t": 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	app := dial(t, c.Broker(0))
	for _, fill := range []byte("abc") {
		appendOne(app, large(fill))
	}
	got := fetched(app)
	if len(got) != 3 {
		t.Fatalf("%d records; want 3", len(got))
	}
	for i, fill := range []byte("abc") {
		if !bytes.Equal(got[i], large(fill)) {
			t.Errorf("record %d is not what was produced", i)
		}
	}
}

func TestARequestThatARuleKeepsIsNeverReadInto(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{Topics: map[string]int{"t": 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var kept []byte
	remove := c.Before(func(e kafkatest.Exchange) (v kafkatest.Verdict, decided bool) {
		kept = e.Request.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records
		return v, false
	})
	app := dial(t, c.Broker(0))
	appendOne(app, large('a'))
	remove()
	before := bytes.Clone(kept)
	for range 3 {
		appendOne(app, large('b'))
	}
	if !bytes.Equal(kept, before) {
		t.Error("the request that a rule kept has changed")
	}
}
