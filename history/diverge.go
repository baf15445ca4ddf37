// Holding the nodes' final logs against each other.

package history

import (
	"cmp"
	"slices"
)

// A departure is where one node's final log differs first, and how often.
type departure struct {
	offset int64
	what   string
	times  int
}

// diverge holds the final logs against each other, offset by offset, and adds
// what they agree on to the sights: what was acknowledged if a node has it,
// else what most nodes have, else what the first of them has. Whoever has
// something else has departed from it.
func (c *logCheck) diverge() {
	departures := make([]departure, len(c.finals))
	agreed := c.agree(departures)
	for node, d := range departures {
		if d.times == 0 {
			continue
		}
		op, other := &c.ops[c.finals[node]], &c.ops[c.finals[faithful(departures, node)]]
		c.add(Finding{Kind: Divergent, Offset: d.offset, Op: op.ID, Other: other.ID},
			"%s %s, unlike %s; they differ at %d offsets: %v; %v",
			op.Client, d.what, other.Client, d.times, op, other)
	}
	c.sights = append(c.sights, agreed...)
	slices.SortFunc(c.sights, compareSights)
}

// faithful returns the first node that never departed, or if all did another
// than this one.
func faithful(departures []departure, than int) int {
	if i := slices.IndexFunc(departures, func(d departure) bool { return d.times == 0 }); i >= 0 {
		return i
	}
	return (than + 1) % len(departures)
}

// agree returns what the final logs agree on, and writes down who departs.
func (c *logCheck) agree(departures []departure) (agreed []sight) {
	all, ends := c.finalSights()
	claims := c.acks()
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].offset == all[0].offset {
			n++
		}
		here := all[:n]
		all = all[n:]
		for len(claims) > 0 && claims[0].offset < here[0].offset {
			claims = claims[1:]
		}
		chosen := c.choose(here, claims, ends)
		if chosen != nil {
			agreed = append(agreed, sight{chosen.offset, chosen.value, int32(c.finals[chosen.op]), final})
		}
		c.depart(departures, here, chosen, ends)
	}
	return agreed
}

// finalSights returns what each final log holds, by offset and node, and
// where each ends. The sights' op is the place in finals.
func (c *logCheck) finalSights() (all []sight, ends []int64) {
	for node, i := range c.finals {
		end := int64(-1)
		for _, r := range c.ops[i].Out.Records {
			end = max(end, r.Offset)
			if r.Offset >= c.Start {
				all = append(all, sight{r.Offset, c.number(r.Value), int32(node), final})
			}
		}
		ends = append(ends, end)
	}
	slices.SortFunc(all, func(a, b sight) int { return cmp.Or(compareSights(a, b), cmp.Compare(a.value, b.value)) })
	all = slices.CompactFunc(all, func(a, b sight) bool { return compareSights(a, b) == 0 })
	return all, ends
}

// acks returns what was acknowledged, by offset.
func (c *logCheck) acks() []sight {
	var acks []sight
	for _, s := range c.sights {
		if s.from == acked {
			acks = append(acks, s)
		}
	}
	slices.SortFunc(acks, compareSights)
	return acks
}

// choose elects what is at an offset among what the nodes have there. It
// returns nil if most of them have nothing.
func (c *logCheck) choose(here, claims []sight, ends []int64) (chosen *sight) {
	best, absent := 0, -len(here)
	for _, end := range ends {
		if !c.Behind || end >= here[0].offset {
			absent++
		}
	}
	for i := range here {
		votes := 0
		for _, other := range here {
			if other.value == here[i].value {
				votes++
			}
		}
		if claimed(claims, here[i]) {
			votes += len(ends)
		}
		if votes > best {
			best, chosen = votes, &here[i]
		}
	}
	if best < absent {
		return nil
	}
	return chosen
}

// claimed tells whether s was acknowledged. The claims begin at s's offset or
// after it.
func claimed(claims []sight, s sight) bool {
	for _, claim := range claims {
		if claim.offset != s.offset {
			return false
		}
		if claim.value == s.value {
			return true
		}
	}
	return false
}

// depart writes down which nodes have something else than what was chosen.
func (c *logCheck) depart(departures []departure, here []sight, chosen *sight, ends []int64) {
	offset := here[0].offset
	byNode := func(s sight, node int) int { return cmp.Compare(int(s.op), node) }
	for node := range departures {
		at, has := slices.BinarySearchFunc(here, node, byNode)
		what := ""
		switch {
		case !has && chosen != nil && (!c.Behind || ends[node] >= offset):
			what = "has nothing there"
		case has && (chosen == nil || here[at].value != chosen.value):
			what = "has " + Record{offset, c.homes[here[at].value].value}.String()
		}
		departures[node].note(offset, what)
	}
}

func (d *departure) note(offset int64, what string) {
	if what == "" {
		return
	}
	if d.times == 0 {
		d.offset, d.what = offset, what
	}
	d.times++
}
