// Errors that rules decide, for every API and version.

package kafkatest_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// hasCode reports whether answers of that kind and version have an error code.
func hasCode(r kmsg.Response) bool {
	full := reflect.New(reflect.TypeOf(r).Elem())
	full.MethodByName("SetVersion").Call([]reflect.Value{reflect.ValueOf(r.GetVersion())})
	fill(full.Elem())
	resp := full.Interface().(kmsg.Response)
	resp.SetVersion(r.GetVersion())
	back := kmsg.ResponseForKey(r.Key())
	back.SetVersion(r.GetVersion())
	if err := back.ReadFrom(resp.AppendTo(nil)); err != nil {
		return true
	}
	return slices.Contains(codes(reflect.ValueOf(back)), 2)
}

func TestEveryAPIInEveryVersionCanBeAnsweredWithAnError(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true})
	for _, err := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotCoordinator, kerr.UnknownMemberID} {
		remove := c.Before(rule.Then(kafkatest.On(), kafkatest.Fail(err)))
		b := dial(t, c.Broker(0))
		for req := range everyRequest() {
			resp, failed := b.try(req, req.GetVersion())
			name := fmt.Sprint(kmsg.NameForKey(req.Key()), " v", req.GetVersion())
			if failed != nil {
				t.Fatalf("%s: %v", name, failed)
			}
			if got := codes(reflect.ValueOf(resp)); hasCode(resp) && !slices.Contains(got, err.Code) {
				t.Errorf("%s: codes %v, want %d", name, got, err.Code)
			}
		}
		remove()
	}
}

func produce(acks int16, topics ...string) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks = acks
	for _, name := range topics {
		rt := kmsg.NewProduceRequestTopic()
		rt.Topic = name
		for p := range int32(2) {
			rp := kmsg.NewProduceRequestTopicPartition()
			rp.Partition = p
			rt.Partitions = append(rt.Partitions, rp)
		}
		req.Topics = append(req.Topics, rt)
	}
	return req
}

func TestAnErrorInAProduceIsSaidOfEachPartition(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true})
	c.Fail(kmsg.Produce, nil, kerr.NotLeaderForPartition)
	resp := ask[*kmsg.ProduceResponse](dial(t, c.Broker(0)), produce(-1, "orders", "bills"), 9)
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			if p.ErrorCode != kerr.NotLeaderForPartition.Code || p.BaseOffset != -1 {
				t.Errorf("%s/%d: code %d, base offset %d", topic.Topic, p.Partition, p.ErrorCode, p.BaseOffset)
			}
		}
	}
	if len(resp.Topics) != 2 || len(resp.Topics[0].Partitions) != 2 {
		t.Errorf("answered %+v", resp)
	}
}

func TestAFailedProduceWithoutAcksClosesTheConnection(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true})
	c.Fail(kmsg.Produce, nil, kerr.NotLeaderForPartition)
	b := dial(t, c.Broker(0))
	b.send(produce(0, "orders"), 9)
	b.wantClosed()
}

func TestAnErrorGoesWhereItsConditionPoints(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 2, "bills": 1}})
	c.Fail(kmsg.Metadata, kafkatest.Topic("orders", 1), kerr.LeaderNotAvailable)
	resp := ask[*kmsg.MetadataResponse](dial(t, c.Broker(0)), metadata(), 9)
	if len(resp.Brokers) != 1 || len(resp.Topics) != 2 {
		t.Fatalf("answered %+v", resp)
	}
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			var want int16
			if *topic.Topic == "orders" && p.Partition == 1 {
				want = kerr.LeaderNotAvailable.Code
			}
			if p.ErrorCode != want || topic.ErrorCode != 0 {
				t.Errorf("%s/%d: code %d, want %d", *topic.Topic, p.Partition, p.ErrorCode, want)
			}
		}
	}
}

func TestATopicOfMetadataFailsAsAWhole(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 2, "bills": 1}})
	c.Fail(kmsg.Metadata, kafkatest.Topic("orders"), kerr.TopicAuthorizationFailed)
	for version := range int16(14) {
		resp := ask[*kmsg.MetadataResponse](dial(t, c.Broker(0)), metadata("orders", "bills"), version)
		if len(resp.Topics) != 2 {
			t.Errorf("v%d: told of %d topics", version, len(resp.Topics))
		}
		for _, topic := range resp.Topics {
			want := map[string]int16{"orders": kerr.TopicAuthorizationFailed.Code}[*topic.Topic]
			if topic.ErrorCode != want {
				t.Errorf("v%d %s: code %d, want %d", version, *topic.Topic, topic.ErrorCode, want)
			}
		}
	}
}

func TestTheRestOfARequestIsServed(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{})
	c.Fail(kmsg.CreateTopics, kafkatest.Topic("orders"), kerr.PolicyViolation)
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 1000
	for _, name := range []string{"orders", "bills"} {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
		req.Topics = append(req.Topics, topic)
	}
	b := dial(t, c.Broker(0))
	resp := ask[*kmsg.CreateTopicsResponse](b, req, 7)
	got := map[string]int16{}
	for _, topic := range resp.Topics {
		got[topic.Topic] = topic.ErrorCode
	}
	if want := map[string]int16{"orders": kerr.PolicyViolation.Code, "bills": 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
	all := ask[*kmsg.MetadataResponse](b, metadata(), 9)
	if len(all.Topics) != 1 || *all.Topics[0].Topic != "bills" {
		t.Errorf("topics %+v, want bills alone", all.Topics)
	}
}

func TestAnErrorAfterwardsLeavesWhatWasDone(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{})
	c.After(rule.Then(kafkatest.On(kmsg.CreateTopics), kafkatest.Fail(kerr.RequestTimedOut)))
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "orders", 1, 1
	req.Topics = append(req.Topics, topic)
	b := dial(t, c.Broker(0))
	if resp := ask[*kmsg.CreateTopicsResponse](b, req, 7); resp.Topics[0].ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("answered %+v", resp)
	}
	if all := ask[*kmsg.MetadataResponse](b, metadata(), 9); len(all.Topics) != 1 {
		t.Errorf("topics %+v, want the one that was made", all.Topics)
	}
}

func TestARefusalIsEncodedTheSameTwice(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true})
	c.Fail(kmsg.Fetch, nil, kerr.OffsetOutOfRange)
	b := dial(t, c.Broker(0))
	req := filled(1, 12)
	first, second := ask[*kmsg.FetchResponse](b, req, 12), ask[*kmsg.FetchResponse](b, req, 12)
	if !bytes.Equal(first.AppendTo(nil), second.AppendTo(nil)) {
		t.Error("two refusals of one request differ")
	}
}
