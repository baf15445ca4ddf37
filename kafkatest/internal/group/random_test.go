// Random lives: whatever clients do and time brings, the invariants hold.

package group_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestNoPartitionEverHasTwoOwners lets subscribers of a group do anything in
// any order. A client owns what it was told, until it was told to let go and
// has, or it knows or must know that it is out.
func TestNoPartitionEverHasTwoOwners(t *testing.T) {
	for seed := range uint64(25) {
		w := newWorld(t, map[string]int32{"t": 5, "u": 3, "v": 1})
		r := rand.New(rand.NewPCG(seed, 1))
		crowd := &throng{t: t, w: w, r: r, seed: seed}
		for i := range 6 {
			crowd.all = append(crowd.all, w.subscriber(fmt.Sprint("c", i), "g", "t", "u"))
		}
		for crowd.step = range 400 {
			crowd.act()
			crowd.check()
		}
		crowd.rest()
	}
}

// A throng is subscribers that act at random.
type throng struct {
	t    *testing.T
	w    *world
	r    *rand.Rand
	seed uint64
	step int
	all  []*subscriber
	last int32 // the group's epoch
}

func (c *throng) act() {
	s := c.all[c.r.IntN(len(c.all))]
	switch c.r.IntN(12) {
	case 0:
		s.leave(-1)
		s.fence()
	case 1:
		s.want([][]string{{"t"}, {"u", "v"}, {"t", "u", "v"}, {}}[c.r.IntN(4)]...)
	case 2:
		c.w.pass(time.Duration(c.r.IntN(20)) * time.Second)
	case 3:
		c.w.setTopic("t", c.w.topics["t"].Partitions+1)
	case 4, 5, 6:
		s.release()
	default:
		s.beat()
	}
	c.fenced()
}

// fenced has every client that is out know it: a real one stops within its
// session, which is what the session is for.
func (c *throng) fenced() {
	in := make(map[string]bool)
	for _, m := range c.w.groups.Snapshot("g").Members {
		in[m.ID] = true
	}
	for _, s := range c.all {
		if !in[s.id] || s.code == kerr.FencedMemberEpoch.Code {
			s.fence()
		}
	}
}

func (c *throng) check() {
	owner := make(map[part]string)
	for _, s := range c.all {
		for _, p := range append(append([]part(nil), s.owned...), s.revoking...) {
			if other, taken := owner[p]; taken {
				c.t.Fatalf("seed %d, step %d: %v is owned by %s and %s", c.seed, c.step, p, other, s.name)
			}
			owner[p] = s.name
		}
	}
	now := c.w.groups.Snapshot("g")
	if now.State != "Dead" && now.Epoch < c.last {
		c.t.Fatalf("seed %d, step %d: the epoch went from %d to %d", c.seed, c.step, c.last, now.Epoch)
	}
	c.last = now.Epoch
}

// rest has everybody do as told: then every partition has an owner.
func (c *throng) rest() {
	for _, s := range c.all {
		s.want("t", "u", "v")
	}
	converge(c.all...)
	c.fenced()
	converge(c.all...)
	c.check()
	owned := 0
	for _, s := range c.all {
		owned += len(s.owned)
	}
	if want := int(c.w.topics["t"].Partitions) + 4; owned != want {
		c.t.Fatalf("seed %d: %d of %d partitions have an owner", c.seed, owned, want)
	}
	if s := c.w.groups.Snapshot("g"); s.State != "Stable" {
		c.t.Fatalf("seed %d: the group is %s", c.seed, s.State)
	}
}

// TestNobodyWaitsForEver lets classic clients do anything in any order. A
// request that waits is answered within the timeouts, and the generation only
// grows.
func TestNobodyWaitsForEver(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(t, map[string]int32{"t": 3})
		if r.IntN(2) == 0 {
			w.settings["group.initial.rebalance.delay.ms"] = "3000"
		}
		m := &mob{t: t, w: w, r: r, seed: seed, since: make(map[*asked]time.Time)}
		for i := range 5 {
			c := w.client(fmt.Sprint("c", i), "g", "t")
			if i > 2 {
				c.static(fmt.Sprint("i", i))
			}
			m.all = append(m.all, c)
		}
		m.b = w.subscriber("modern", "g", "t")
		for range 300 {
			m.act()
			m.check()
		}
		w.pass(10 * time.Minute)
		m.check()
	}
}

// A mob is classic clients that act at random.
type mob struct {
	t     *testing.T
	w     *world
	r     *rand.Rand
	seed  uint64
	all   []*client
	b     *subscriber
	since map[*asked]time.Time // when what waits was asked
	last  int32
}

