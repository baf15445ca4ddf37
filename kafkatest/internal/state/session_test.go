// Fetch sessions, told as consumers live them.

package state_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// next returns the request after resp in its session, with nothing new.
func next(version int16, id, epoch int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.MinBytes = version, 1<<20, 1
	req.SessionID, req.SessionEpoch = id, epoch
	return req
}

func (d *driver) session(version int16, t *state.Topic) int32 {
	d.t.Helper()
	req := fetching(version, t, 0)
	req.SessionEpoch = 0
	resp := ask[*kmsg.FetchResponse](d, req)
	if resp.SessionID <= 0 {
		d.t.Fatal("no session")
	}
	return resp.SessionID
}

func TestASessionTellsOnlyWhatIsNew(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	id := d.session(12, topic)
	resp := ask[*kmsg.FetchResponse](d, next(12, id, 1))
	if len(resp.Topics) != 0 || resp.SessionID != id {
		t.Errorf("told %+v", resp)
	}
	d.put(topic, "v")
	resp = ask[*kmsg.FetchResponse](d, next(12, id, 2))
	wantValues(t, "what is new", resp.Topics[0].Partitions[0].RecordBatches, "v")
	req := next(12, id, 3)
	req.Topics = fetching(12, topic, 1).Topics
	if resp = ask[*kmsg.FetchResponse](d, req); len(resp.Topics) != 0 {
		t.Errorf("told %+v", resp.Topics)
	}
	if _, err := topic.Partitions[0].DeleteBefore(1); err != nil {
		t.Fatal(err)
	}
	resp = ask[*kmsg.FetchResponse](d, next(12, id, 4))
	wantOffset(t, "the new start", resp.Topics[0].Partitions[0].LogStartOffset, 1)
}

func TestASessionForgetsPartitions(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	id := d.session(13, topic)
	req := next(13, id, 1)
	forgotten := kmsg.NewFetchRequestForgottenTopic()
	forgotten.TopicID, forgotten.Partitions = topic.ID, []int32{0}
	req.ForgottenTopics = append(req.ForgottenTopics, forgotten)
	d.put(topic, "v")
	if resp := ask[*kmsg.FetchResponse](d, req); len(resp.Topics) != 0 {
		t.Errorf("told %+v", resp.Topics)
	}
}

func TestASessionKnowsTheNameOfATopicThatWasDeleted(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	id := d.session(13, topic)
	wantTold := func(what string, req *kmsg.FetchRequest, want *kerr.Error) {
		t.Helper()
		told := ask[*kmsg.FetchResponse](d, req).Topics
		if len(told) != 1 || told[0].TopicID != topic.ID {
			t.Fatalf("%s: told %+v", what, told)
		}
		wantCode(t, what, told[0].Partitions[0].ErrorCode, want)
	}
	d.DeleteTopics(topic)
	wantTold("deleted", next(13, id, 1), kerr.UnknownTopicOrPartition)
	wantTold("unknown from the start", fetching(13, topic, 0), kerr.UnknownTopicID)
	d.create("t", 1, 1)
	wantTold("made again", next(13, id, 2), kerr.InconsistentTopicID)
	again := next(13, id, 3)
	again.Topics = fetching(13, topic, 0).Topics
	wantTold("asked for again by its old id", again, kerr.InconsistentTopicID)
}

func TestASessionIsHeldToItsRules(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	id := d.session(12, topic)
	for _, c := range []struct {
		name string
		req  *kmsg.FetchRequest
		want *kerr.Error
	}{
		{"an unknown one", next(12, id+1, 1), kerr.FetchSessionIDNotFound},
		{"an epoch ahead", next(12, id, 2), kerr.InvalidFetchSessionEpoch},
		{"by id what was by name", next(13, id, 1), kerr.FetchSessionTopicIDError},
		{"as it should be", next(12, id, 1), nil},
		{"an epoch again", next(12, id, 1), kerr.InvalidFetchSessionEpoch},
		{"closed", next(12, id, -1), nil},
		{"after closing", next(12, id, 2), kerr.FetchSessionIDNotFound},
	} {
		wantCode(t, c.name, ask[*kmsg.FetchResponse](d, c.req).ErrorCode, c.want)
	}
	id = d.session(12, topic)
	d.StopBroker(1)
	d.StartBroker(1)
	wantCode(t, "after a restart", ask[*kmsg.FetchResponse](d, next(12, id, 1)).ErrorCode, kerr.FetchSessionIDNotFound)
}

