// Membership: what Serf sees and what the log says are brought together by the leader.

package agent

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/gossip"
)

// The tags by which nodes know each other.
const (
	tagAddr    = "rpc_addr"
	tagID      = "raft_id"
	tagLeaving = "leaving" // set by who goes for good
)

// tags are what others learn of this node.
func (a *Agent) tags() map[string]string {
	s := a.node.Status()
	tags := map[string]string{tagAddr: a.rpcAddr, tagID: strconv.FormatUint(s.ID, 10)}
	if s.Cluster != "" {
		tags[gossip.ClusterTag] = s.Cluster
	}
	return tags
}

// A watcher is told by Serf, and lets the agent look.
type watcher struct{ agent *Agent }

func (w watcher) Joined(m gossip.Member)  { w.note("joined", m) }
func (w watcher) Updated(m gossip.Member) { w.note("changed", m) }
func (w watcher) Left(m gossip.Member)    { w.note("left", m) }
func (w watcher) Failed(m gossip.Member)  { w.note("failed", m) }

func (w watcher) note(what string, m gossip.Member) {
	w.agent.config.Logger.Info("a node "+what, "node", m.Name, "address", m.Addr)
	w.agent.look()
}

// Refused tells of a node that is turned away.
func (w watcher) Refused(m gossip.Member, err error) {
	w.agent.config.Logger.Error("a node is turned away", "node", m.Name, "address", m.Addr, "error", err)
}

