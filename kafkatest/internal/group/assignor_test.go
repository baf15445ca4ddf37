// What the server-side assignors promise.

package group_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// crowd returns clients that subscribe to the topics, come to rest.
func (w *world) crowd(assignor *string, wants ...[]string) []*subscriber {
	var all []*subscriber
	for i, topics := range wants {
		s := w.subscriber(fmt.Sprintf("c%02d", i), "g", topics...)
		s.assignor = assignor
		all = append(all, s)
	}
	converge(all...)
	return all
}

func TestTheRangeAssignorGivesRows(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 5, "u": 2})
	all := w.crowd(kmsg.StringPtr("range"), []string{"t", "u"}, []string{"t", "u"}, []string{"t"})
	all[0].has(t, part{"t", 0}, part{"t", 1}, part{"u", 0})
	all[1].has(t, part{"t", 2}, part{"t", 3}, part{"u", 1})
	all[2].has(t, part{"t", 4})
	if s := w.groups.Snapshot("g"); s.Protocol != "range" {
		t.Fatalf("got %s", s.Protocol)
	}
}

func TestMostMembersChooseTheAssignor(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 3})
	for i, name := range []string{"range", "uniform", "range"} {
		s := w.subscriber(fmt.Sprint("c", i), "g", "t")
		s.assignor = &name
		s.beat()
	}
	if s := w.groups.Snapshot("g"); s.Protocol != "range" {
		t.Fatalf("got %s", s.Protocol)
	}
}

func TestTheBrokersOfferAssignors(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 3})
	w.settings["group.consumer.assignors"] = "range"
	w.subscriber("alice", "g", "t").beat()
	if s := w.groups.Snapshot("g"); s.Protocol != "range" {
		t.Fatalf("got %s", s.Protocol)
	}
	b := w.subscriber("bob", "g", "t")
	b.assignor = kmsg.StringPtr("uniform")
	b.beat().want1(t, kerr.UnsupportedAssignor)
}

func TestTheUniformAssignorIsEven(t *testing.T) {
	for members := 1; members <= 9; members++ {
		w := newWorld(t, map[string]int32{"t": 7, "u": 13})
		wants := slices.Repeat([][]string{{"t", "u"}}, members)
		all := w.crowd(nil, wants...)
		least, most, sum := 99, 0, 0
		for _, s := range all {
			least, most, sum = min(least, len(s.owned)), max(most, len(s.owned)), sum+len(s.owned)
		}
		if sum != 20 || most-least > 1 {
			t.Fatalf("%d members have from %d to %d, %d in all", members, least, most, sum)
		}
	}
}

func TestTheUniformAssignorHeedsWhoWantsWhat(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4, "u": 2, "v": 2})
	all := w.crowd(nil, []string{"t"}, []string{"t", "u"}, []string{"u", "v"})
	for i, want := range []int{3, 3, 2} {
		if len(all[i].owned) != want {
			t.Fatalf("got %v, %v and %v", all[0].owned, all[1].owned, all[2].owned)
		}
	}
}

func TestTheUniformAssignorMovesNoMoreThanItMust(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 12})
	all := w.crowd(nil, slices.Repeat([][]string{{"t"}}, 3)...)
	var before []part
	for _, s := range all {
		before = append(before, s.owned...)
	}
	newcomer := w.subscriber("new", "g", "t")
	converge(append(all, newcomer)...)
	kept := 0
	for i, s := range all {
		for _, p := range s.owned {
			if slices.Contains(before[4*i:4*i+4], p) {
				kept++
			}
		}
	}
	if kept != 9 || len(newcomer.owned) != 3 {
		t.Fatalf("of 12 partitions 9 could stay, %d did; the newcomer has %v", kept, newcomer.owned)
	}
}
