// The server-side assignors: uniform and range.

package group

import (
	"slices"
	"strings"
)

// The assignors there are (KIP-848).
const (
	assignUniform = "uniform" // evenly, and as before as far as that goes
	assignRange   = "range"   // each topic on its own, in rows
)

// assignors returns those that the brokers offer, the default one first.
func (x *Coordinator) assignors() (offered []string) {
	for _, name := range strings.Split(x.cluster.Setting("group.consumer.assignors"), ",") {
		name = strings.TrimSpace(name)
		if name == assignUniform || name == assignRange {
			offered = append(offered, name)
		}
	}
	if len(offered) == 0 {
		return []string{assignUniform, assignRange}
	}
	return offered
}

// assignor returns the one that most members prefer; the default if none does.
func (b *consumer) assignor() string {
	chosen := b.g.x.assignors()[0]
	votes := make(map[string]int)
	for _, m := range b.members {
		if m.assignor != "" {
			votes[m.assignor]++
		}
	}
	for _, name := range sortedKeys(votes) {
		if votes[name] > votes[chosen] {
			chosen = name
		}
	}
	return chosen
}

// rangeTarget gives each topic's partitions in rows to the members that want
// it, in their order; the first ones get one more if it does not come out
// even. topics is what each member wants.
func rangeTarget(topics [][]Topic) []set {
	targets := make([]set, len(topics))
	wanted := make(map[Topic][]int)
	for i, all := range topics {
		targets[i] = make(set)
		for _, t := range all {
			wanted[t] = append(wanted[t], i)
		}
	}
	for t, members := range wanted {
		each, more := int(t.Partitions)/len(members), int(t.Partitions)%len(members)
		next := int32(0)
		for n, i := range members {
			row := each
			if n < more {
				row++
			}
			for range row {
				targets[i].add(partition{t.ID, next})
				next++
			}
		}
	}
	return targets
}

// uniformTarget gives every member as many partitions as any other, or one
// more, as far as what they want allows, and leaves with a member what it had
// before as far as that allows. topics is what each member wants.
func uniformTarget(topics [][]Topic, before []set) []set {
	u := &uniform{hands: make([][]partition, len(topics)), wants: make([]map[[16]byte]bool, len(topics))}
	all := make(map[Topic]bool)
	for i, wanted := range topics {
		u.wants[i] = make(map[[16]byte]bool, len(wanted))
		for _, t := range wanted {
			u.wants[i][t.ID] = true
			all[t] = true
		}
	}
	table := make(set)
	for t := range all {
		for p := range t.Partitions {
			table.add(partition{t.ID, p})
		}
	}
	u.stay(table, before)
	u.deal(table)
	u.level()
	targets := make([]set, len(topics))
	for i, hand := range u.hands {
		targets[i] = make(set, len(hand))
		for _, p := range hand {
			targets[i].add(p)
		}
	}
	return targets
}

// A uniform is the work of the uniform assignor: what each member has in hand.
type uniform struct {
	hands [][]partition
	wants []map[[16]byte]bool
}

// stay leaves with the members what they had, and takes it off the table.
func (u *uniform) stay(table set, before []set) {
	for i, had := range before {
		for _, p := range had.sorted() {
			if table.has(p) && u.wants[i][p.topic] {
				u.hands[i] = append(u.hands[i], p)
				delete(table, p)
			}
		}
	}
}

// deal gives each partition on the table to the member with the least of those
// that want it.
func (u *uniform) deal(table set) {
	for _, p := range table.sorted() {
		i := u.least(p.topic)
		u.hands[i] = append(u.hands[i], p)
	}
}

// least returns the member with the fewest partitions of those that want the
// topic; -1 if none does.
func (u *uniform) least(topic [16]byte) int {
	found := -1
	for i, wants := range u.wants {
		if wants[topic] && (found < 0 || len(u.hands[i]) < len(u.hands[found])) {
			found = i
		}
	}
	return found
}

// level moves partitions from members with more to members with at least two
// less, until there are none. In a round each gives one away at most, those
// with the most first, so that nobody gives more than it has too many. It ends,
// since each move brings two members closer.
func (u *uniform) level() {
	for moved := true; moved; {
		moved = false
		for _, i := range u.mostFirst() {
			moved = u.giveOne(i) || moved
		}
	}
}

// mostFirst returns the members, those with the most partitions first.
func (u *uniform) mostFirst() []int {
	order := make([]int, len(u.hands))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(u.hands[b]) - len(u.hands[a]) })
	return order
}

// giveOne has the member give away the last of its partitions that another
// member has more need of, if there is one.
func (u *uniform) giveOne(i int) bool {
	hand := u.hands[i]
	to := i
	for n := len(hand) - 1; n >= 0; n-- {
		if n == len(hand)-1 || hand[n].topic != hand[n+1].topic {
			to = u.least(hand[n].topic)
		}
		if len(u.hands[to])+1 < len(hand) {
			u.hands[to] = append(u.hands[to], hand[n])
			u.hands[i] = slices.Delete(hand, n, n+1)
			return true
		}
	}
	return false
}
