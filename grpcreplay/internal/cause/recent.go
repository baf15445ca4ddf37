// Lists in order of latest use.

package cause

// A recent keeps members, numbered from 0, in lists: what was used last comes
// first. A member is in no list until it is used, and always used in the same.
type recent struct {
	heads      []int32
	next, prev []int32
	listed     []bool
}

const none = -1

func newRecent(lists, members int) *recent {
	r := &recent{
		heads: make([]int32, lists), next: make([]int32, members),
		prev: make([]int32, members), listed: make([]bool, members),
	}
	for i := range r.heads {
		r.heads[i] = none
	}
	return r
}

// use moves a member to the front of its list.
func (r *recent) use(list, member int32) {
	if r.heads[list] == member {
		return
	}
	if r.listed[member] {
		r.unlink(member)
	}
	old := r.heads[list]
	r.heads[list], r.next[member], r.prev[member], r.listed[member] = member, old, none, true
	if old != none {
		r.prev[old] = member
	}
}

// unlink takes a member out that is not the first.
func (r *recent) unlink(member int32) {
	before, after := r.prev[member], r.next[member]
	r.next[before] = after
	if after != none {
		r.prev[after] = before
	}
}