func (m *mob) act() {
	c := m.all[m.r.IntN(len(m.all))]
	switch m.r.IntN(10) {
	case 0:
		c.leave()
	case 1:
		m.w.pass(time.Duration(m.r.IntN(30)) * time.Second)
	case 2:
		c.topics = [][]string{{"t"}, {"t", "u"}}[m.r.IntN(2)]
	case 3:
		c.heartbeat()
	case 4:
		c.id = ""
	case 5:
		m.hears(c, c.sync(map[string]string{c.id: give("t", 0)}))
	case 6:
		m.modern()
	default:
		m.hears(c, c.join())
	}
}

// modern lets a subscriber come and go, and the group change its kind.
func (m *mob) modern() {
	if m.r.IntN(3) > 0 || m.b.code != 0 {
		m.b.leave(-1)
		m.b.fence()
		return
	}
	m.b.beat()
}

// hears has the client take over an answer that is there, or wait for it.
func (m *mob) hears(c *client, a *asked) {
	if a.waits() {
		m.since[a] = m.w.agenda.Now()
		return
	}
	if resp, ok := a.resp.(*kmsg.JoinGroupResponse); ok && resp.ErrorCode == 0 {
		c.id, c.generation = resp.MemberID, resp.Generation
	}
}

// check holds what waits against the longest that anything may: the initial
// delay, and twice the rebalance timeout, since who is there in time may wait
// for one who gets his time anew.
func (m *mob) check() {
	const longest = 5 * time.Minute
	for a, since := range m.since {
		if !a.waits() {
			delete(m.since, a)
		} else if waited := m.w.agenda.Now().Sub(since); waited > longest {
			m.t.Fatalf("seed %d: a request waits for %v: %+v", m.seed, waited, m.w.groups.Snapshot("g"))
		}
	}
	now := m.w.groups.Snapshot("g")
	if len(now.Members) > 0 && m.last > 0 && now.Epoch < m.last && now.Epoch > 1 {
		m.t.Fatalf("seed %d: the generation went from %d to %d", m.seed, m.last, now.Epoch)
	}
	m.last = now.Epoch
}

// FuzzRequests hands any request of the family, as far as it decodes, to a
// coordinator with groups of every kind: nothing panics, and every answer
// encodes.
func FuzzRequests(f *testing.F) {
	for _, req := range []kmsg.Request{
		newWorld(f, nil).client("alice", "g", "t").joinRequest(), commitRequest(9, "g", "t", 0, 1),
		fetchRequest(9, "g", "t", 0), txnCommitRequest(5, 1, 1), newWorld(f, nil).subscriber("b", "m", "t").request(),
		kmsg.NewPtrSyncGroupRequest(), kmsg.NewPtrLeaveGroupRequest(), kmsg.NewPtrListGroupsRequest(),
		kmsg.NewPtrDescribeGroupsRequest(), kmsg.NewPtrDeleteGroupsRequest(), kmsg.NewPtrOffsetDeleteRequest(),
		kmsg.NewPtrConsumerGroupDescribeRequest(), kmsg.NewPtrHeartbeatRequest(),
	} {
		f.Add(req.Key(), req.GetVersion(), req.AppendTo(nil), []byte{0, 1, 0, 0, 0, 1, 0, 1, 't'})
	}
	f.Fuzz(func(t *testing.T, key, version int16, body, metadata []byte) {
		w := newWorld(t, map[string]int32{"t": 3})
		c := w.client("alice", "g", "t")
		join := c.joinRequest()
		join.Version, join.Protocols[0].Metadata = 3, metadata
		c.took(w.ask("alice", join))
		synced(c.sync(map[string]string{c.id: string(metadata)}))
		w.groups.Snapshot("g")
		w.deleteOffset("g", "t", 0)
		w.subscriber("bob", "m", "t").beat()
		w.subscriber("bob", "g", "t").beat()

		served := kmsg.RequestForKey(key)
		if !isServed(key) || version < 0 || version > served.MaxVersion() {
			return
		}
		served.SetVersion(version)
		if served.ReadFrom(body) != nil {
			return
		}
		if a := w.ask("mallory", served); a.resp != nil {
			a.resp.AppendTo(nil)
		}
		w.pass(time.Hour)
		w.groups.Snapshot("g")
	})
}

func isServed(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.OffsetCommit, kmsg.OffsetFetch,
		kmsg.OffsetDelete, kmsg.DescribeGroups, kmsg.ListGroups, kmsg.DeleteGroups, kmsg.TxnOffsetCommit,
		kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe:
		return true
	}
	return false
}
