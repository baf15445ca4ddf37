// How a member of a consumer group comes to what it is to have.

package group

// advance moves the group on if something changed, and the member towards its
// target, and reports whether the member moved. owned is what the member says
// it has; nil if it does not say.
func (b *consumer) advance(m *subscriber, changed bool, owned set) bool {
	if changed || b.looked != b.g.x.changes {
		changed = b.refresh() || changed
	}
	if changed {
		b.epoch++
	}
	b.retarget()
	return b.reconcile(m, owned)
}

// reconcile moves the member as far as it can go now, and reports whether it
// moved: first it has to let go of what it is not to have any more, then it
// comes to the target's epoch and gets what is free, then what becomes free.
func (b *consumer) reconcile(m *subscriber, owned set) bool {
	if m.progress == stable && m.epoch == b.targetEpoch || m.progress == unrevoked && holds(owned, m.revoking) {
		return false
	}
	kept, lost, free, missing := b.compare(m)
	if len(lost) > 0 && holds(owned, lost) {
		m.previous = m.epoch
		m.progress = unrevoked
		b.own(m, kept, lost)
		b.awaitRevocation(m)
		return true
	}
	m.revocation.Stop()
	moved := m.epoch != b.targetEpoch || len(free) > 0 || m.progress == unrevoked
	m.previous, m.epoch = m.epoch, b.targetEpoch
	m.progress = stable
	if missing {
		m.progress = unreleased
	}
	kept.addAll(free)
	b.own(m, kept, nil)
	return moved || !missing
}

// holds reports whether the member may still have some of the partitions: it
// may as long as it does not say.
func holds(owned, some set) bool { return owned == nil || owned.meets(some) }

// compare holds what the member has against its target: what it keeps and
// loses, what it lacks and could have, and whether others have more of it.
func (b *consumer) compare(m *subscriber) (kept, lost, free set, missing bool) {
	kept, lost, free = make(set), make(set), make(set)
	target := b.wanted(m)
	for p := range m.assigned {
		if target.has(p) {
			kept.add(p)
		} else {
			lost.add(p)
		}
	}
	for p := range target {
		owner, owned := b.owners[p]
		switch {
		case kept.has(p):
		case !owned || owner == m.id:
			free.add(p)
		default:
			missing = true
		}
	}
	return kept, lost, free, missing
}

// wanted returns the member's target without topics that it does not want any
// more, or that are not there any more.
func (b *consumer) wanted(m *subscriber) set {
	wanted := make(set, len(m.target))
	for p := range m.target {
		if t, ok := b.g.x.cluster.TopicByID(p.topic); ok && m.wants(t.Name) {
			wanted.add(p)
		}
	}
	return wanted
}

// retarget computes the target of the group's epoch, if it has none yet.
func (b *consumer) retarget() {
	if b.targetEpoch == b.epoch {
		return
	}
	b.targetEpoch = b.epoch
	members := b.sorted()
	targets := b.target(members)
	decided := make(map[string]Partitions, len(members))
	for i, m := range members {
		m.target = targets[i]
		decided[m.id] = b.g.x.named(m.target)
	}
	b.g.record(b.epoch, decided)
}

// target returns what each member is to have: as a test said, or as the
// assignor finds.
func (b *consumer) target(members []*subscriber) []set {
	if manual, ok := b.g.x.manual[b.g.name]; ok {
		targets := make([]set, len(members))
		for i, m := range members {
			targets[i] = b.g.x.unnamed(manual[m.id])
		}
		return targets
	}
	topics := make([][]Topic, len(members))
	before := make([]set, len(members))
	for i, m := range members {
		before[i] = m.target
		for _, name := range m.topics() {
			if t, ok := b.view[name]; ok {
				topics[i] = append(topics[i], t)
			}
		}
	}
	if b.assignor() == assignRange {
		return rangeTarget(topics)
	}
	return uniformTarget(topics, before)
}

// SetTarget has the members of a consumer group assigned what the test says,
// from their next heartbeats on, whatever the assignor would find; members not
// named get nothing. Partitions that are not there, or that the member does
// not subscribe to, are left out. A nil target gives the group back to its
// assignor. The group need not be there yet.
func (x *Coordinator) SetTarget(name string, target Target) {
	if target == nil {
		delete(x.manual, name)
	} else {
		x.manual[name] = target
	}
	g := x.groups[name]
	if g == nil {
		return
	}
	if b, ok := g.body.(*consumer); ok {
		b.epoch++
	}
}
