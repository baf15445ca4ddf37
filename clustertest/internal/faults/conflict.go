// What is wrong with a list that somebody wrote.

package faults

import (
	"fmt"
	"slices"
	"strings"
)

// Conflicts tells what is wrong with a list: a fault that Parse would not
// have returned, a host that is none of hosts, or a node whose program suffers
// two faults at a time. If hosts is empty, names are not checked; neither is
// that of a connection. Drawn lists have no conflict.
func Conflicts(list List, hosts []string) error {
	return walk(list, func(c *scene, next standing) error {
		for _, name := range slices.Concat(next.deed.Hosts, next.deed.Others) {
			if len(hosts) > 0 && !slices.Contains(hosts, name) {
				return fmt.Errorf("there is no host %q, only %s", name, strings.Join(hosts, ", "))
			}
		}
		if with, host, found := c.clash(next.deed); found {
			return fmt.Errorf("%s is not there for it: fault %d, %q, is in force", host, with.index, with.fault)
		}
		return nil
	})
}

// Majority tells where a list leaves no majority of nodes, as Plan.Majority
// means it, or where it is no list at all.
func Majority(list List, nodes []string) error {
	return walk(list, func(c *scene, next standing) error {
		if !c.leavesMajority(nodes, next.deed) {
			return fmt.Errorf("with it no %d of %d nodes are well and reach each other", len(nodes)/2+1, len(nodes))
		}
		return nil
	})
}

// walk shows check each fault of a list as it begins, and what is in force
// then. It stops at the first complaint.
func walk(list List, check func(c *scene, next standing) error) error {
	all := make([]standing, len(list))
	for i, f := range list {
		d, err := f.deed()
		if err != nil {
			return fmt.Errorf("faults: fault %d, %q: %w", i, f, err)
		}
		all[i] = standing{i, f, d}
	}
	var c scene
	for _, m := range Timeline(list) {
		if m.End {
			c.over(func(s standing) bool { return s.index == m.Index })
			continue
		}
		if err := check(&c, all[m.Index]); err != nil {
			return fmt.Errorf("faults: fault %d, %q: %w", m.Index, list[m.Index], err)
		}
		c.begin(all[m.Index])
	}
	return nil
}

// deed returns what f does, or what is wrong with f.
func (f Fault) deed() (Deed, error) {
	same, d, wrong := read(f.String())
	if wrong != nil {
		return Deed{}, fmt.Errorf("at byte %d: %w", wrong.at, wrong.why)
	}
	if same != f {
		return Deed{}, fmt.Errorf("it is written %q", same)
	}
	return d, nil
}