// look lets reconcile look again.
func (a *Agent) look() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// reconcile makes the configuration follow what Serf sees, whenever either
// changes, as long as this node leads: who is there becomes a member, who has
// left for good is removed, and who failed stays, or is removed after
// Gone.RemoveAfter.
func (a *Agent) reconcile(ctx context.Context) {
	failed := map[string]time.Time{}
	cluster := a.node.Status().Cluster
	for {
		if now := a.node.Status().Cluster; now != cluster {
			cluster = now
			if err := a.group.SetTags(a.tags()); err != nil {
				a.config.Logger.Warn("others do not learn this node's cluster yet", "error", err)
			}
		}
		again := a.bringTogether(ctx, failed)
		select {
		case <-a.changed:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// foundAfter is how long a node that is to found a cluster, and has others to
// join, looks for theirs first.
const foundAfter = 3 * time.Second

// found founds a cluster if the Config says so, and none of the others has
// one: a node that lost its disk must not found a second.
func (a *Agent) found(ctx context.Context) {
	if !a.config.Bootstrap || len(a.config.Join) == 0 || a.node.Status().Cluster != "" {
		return
	}
	look, cancel := context.WithTimeout(ctx, foundAfter)
	defer cancel()
	if err := a.group.Join(look, a.config.Join); err != nil && ctx.Err() == nil {
		a.config.Logger.Info("nobody answers yet; this node founds the cluster", "error", err)
	}
	for _, m := range a.group.Members() {
		if m.Tags[gossip.ClusterTag] != "" {
			a.config.Logger.Info("the cluster is there already; this node waits to be joined to it", "node", m.Name)
			return
		}
	}
	if err := a.node.Found(ctx); err != nil && ctx.Err() == nil {
		a.config.Logger.Error("the cluster could not be founded", "error", err)
	}
}

// watchLeader lets reconcile look at each change of leadership and of the
// node's cluster.
func (a *Agent) watchLeader(ctx context.Context) {
	for range a.node.WatchLeader(ctx) {
		a.look()
	}
}

// bringTogether makes one change after the other, and says when it wants to
// look again by itself.
func (a *Agent) bringTogether(ctx context.Context, failed map[string]time.Time) (again <-chan time.Time) {
	s := a.node.Status()
	if s.Role != commitlog.Leading {
		clear(failed)
		return nil
	}
	var last error
	for _, m := range a.seen(s) {
		if err := a.bring(ctx, s, m, failed); err != nil && ctx.Err() == nil {
			a.complain(m.Name, err)
			last = err
		}
	}
	if last != nil {
		return time.After(time.Second)
	}
	if len(failed) > 0 && a.config.Gone.RemoveAfter > 0 {
		return time.After(a.config.Gone.RemoveAfter / 4)
	}
	return nil
}

// seen are those that Serf has heard of, and the members of whom it has not,
// since this node was started after they had failed.
func (a *Agent) seen(s commitlog.Status) []gossip.Member {
	all := a.group.Members()
	for _, m := range s.Members {
		heard := slices.ContainsFunc(all, func(is gossip.Member) bool { return is.Name == m.Name })
		if !heard {
			all = append(all, gossip.Member{Name: m.Name, Addr: m.Addr, State: gossip.NotThere})
		}
	}
	return all
}

// complain tells of a change that is tried again, once for each reason.
func (a *Agent) complain(node string, err error) {
	if a.said[node] == err.Error() {
		return
	}
	if a.said == nil || len(a.said) > 1000 {
		a.said = map[string]string{}
	}
	a.said[node] = err.Error()
	a.config.Logger.Warn("a change of the members is tried again", "node", node, "error", err)
}

// bring brings one member's place in the configuration up to date.
func (a *Agent) bring(ctx context.Context, s commitlog.Status, m gossip.Member, failed map[string]time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at := slices.IndexFunc(s.Members, func(is commitlog.Member) bool { return is.Name == m.Name })
	switch m.State {
	case gossip.Alive:
		delete(failed, m.Name)
		id, err := strconv.ParseUint(m.Tags[tagID], 10, 64)
		if err != nil || m.Tags[tagAddr] == "" || m.Tags[tagLeaving] != "" {
			return a.removeLeaving(ctx, m, at)
		}
		is := commitlog.Member{Name: m.Name, Addr: m.Tags[tagAddr], ID: id}
		if at >= 0 && s.Members[at].ID == is.ID && s.Members[at].Addr == is.Addr {
			return nil
		}
		if err := a.guard.admits(ctx, a.config.Dial, is.Addr); err != nil {
			return fmt.Errorf("%s, which Serf has found, is no node of ours: %w", is.Addr, err)
		}
		return a.node.Join(ctx, is)
	case gossip.Gone, gossip.Leaving:
		return a.removeLeaving(ctx, m, at)
	}
	return a.removeFailed(ctx, s, m, failed)
}

// removeLeaving removes a member that goes for good.
func (a *Agent) removeLeaving(ctx context.Context, m gossip.Member, at int) error {
	if m.Tags[tagLeaving] == "" || at < 0 {
		return nil
	}
	return a.node.Remove(ctx, m.Name)
}

// removeFailed removes a member that has been silent for too long, if most of
// the voters are there.
func (a *Agent) removeFailed(
	ctx context.Context, s commitlog.Status, m gossip.Member, failed map[string]time.Time,
) error {
	after := a.config.Gone.RemoveAfter
	now := a.config.Now()
	since, known := failed[m.Name]
	if !known {
		failed[m.Name], since = now, now
	}
	if after == 0 || now.Sub(since) < after || !a.mostAreThere(s) {
		return nil
	}
	a.config.Logger.Warn("a member that failed is removed", "node", m.Name, "silent", now.Sub(since))
	delete(failed, m.Name)
	return a.node.Remove(ctx, m.Name)
}

// mostAreThere says whether Serf sees more than half of the voters.
func (a *Agent) mostAreThere(s commitlog.Status) bool {
	alive := map[string]bool{}
	for _, m := range a.group.Members() {
		alive[m.Name] = m.State == gossip.Alive
	}
	voters, there := 0, 0
	for _, m := range s.Members {
		if m.Learner {
			continue
		}
		voters++
		if alive[m.Name] {
			there++
		}
	}
	return 2*there > voters
}

// Leave ends the agent for good: as Shutdown, and the node is removed from the
// configuration, so that fewer nodes decide. The last node cannot leave; it is
// only shut down, and so is one that was not yet run.
func (a *Agent) Leave(ctx context.Context) error {
	a.mu.Lock()
	group := a.group
	a.mu.Unlock()
	if group == nil {
		return a.Shutdown(ctx)
	}
	tags := a.tags()
	tags[tagLeaving] = "1"
	if err := group.SetTags(tags); err != nil {
		a.config.Logger.Warn("others do not learn that this node leaves for good", "error", err)
	}
	if len(a.node.Status().Members) > 1 {
		a.node.HandOver(ctx)
		// The leader, once it has removed this node, no longer tells it so: what
		// counts is that it no longer sends.
		gone := func(all []commitlog.Member) bool {
			return !slices.ContainsFunc(all, func(m commitlog.Member) bool { return m.Name == a.config.Name })
		}
		wait, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_ = a.node.WaitMembers(wait, gone)
	}
	return a.Shutdown(ctx)
}
