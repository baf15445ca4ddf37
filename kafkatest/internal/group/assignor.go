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
	u := &uniform{targets: make([]set, len(topics)), wants: make([]map[[16]byte]bool, len(topics))}
	all := make(set)
	for i, wanted := range topics {
		u.targets[i] = make(set)
		u.wants[i] = make(map[[16]byte]bool, len(wanted))
		for _, t := range wanted {
			u.wants[i][t.ID] = true
			for p := range t.Partitions {
				all.add(partition{t.ID, p})
			}
		}
	}
	u.stay(all, before)
	u.deal(all)
	u.level()
	return u.targets
}

// A uniform is the work of the uniform assignor.
type uniform struct {
	targets []set
	wants   []map[[16]byte]bool
}

// stay leaves with the members what they had, and takes it off the table.
func (u *uniform) stay(table set, before []set) {
	for i, had := range before {
		for p := range had {
			if table.has(p) && u.wants[i][p.topic] {
				u.targets[i].add(p)
				delete(table, p)
			}
		}
	}
}

// deal gives each partition on the table to the member with the least of those
// that want it.
func (u *uniform) deal(table set) {
	for _, p := range table.sorted() {
		if i := u.least(p.topic); i >= 0 {
			u.targets[i].add(p)
		}
	}
}

// least returns the member with the fewest partitions of those that want the
// topic; -1 if none does.
func (u *uniform) least(topic [16]byte) int {
	found := -1
	for i, wants := range u.wants {
		if wants[topic] && (found < 0 || len(u.targets[i]) < len(u.targets[found])) {
			found = i
		}
	}
	return found
}

// level moves partitions from members with more to members with at least two
// less, until there are none. It ends, since each move brings the two closer.
func (u *uniform) level() {
	for moved := true; moved; {
		moved = false
		for _, i := range u.mostFirst() {
			moved = u.giveFrom(i) || moved
		}
	}
}

// mostFirst returns the members, those with the most partitions first.
func (u *uniform) mostFirst() []int {
	order := make([]int, len(u.targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(u.targets[b]) - len(u.targets[a]) })
	return order
}

// giveFrom lets a member give away what others have more need of, its last
// partitions first.
func (u *uniform) giveFrom(i int) (gave bool) {
	mine := u.targets[i].sorted()
	slices.Reverse(mine)
	for _, p := range mine {
		to := u.least(p.topic)
		if len(u.targets[i]) <= len(u.targets[to])+1 {
			continue
		}
		delete(u.targets[i], p)
		u.targets[to].add(p)
		gave = true
	}
	return gave
}
