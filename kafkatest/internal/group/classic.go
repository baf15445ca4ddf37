// The classic body: members that agree among themselves.

package group

import (
	"bytes"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The states of a classic group, as Kafka spells them.
const (
	stateEmpty      = "Empty"
	statePreparing  = "PreparingRebalance"
	stateCompleting = "CompletingRebalance"
	stateStable     = "Stable"
	stateDead       = "Dead" // of a group that is not there
)

// A classic is a group whose leader assigns. Its invariants:
//
//  1. who is in order is in members, and the other way round;
//  2. there is a leader if there are members;
//  3. a request waits in a member only while preparing (joining) or
//     completing (syncing);
//  4. while preparing or completing there is a deadline, unless all waited for
//     are new.
type classic struct {
	g          *group
	now        string // the state
	initial    bool   // preparing the first generation after having been empty
	generation int32
	kindOf     string // protocol type
	protocol   string // chosen for the generation; "" if none
	leader     string
	members    map[string]*member
	order      []*member              // in the order of joining
	static     map[string]*member     // by instance id
	promised   map[string]*call.Entry // ids given out and not used yet (KIP-394), till when
	newcomers  bool                   // somebody joined during the initial delay
	deadline   *call.Entry            // for joining, then for syncing
}

// A member of a classic group.
type member struct {
	id, clientID, host string
	instance           *string
	session, rebalance time.Duration
	protocols          []protocol
	assignment         []byte
	isNew              bool     // has never been part of a generation
	unsynced           bool     // was told of the generation, and has not asked for its part
	joining            *joining // waits for the others to join
	syncing            *syncing // waits for the leader's word
	expiry             *call.Entry
}

// A protocol is one way of assigning that a member knows, with what it has to
// say for it.
type protocol struct {
	name     string
	metadata []byte
}

func newClassic(g *group) *classic {
	return &classic{
		g:        g,
		now:      stateEmpty,
		members:  make(map[string]*member),
		static:   make(map[string]*member),
		promised: make(map[string]*call.Entry),
	}
}

func (b *classic) kind() Kind           { return Classic }
func (b *classic) state() string        { return b.now }
func (b *classic) protocolType() string { return b.kindOf }
func (b *classic) size() int            { return len(b.order) }
func (b *classic) blank() bool          { return len(b.order) == 0 && b.generation == 0 }

// check says why nobody of that id, or instance id, is a member: a static
// member is known by its instance, and another id with it is fenced (KIP-345).
func (b *classic) check(id string, instance *string) (*member, *kerr.Error) {
	if instance == nil {
		if m := b.members[id]; m != nil {
			return m, nil
		}
		return nil, kerr.UnknownMemberID
	}
	m := b.static[*instance]
	switch {
	case m == nil:
		return nil, kerr.UnknownMemberID
	case m.id != id:
		return nil, kerr.FencedInstanceID
	}
	return m, nil
}

// add takes a member in. The first one leads, until somebody else must.
func (b *classic) add(m *member) {
	b.promised[m.id].Stop()
	delete(b.promised, m.id)
	b.members[m.id] = m
	b.order = append(b.order, m)
	if m.instance != nil {
		b.static[*m.instance] = m
	}
	if b.leader == "" {
		b.leader = m.id
	}
}

// remove takes a member out. If a request of its waits, it is told that it is
// no member, so that a client that lives joins anew.
func (b *classic) remove(m *member) {
	m.expiry.Stop()
	m.joining.refuse(kerr.UnknownMemberID)
	m.syncing.refuse(kerr.UnknownMemberID)
	delete(b.members, m.id)
	b.order = slices.DeleteFunc(b.order, func(o *member) bool { return o == m })
	if m.instance != nil && b.static[*m.instance] == m {
		delete(b.static, *m.instance)
	}
	if b.leader == m.id {
		b.leader = ""
		if len(b.order) > 0 {
			b.leader = b.order[0].id
		}
	}
}

// renew gives the member a whole session from now.
func (b *classic) renew(m *member) { b.expireIn(m, m.session) }

func (b *classic) expireIn(m *member, d time.Duration) {
	m.expiry.Stop()
	m.expiry = b.g.x.agenda.After(d, "group session", b.g.name+"/"+m.id, func() {
		b.remove(m)
		b.rebalance()
	})
}

// promise keeps an id for the client to join with (KIP-394).
func (b *classic) promise(id string, session time.Duration) {
	b.promised[id] = b.g.x.agenda.After(session, "group promised id", b.g.name+"/"+id, func() {
		b.breakPromise(id)
	})
}

func (b *classic) breakPromise(id string) {
	b.promised[id].Stop()
	delete(b.promised, id)
	b.completeIfAllJoined()
	b.g.x.drop(b.g)
}

// supports reports whether a client with these protocols can be a member: it
// shares the type, and a protocol that all members know.
func (b *classic) supports(kind string, protocols []kmsg.JoinGroupRequestProtocol) bool {
	if b.now == stateEmpty {
		return kind != "" && len(protocols) > 0
	}
	known := b.knownBy()
	return kind == b.kindOf && slices.ContainsFunc(protocols, func(p kmsg.JoinGroupRequestProtocol) bool {
		return known[p.Name] == len(b.order)
	})
}

// knownBy counts the members that know each protocol.
func (b *classic) knownBy() map[string]int {
	known := make(map[string]int)
	for _, m := range b.order {
		mine := make(map[string]bool, len(m.protocols))
		for _, p := range m.protocols {
			if !mine[p.name] {
				mine[p.name] = true
				known[p.name]++
			}
		}
	}
	return known
}

// elect returns the protocol of most votes: a member votes for the first of
// its protocols that all know. Of equally many, the one voted for first is
// taken, where Kafka leaves it open.
func (b *classic) elect() string {
	var chosen string
	known, votes := b.knownBy(), make(map[string]int)
	for _, m := range b.order {
		for _, p := range m.protocols {
			if known[p.name] == len(b.order) {
				votes[p.name]++
				break
			}
		}
	}
	for _, m := range b.order {
		for _, p := range m.protocols {
			if votes[p.name] > votes[chosen] {
				chosen = p.name
			}
		}
	}
	return chosen
}

// rebalanceTimeout is the longest that a member may need to rejoin.
func (b *classic) rebalanceTimeout() (longest time.Duration) {
	for _, m := range b.order {
		longest = max(longest, m.rebalance)
	}
	return longest
}

// metadata returns what the member has to say for the protocol.
func (m *member) metadata(name string) []byte {
	for _, p := range m.protocols {
		if p.name == name {
			return p.metadata
		}
	}
	return []byte{}
}

// matches reports whether the member would bring nothing new.
func (m *member) matches(protocols []protocol) bool {
	return slices.EqualFunc(m.protocols, protocols, func(a, b protocol) bool {
		return a.name == b.name && bytes.Equal(a.metadata, b.metadata)
	})
}
