// Requests that ask for very much.

package state_test

import (
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// again has the request ask for its first partition once more, from an offset.
func again(req *kmsg.FetchRequest, offset int64) {
	p := req.Topics[0].Partitions[0]
	p.FetchOffset = offset
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, p)
}

func TestOfAPartitionThatIsFetchedTwiceTheLastCounts(t *testing.T) {
	for _, version := range []int16{4, 11} {
		d := newDriver(t, 1, nil)
		topic := d.create("t", 1, 1)
		d.put(topic, "a")
		d.put(topic, "b")
		req := fetching(version, topic, 0)
		again(req, 1)
		if got := values(t, d.fetch(req).RecordBatches); len(got) != 1 || got[0] != "b" {
			t.Errorf("version %d: got %q", version, got)
		}
	}
}

func TestFetchesThatTellNoBoundHaveThatOfTheBroker(t *testing.T) {
	for version := int16(0); version < 3; version++ {
		d := newDriver(t, 1, map[string]string{"fetch.max.bytes": "1024"})
		topic := d.create("t", 2, 1)
		req := fetching(version, topic, 0)
		raw := records(batch.NewForm(), strings.Repeat("v", 400))
		for i := range int32(2) {
			produced := production(9, topic, raw)
			produced.Topics[0].Partitions[0].Partition = i
			wantCode(t, "produce", d.produce(produced).ErrorCode, nil)
		}
		other := req.Topics[0].Partitions[0]
		other.Partition = 1
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, other)
		told := ask[*kmsg.FetchResponse](d, req).Topics[0].Partitions
		if first, second := len(told[0].RecordBatches), len(told[1].RecordBatches); first < 800 || first+second > 1024 {
			t.Errorf("version %d: %d and %d bytes", version, first, second)
		}
	}
}

// bomb is a batch of n records of a megabyte that compresses well.
func bomb(n int) []byte {
	all := make([]batch.Record, n)
	value := make([]byte, 1<<20)
	for i := range all {
		all[i] = batch.Record{Offset: int64(i), Timestamp: begin.UnixMilli(), Value: value}
	}
	f := batch.NewForm()
	f.Codec = batch.Gzip
	return f.Append(nil, all)
}

func TestAnAnswerConvertsNoMoreThanSomeMegabytesOfRecords(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	const batches, each = 6, 16
	raw := bomb(each)
	for range batches {
		wantCode(t, "produce", d.produce(production(9, topic, raw)).ErrorCode, nil)
	}
	var offsets []int64
	for at := int64(0); at < batches*each; {
		set := d.fetch(fetching(3, topic, at)).RecordBatches
		checked, fault := batch.Check(set, 2)
		if fault != nil {
			t.Fatal(fault)
		}
		at += int64(checked.Batch.Count())
		offsets = append(offsets, at)
	}
	if len(offsets) != 2 || offsets[0] != 4*each {
		t.Errorf("answers end at %v", offsets)
	}
}

func TestNamesOfDeletedTopicsAreLikeNoOther(t *testing.T) {
	d := newDriver(t, 1, nil)
	create := func(name string, want *kerr.Error) {
		t.Helper()
		req := kmsg.NewPtrCreateTopicsRequest()
		one := kmsg.NewCreateTopicsRequestTopic()
		one.Topic, one.NumPartitions, one.ReplicationFactor = name, 1, 1
		req.Version, req.Topics = 7, append(req.Topics, one)
		wantCode(t, name, ask[*kmsg.CreateTopicsResponse](d, req).Topics[0].ErrorCode, want)
	}
	create("a.b_c", nil)
	create("a_b.c", kerr.InvalidTopicException)
	topic, _ := d.Topic("a.b_c")
	d.DeleteTopics(topic)
	create("a_b.c", nil)
	create("a.b_c", kerr.InvalidTopicException)
}

func TestARequestForMetadataCreatesNoMoreThanAControllerMakesAtOnce(t *testing.T) {
	d := newDriver(t, 1, map[string]string{"num.partitions": "5001"})
	d.metadata(9, "a", "b")
	if names := d.TopicNames(); len(names) != 0 {
		t.Errorf("there are %q", names)
	}
	d.metadata(9, "a")
	d.metadata(9, "a", "b") // one of them new
	if names := d.TopicNames(); len(names) != 2 {
		t.Errorf("there are %q", names)
	}
}
