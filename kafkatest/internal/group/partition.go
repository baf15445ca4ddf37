// Sets of partitions.

package group

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A partition is one, by its topic's id: a topic that was deleted and created
// anew is another.
type partition struct {
	topic [16]byte
	index int32
}

func (p partition) compare(q partition) int {
	return cmp.Or(bytes.Compare(p.topic[:], q.topic[:]), cmp.Compare(p.index, q.index))
}

type set map[partition]struct{}

func (s set) has(p partition) bool {
	_, ok := s[p]
	return ok
}

func (s set) add(p partition) { s[p] = struct{}{} }

func (s set) addAll(o set) { maps.Copy(s, o) }

// meets reports whether the two have a partition in common.
func (s set) meets(o set) bool {
	for p := range s {
		if o.has(p) {
			return true
		}
	}
	return false
}

// within reports whether o has all of s.
func (s set) within(o set) bool {
	for p := range s {
		if !o.has(p) {
			return false
		}
	}
	return true
}

func (s set) equal(o set) bool { return len(s) == len(o) && s.within(o) }

// sorted returns the partitions by topic id and index.
func (s set) sorted() []partition {
	return slices.SortedFunc(maps.Keys(s), partition.compare)
}

// byTopic calls f for each topic in order, with its partitions in order.
func (s set) byTopic(f func(topic [16]byte, partitions []int32)) {
	all := s.sorted()
	for len(all) > 0 {
		topic, n := all[0].topic, 0
		var indexes []int32
		for n < len(all) && all[n].topic == topic {
			indexes = append(indexes, all[n].index)
			n++
		}
		f(topic, indexes)
		all = all[n:]
	}
}

// named returns the partitions by their topics' names. Topics that are no more
// are left out.
func (x *Coordinator) named(s set) Partitions {
	parts := make(Partitions)
	s.byTopic(func(id [16]byte, indexes []int32) {
		if t, ok := x.cluster.TopicByID(id); ok {
			parts[t.Name] = indexes
		}
	})
	return parts
}

// unnamed is the inverse of named. Partitions that are not there are left out.
func (x *Coordinator) unnamed(parts Partitions) set {
	s := make(set)
	for name, indexes := range parts {
		t, ok := x.cluster.Topic(name)
		for _, i := range indexes {
			if ok && i >= 0 && i < t.Partitions {
				s.add(partition{t.ID, i})
			}
		}
	}
	return s
}

// reported returns what a heartbeat says the member owns; nil if it does not
// say.
func reported(topics []kmsg.ConsumerGroupHeartbeatRequestTopic) set {
	if topics == nil {
		return nil
	}
	s := make(set)
	for _, t := range topics {
		for _, i := range t.Partitions {
			s.add(partition{t.TopicID, i})
		}
	}
	return s
}
