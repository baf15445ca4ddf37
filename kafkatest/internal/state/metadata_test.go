// What Metadata tells, and what it hides.

package state_test

import (
	"fmt"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadata asks for topics by name.
func (d *driver) metadata(version int16, names ...string) *kmsg.MetadataResponse {
	d.t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Version, req.AllowAutoTopicCreation = version, true
	for _, name := range names {
		asked := kmsg.NewMetadataRequestTopic()
		asked.Topic = &name
		req.Topics = append(req.Topics, asked)
	}
	return ask[*kmsg.MetadataResponse](d, req)
}

func TestATopicAskedForTwiceIsToldOnce(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	if told := d.metadata(9, "t", "u", "t", "u").Topics; len(told) != 2 {
		t.Errorf("told of %d topics, want 2", len(told))
	}
}

func TestTheIDOfATopicIsNoSecretButItsNameIs(t *testing.T) {
	d := newDriver(t, 1, nil)
	id := d.create("t", 1, 1).ID
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 12
	for _, id := range [][16]byte{id, {1}} {
		asked := kmsg.NewMetadataRequestTopic()
		asked.TopicID = id
		req.Topics = append(req.Topics, asked)
	}
	d.only(kmsg.ACLOperationRead)
	for i, want := range []*kerr.Error{kerr.TopicAuthorizationFailed, kerr.UnknownTopicID} {
		told := ask[*kmsg.MetadataResponse](d, req).Topics[i]
		wantCode(t, "topic", told.ErrorCode, want)
		if told.Topic != nil || told.TopicID != req.Topics[i].TopicID {
			t.Errorf("told %+v", told)
		}
	}
}

func TestVersion0LeavesOutReplicasThatDoNotServe(t *testing.T) {
	d := newDriver(t, 2, nil)
	if _, err := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}}); err != nil {
		t.Fatal(err)
	}
	d.StopBroker(2)
	for version, want := range []struct {
		err      *kerr.Error
		replicas string
	}{{kerr.ReplicaNotAvailable, "[1]"}, {nil, "[1 2]"}} {
		p := d.metadata(int16(version), "t").Topics[0].Partitions[0]
		wantCode(t, "partition", p.ErrorCode, want.err)
		if got := fmt.Sprint(p.Replicas); got != want.replicas || p.Leader != 1 {
			t.Errorf("version %d: replicas %v, leader %d", version, got, p.Leader)
		}
	}
}

func TestALeaderWithoutTheCallersListenerIsTold(t *testing.T) {
	config := state.Config{Seed: 1, Now: begin, Brokers: []state.Member{{ID: 1}, {ID: 2}}}
	config.Endpoint = func(_ *call.Call, broker int32) (string, int32, bool) { return "broker", 9092, broker == 1 }
	c, err := state.New(config)
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{Cluster: c, t: t, broker: 1}
	if _, err := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{2}}}); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int16]*kerr.Error{5: kerr.LeaderNotAvailable, 6: kerr.ListenerNotFound} {
		p := d.metadata(version, "t").Topics[0].Partitions[0]
		wantCode(t, fmt.Sprint("version ", version), p.ErrorCode, want)
		if p.Leader != -1 {
			t.Errorf("the leader is %d", p.Leader)
		}
	}
}

func TestWhatOneMayDoWithAClusterOneMayNotDescribeIsNotTold(t *testing.T) {
	d := newDriver(t, 1, nil)
	req := kmsg.NewPtrMetadataRequest()
	req.Version, req.IncludeClusterAuthorizedOperations = 8, true
	if told := ask[*kmsg.MetadataResponse](d, req).AuthorizedOperations; told <= 0 {
		t.Errorf("who may do all is told %b", told)
	}
	d.only(kmsg.ACLOperationCreate)
	if told := ask[*kmsg.MetadataResponse](d, req).AuthorizedOperations; told != 0 {
		t.Errorf("who may not describe is told %b", told)
	}
}

func TestAnInternalTopicIsMadeAsItsBrokersNeedIt(t *testing.T) {
	d := newDriver(t, 1, nil)
	if told := d.metadata(9, "__consumer_offsets").Topics[0]; !told.IsInternal {
		t.Errorf("told %+v", told)
	}
	told := d.metadata(9, "__consumer_offsets").Topics[0]
	wantCode(t, "the topic", told.ErrorCode, nil)
	if !told.IsInternal || len(told.Partitions) != 50 {
		t.Errorf("internal %v, with %d partitions", told.IsInternal, len(told.Partitions))
	}
}
