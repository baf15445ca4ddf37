// What decoding a request may cost.

package wire_test

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// production returns a Produce request of that many topics with that many
// partitions each.
func production(version int16, topics, partitions int) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version = version
	for range topics {
		t := kmsg.NewProduceRequestTopic()
		t.Topic = "orders"
		for p := range partitions {
			one := kmsg.NewProduceRequestTopicPartition()
			one.Partition, one.Records = int32(p), []byte("records")
			t.Partitions = append(t.Partitions, one)
		}
		req.Topics = append(req.Topics, t)
	}
	return req
}

func TestAProduceOfManyPartitionsIsDecodedInEveryVersion(t *testing.T) {
	for version := range int16(14) {
		req := production(version, 30, 300)
		got, err := wire.ParseBody(wire.Header{Version: version}, withTags(req))
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		if n := len(got.(*kmsg.ProduceRequest).Topics[29].Partitions); n != 300 {
			t.Errorf("version %d: the last topic has %d partitions", version, n)
		}
	}
}

// withTags returns a body as ParseBody takes it, behind the header's tags.
func withTags(r kmsg.Request) []byte {
	if r.IsFlexible() {
		return r.AppendTo([]byte{0})
	}
	return r.AppendTo(nil)
}

func TestAProduceOfTooManyPartitionsIsRefused(t *testing.T) {
	for version := range int16(14) {
		_, err := wire.ParseBody(wire.Header{Version: version}, withTags(production(version, 11, 10_000)))
		if err == nil || !strings.Contains(err.Error(), "more than 100000") {
			t.Errorf("version %d: the error is %v", version, err)
		}
	}
}

func TestABodyCostsNoMoreMemoryThanItsBound(t *testing.T) {
	// An array that claims as many elements as there are bytes left.
	body := make([]byte, 64<<20)
	binary.BigEndian.PutUint32(body[2+2+4:], uint32(len(body)-16)) // Produce v3: id, acks, timeout, topics
	rows := []struct {
		name string
		h    wire.Header
		body []byte
	}{
		{"Produce", wire.Header{Key: int16(kmsg.Produce), Version: 3}, body},
		{"a long Metadata", wire.Header{Key: int16(kmsg.Metadata), Version: 1}, body},
	}
	for _, row := range rows {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := wire.ParseBody(row.h, row.body)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; err == nil || spent > 1<<20 {
			t.Errorf("%s: %d bytes were spent, and the error is %v", row.name, spent, err)
		}
	}
}

func TestACountOfTagsThatAreNotThereCostsNoTime(t *testing.T) {
	// DescribeConfigs v4 with four billion tagged fields announced.
	body := []byte{0x00, 0x01, 0x51, 0x0c, 0xb0, 0xc4, 0xf6, 0xdb, 0x05}
	start := time.Now()
	_, err := wire.ParseBody(wire.Header{Key: int16(kmsg.DescribeConfigs), Version: 4}, body)
	if err == nil {
		t.Error("the body was taken")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
