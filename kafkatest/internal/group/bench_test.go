// What the requests cost that a consumer makes all the time.

package group_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func BenchmarkHeartbeat(b *testing.B) {
	w := newWorld(b, nil)
	a := w.client("alice", "g")
	settle(b, a)
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 4, "g", a.id, a.generation
	c := &call.Call{Broker: 1, ClientID: "alice", Agenda: w.agenda}
	b.ReportAllocs()
	for b.Loop() {
		w.groups.Heartbeat(c, req)
	}
}

func BenchmarkOffsetCommit(b *testing.B) {
	w := newWorld(b, map[string]int32{"t": 10})
	a := w.client("alice", "g", "t")
	settle(b, a)
	req := commitRequest(9, "g", "t", 0, 1)
	req.MemberID, req.Generation = a.id, a.generation
	for p := range int32(9) {
		more := req.Topics[0].Partitions[0]
		more.Partition = p + 1
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, more)
	}
	c := &call.Call{Broker: 1, ClientID: "alice", Agenda: w.agenda}
	b.ReportAllocs()
	for b.Loop() {
		w.groups.OffsetCommit(c, req)
	}
}

func BenchmarkConsumerGroupHeartbeat(b *testing.B) {
	w := newWorld(b, map[string]int32{"t": 100})
	s := w.subscriber("alice", "g", "t").beat()
	c := &call.Call{Broker: 1, ClientID: "alice", Agenda: w.agenda}
	req := s.request()
	req.Topics = nil
	b.ReportAllocs()
	for b.Loop() {
		w.groups.ConsumerGroupHeartbeat(c, req)
	}
}

// BenchmarkRebalance measures how a member that joins a group of a hundred
// with ten thousand partitions, and leaves it, moves the target.
func BenchmarkRebalance(b *testing.B) {
	w := newWorld(b, map[string]int32{"t": 10000})
	var names []*subscriber
	for i := range 100 {
		names = append(names, w.subscriber(string(rune('a'+i%26))+string(rune('a'+i/26)), "g", "t"))
		names[i].beat()
	}
	newcomer := w.subscriber("new", "g", "t")
	for b.Loop() {
		newcomer.beat()
		newcomer.leave(-1)
		newcomer.fence()
	}
}