func TestAPartitionThatGaveComesLast(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 2, 1)
	req := fetching(12, topic, 0)
	req.SessionEpoch = 0
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, req.Topics[0].Partitions[0])
	req.Topics[0].Partitions[1].Partition = 1
	id := ask[*kmsg.FetchResponse](d, req).SessionID
	for range 2 {
		for _, p := range topic.Partitions {
			if _, err := p.Append(oneRecord); err != nil {
				t.Fatal(err)
			}
		}
	}
	var order []int32
	for epoch := int32(1); epoch <= 3; epoch++ {
		req := next(12, id, epoch)
		req.MaxBytes = 1
		for _, p := range ask[*kmsg.FetchResponse](d, req).Topics[0].Partitions {
			if len(p.RecordBatches) > 0 {
				order = append(order, p.Partition)
			}
		}
	}
	if len(order) != 3 || order[0] != 0 || order[1] != 1 || order[2] != 0 {
		t.Errorf("served in the order %v", order)
	}
}

func TestASessionDoesNotRememberWithoutEnd(t *testing.T) {
	d := newDriver(t, 1, nil)
	id := d.session(12, d.create("t", 1, 1))
	req := next(12, id, 1)
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.Partitions = "t", make([]kmsg.FetchRequestTopicPartition, 1<<18+1)
	for i := range topic.Partitions {
		topic.Partitions[i].Partition = int32(i)
	}
	req.Topics = append(req.Topics, topic)
	d.Handle(d.call(), req)
	wantCode(t, "afterwards", ask[*kmsg.FetchResponse](d, next(12, id, 2)).ErrorCode, kerr.FetchSessionIDNotFound)
	req.SessionEpoch, req.SessionID = 0, 0
	if resp := d.Handle(d.call(), req).(*kmsg.FetchResponse); resp.SessionID != 0 {
		t.Error("a session that remembers too much")
	}
}

func TestTheCacheOfSessionsIsBounded(t *testing.T) {
	d := newDriver(t, 1, map[string]string{"max.incremental.fetch.session.cache.slots": "2"})
	topic := d.create("t", 1, 1)
	open := func(conn int) int32 {
		x := d.call()
		x.Conn = strconv.Itoa(conn)
		req := fetching(12, topic, 0)
		req.SessionEpoch = 0
		return d.Handle(x, req).(*kmsg.FetchResponse).SessionID
	}
	first := open(1)
	if second := open(2); second == 0 || second == first {
		t.Errorf("sessions %d and %d", first, second)
	}
	if third := open(3); third != 0 {
		t.Error("a third session")
	}
	d.tick(3 * time.Minute)
	if third := open(3); third == 0 {
		t.Error("no session though others are old")
	}
}

func TestASessionWithoutPartitionsIsClosed(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	id := d.session(12, topic)
	req := next(12, id, 1)
	req.MaxWaitMillis = 500
	forgotten := kmsg.NewFetchRequestForgottenTopic()
	forgotten.Topic, forgotten.Partitions = "t", []int32{0}
	req.ForgottenTopics = append(req.ForgottenTopics, forgotten)
	if got := ask[*kmsg.FetchResponse](d, req).SessionID; got != 0 {
		t.Errorf("the answer is in session %d", got)
	}
	wantCode(t, "afterwards", ask[*kmsg.FetchResponse](d, next(12, id, 2)).ErrorCode, kerr.FetchSessionIDNotFound)
}
