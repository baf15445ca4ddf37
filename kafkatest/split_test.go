// Errors for a part of a request, API by API: the rest is served.

package kafkatest_test

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// about fills the parts of a request that name the topic orders, partitions 0
// and 1, by name or by id; and a group.
func about(req kmsg.Request, id [16]byte) kmsg.Request {
	v := reflect.ValueOf(req).Elem()
	if f := v.FieldByName("Group"); f.IsValid() {
		f.SetString("g")
	}
	if f := v.FieldByName("Generation"); f.IsValid() {
		f.SetInt(-1)
	}
	if f := v.FieldByName("Groups"); f.IsValid() && req.GetVersion() >= 8 {
		g := kmsg.NewOffsetFetchRequestGroup()
		g.Group = "g"
		f.Set(reflect.Append(f, reflect.ValueOf(g)))
		fillTopics(f.Index(0).FieldByName("Topics"), id)
		return req
	}
	fillTopics(v.FieldByName("Topics"), id)
	return req
}

func fillTopics(topics reflect.Value, id [16]byte) {
	topic := reflect.New(topics.Type().Elem())
	topic.MethodByName("Default").Call(nil)
	topic = topic.Elem()
	topic.FieldByName("Topic").SetString("orders")
	if f := topic.FieldByName("TopicID"); f.IsValid() {
		f.Set(reflect.ValueOf(id))
	}
	parts := topic.FieldByName("Partitions")
	for n := range int32(2) {
		p := reflect.New(parts.Type().Elem()).Elem()
		if p.Kind() == reflect.Int32 {
			p.SetInt(int64(n))
		} else {
			p.Addr().MethodByName("Default").Call(nil)
			p.FieldByName("Partition").SetInt(int64(n))
		}
		if f := p; f.Kind() == reflect.Struct && f.FieldByName("Records").IsValid() {
			f.FieldByName("Records").SetBytes(records("x"))
		}
		parts.Set(reflect.Append(parts, p))
	}
	topics.Set(reflect.Append(topics, topic))
}

// codeByPartition returns the codes of an answer's partitions.
func codeByPartition(v reflect.Value, all map[int64]int64) map[int64]int64 {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			codeByPartition(v.Elem(), all)
		}
	case reflect.Slice:
		for i := range v.Len() {
			codeByPartition(v.Index(i), all)
		}
	case reflect.Struct:
		n, code := v.FieldByName("Partition"), v.FieldByName("ErrorCode")
		if n.IsValid() && code.IsValid() {
			all[n.Int()] = code.Int()
		}
		for i := range v.NumField() {
			codeByPartition(v.Field(i), all)
		}
	}
	return all
}

func TestAnErrorOfAPartitionLeavesTheOthersServed(t *testing.T) {
	rows := []struct {
		key      kmsg.Key
		versions []int16
	}{
		{kmsg.Produce, []int16{3, 7, 9, 12, 13}},
		{kmsg.Fetch, []int16{4, 7, 12, 13, 16}},
		{kmsg.ListOffsets, []int16{1, 4, 7, 10}},
		{kmsg.OffsetCommit, []int16{2, 5, 8, 9, 10}},
		{kmsg.OffsetFetch, []int16{1, 2, 5, 7, 8, 9, 10}},
		{kmsg.DeleteRecords, []int16{0, 2}},
		{kmsg.OffsetForLeaderEpoch, []int16{2, 4}},
		{kmsg.OffsetDelete, []int16{0}},
		{kmsg.DescribeProducers, []int16{0}},
	}
	for _, row := range rows {
		for _, when := range []string{"before", "after"} {
			t.Run(when+" "+row.key.Name(), func(t *testing.T) { failPartition(t, when, row.key, row.versions) })
		}
	}
}

// failPartition has a rule fail partition 1 in requests of an API.
func failPartition(t *testing.T, when string, key kmsg.Key, versions []int16) {
	c := start(t, 1)
	id := topicID(t, c, "orders")
	b := dial(t, c.Broker(0))
	ask[*kmsg.OffsetCommitResponse](b, commit("g", "orders", 0, 0), 7)
	apply(t, c, fmt.Sprintf("%s %s topic=orders partition=1: error TOPIC_AUTHORIZATION_FAILED", when, key.Name()))
	want := map[int64]int64{0: 0, 1: int64(kerr.TopicAuthorizationFailed.Code)}
	for _, version := range versions {
		req := kmsg.RequestForKey(key.Int16())
		req.(interface{ Default() }).Default()
		req.SetVersion(version)
		if p, ok := req.(*kmsg.ProduceRequest); ok {
			p.Acks, p.TimeoutMillis = -1, 1000
		}
		resp, err := b.try(about(req, id), version)
		if err != nil {
			t.Fatalf("v%d: %v", version, err)
		}
		if got := codeByPartition(reflect.ValueOf(resp), map[int64]int64{}); !maps.Equal(got, want) {
			t.Errorf("v%d: codes %v, want %v", version, got, want)
		}
	}
}

func TestACoordinatorsErrorIsSaidOfTheGroup(t *testing.T) {
	for version, group := range map[int16]bool{1: false, 3: false, 7: false, 8: true, 9: true} {
		c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 2}})
		apply(t, c, "before OffsetFetch group=g: error NOT_COORDINATOR")
		req := kmsg.NewPtrOffsetFetchRequest()
		req.SetVersion(version)
		r := ask[*kmsg.OffsetFetchResponse](dial(t, c.Broker(0)), about(req, [16]byte{}), version)
		want := kerr.NotCoordinator.Code
		switch {
		case version < 2 && r.Topics[0].Partitions[1].ErrorCode != want,
			version >= 2 && !group && r.ErrorCode != want,
			group && r.Groups[0].ErrorCode != want:
			t.Errorf("v%d: answered %+v", version, r)
		}
	}
}
