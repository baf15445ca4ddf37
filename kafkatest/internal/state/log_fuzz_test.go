// Hostile requests to the APIs of the log: whatever comes, no panic.

package state_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// logKeys are the APIs of the log.
var logKeys = []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.OffsetForLeaderEpoch, kmsg.DeleteRecords}

func fuzzCluster(t testing.TB) (*state.Cluster, *state.Topic) {
	c, err := state.New(state.Config{
		Now: begin, Brokers: []state.Member{{ID: 1}},
		Endpoint: func(*call.Call, int32) (string, int32, bool) { return "broker", 9092, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	topic, refused := c.CreateTopic(state.TopicSpec{Name: "t", Partitions: 2})
	if refused != nil {
		t.Fatal(refused)
	}
	return c, topic
}

// named gives topics of the name t the id that later versions want.
func named(req kmsg.Request, id [16]byte) {
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		for i := range req.Topics {
			req.Topics[i].TopicID = id
		}
	case *kmsg.FetchRequest:
		for i := range req.Topics {
			req.Topics[i].TopicID = id
		}
	}
}

func FuzzLogRequests(f *testing.F) {
	_, topic := fuzzCluster(f)
	for version := int16(0); version <= 13; version++ {
		raw := records(batch.NewForm(), "a", "b")
		if version < 3 {
			raw, _ = downConvert(raw, int8(min(version, 1)), 0)
		}
		f.Add(uint8(0), version, production(version, topic, raw).AppendTo(nil))
	}
	for version := int16(0); version <= 18; version++ {
		req := fetching(version, topic, 0)
		f.Add(uint8(1), version, req.AppendTo(nil))
		req.SessionEpoch, req.MaxWaitMillis = 0, 100
		f.Add(uint8(1), version, req.AppendTo(nil))
	}
	for version := int16(0); version <= 11; version++ {
		f.Add(uint8(2), version, listing(version, -1).AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, which uint8, version int16, body []byte) {
		c, topic := fuzzCluster(t)
		key := logKeys[int(which)%len(logKeys)]
		lowest, highest, _ := c.Versions(int16(key))
		if version < lowest || version > highest {
			return
		}
		if _, err := topic.Partitions[0].Append([]batch.Record{{Key: []byte("k"), Value: []byte("v")}}); err != nil {
			t.Fatal(err)
		}
		d := &driver{Cluster: c, broker: 1}
		for range 2 { // the second time what the first has done is there
			req := kmsg.RequestForKey(int16(key))
			req.SetVersion(version)
			if req.ReadFrom(body) != nil {
				return
			}
			named(req, topic.ID)
			x := d.call()
			if resp := c.Handle(x, req); resp != nil {
				resp.AppendTo(nil)
			}
		}
		c.Agenda.Tick(begin.AddDate(1, 0, 0))
		for _, p := range c.Agenda.TakeAnswered() {
			p.Response().AppendTo(nil)
		}
	})
}
