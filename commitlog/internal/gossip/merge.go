// Who is let in.

package gossip

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/serf/serf"
)

// A gate decides whom this node meets. Serf asks it before it merges with
// another's members, with all of them; and before it believes that a member is
// alive, with that one. Serf holds its locks meanwhile.
type gate struct {
	name  string
	here  netip.AddrPort
	notes *notes

	mu      sync.Mutex
	cluster string
	last    error                // the last refusal
	told    map[string]time.Time // refusals, and when they were told
}

// NotifyMerge returns an error if the members are not to be met.
func (t *gate) NotifyMerge(members []*serf.Member) error {
	for _, m := range members {
		if err := t.judge(m, len(members) == 1); err != nil {
			return t.refuse(memberOf(*m), err)
		}
	}
	return nil
}

// judge says what is wrong with a member. Alone is one that is said to be
// alive; among others it may have been gone for long.
func (t *gate) judge(m *serf.Member, alone bool) error {
	if !nameForm.MatchString(m.Name) {
		return fmt.Errorf("gossip: a member at %s has the name %q", memberOf(*m).Addr, m.Name)
	}
	other := addrOf(*m)
	if m.Name == t.name && other == t.here {
		return nil
	}
	t.mu.Lock()
	ours := t.cluster
	t.mu.Unlock()
	if theirs := m.Tags[ClusterTag]; ours != "" && theirs != "" && ours != theirs {
		return WrongCluster{memberOf(*m), ours, theirs}
	}
	if alone && m.Name == t.name {
		return NameTaken{Name: m.Name, Here: t.here.String(), There: other.String()}
	}
	return nil
}

// refuse remembers a refusal and has it told, the same at most once a minute:
// gossip repeats itself.
func (t *gate) refuse(m Member, why error) error {
	now := time.Now()
	key := why.Error()
	t.mu.Lock()
	t.last = why
	again := now.Sub(t.told[key]) < time.Minute
	if !again {
		if len(t.told) >= 100 { // strangers may think of many names
			clear(t.told)
		}
		t.told[key] = now
	}
	t.mu.Unlock()
	if !again {
		t.notes.add("refused "+m.Name, func(h Handler) { h.Refused(m, why) })
	}
	return why
}

// forget returns the last refusal, and forgets it.
func (t *gate) forget() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last
	t.last = nil
	return last
}

func (t *gate) setCluster(id string) {
	t.mu.Lock()
	t.cluster = id
	t.mu.Unlock()
}

// addrOf returns a member's address, zero if it has none.
func addrOf(m serf.Member) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(m.Addr)
	return netip.AddrPortFrom(ip.Unmap(), m.Port)
}

func memberOf(m serf.Member) Member {
	state := map[serf.MemberStatus]State{
		serf.StatusLeaving: Leaving, serf.StatusLeft: Gone, serf.StatusFailed: NotThere,
	}[m.Status]
	return Member{
		Name: m.Name, Addr: net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port))),
		Tags: maps.Clone(m.Tags), State: state,
	}
}
