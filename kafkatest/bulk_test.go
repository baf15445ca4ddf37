// Answers with many records, among small ones.

package kafkatest_test

import (
	"bytes"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestALargeFetchKeepsItsPlaceInAPipeline(t *testing.T) {
	written := make(chan kafkatest.Traffic, 3)
	c := kafkatest.Start(t, kafkatest.Config{
		Topics: map[string]int{"orders": 2},
		Notify: func(traffic kafkatest.Traffic) { written <- traffic },
	})
	value := bytes.Repeat([]byte("rehearse"), 20<<10) // larger than any buffer that is kept
	for n := range int32(2) {
		if _, err := c.Partition("orders", n).Append(kafkatest.Record{Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	b := dial(t, c.Broker(0))
	small, large := metadata("orders"), fetchFrom("orders", 0, 1)
	b.send(small, 9)
	b.send(large, 12)
	b.send(small, 9)
	for i, req := range []kmsg.Request{small, large, small} {
		frame, err := wire.ReadFrame(b.in, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		resp := req.ResponseKind()
		if correlation, err := wire.ParseResponse(frame, resp); err != nil || correlation != int32(i+1) {
			t.Fatalf("answer %d is %d: %v", i+1, correlation, err)
		}
		if told := <-written; told.BytesWritten != len(frame)+4 {
			t.Errorf("answer %d: %d bytes were told of, and %d came", i+1, told.BytesWritten, len(frame)+4)
		}
		if f, ok := resp.(*kmsg.FetchResponse); ok {
			wantInEach(t, f, value)
		}
	}
}

func wantInEach(t *testing.T, f *kmsg.FetchResponse, value []byte) {
	t.Helper()
	for _, p := range f.Topics[0].Partitions {
		if !bytes.Contains(p.RecordBatches, value) {
			t.Errorf("partition %d came without its record", p.Partition)
		}
	}
}
