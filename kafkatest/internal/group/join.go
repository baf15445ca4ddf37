// JoinGroup: how one becomes, and stays, a member of a classic group.

package group

import (
	"bytes"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// newMemberWait is how long a member that was never part of a generation may
// wait for the first: its client may be gone, and has no session yet.
const newMemberWait = 5 * time.Minute

// A joiner is a JoinGroup request and its answer to be.
type joiner struct {
	c    *call.Call
	req  *kmsg.JoinGroupRequest
	resp *kmsg.JoinGroupResponse
}

// A joining is a JoinGroup request that waits.
type joining struct {
	parked *call.Parked
	resp   *kmsg.JoinGroupResponse
}

// JoinGroup takes a member into a group (KIP-62, KIP-345, KIP-394, KIP-800,
// KIP-814).
func (x *Coordinator) JoinGroup(c *call.Call, req *kmsg.JoinGroupRequest) kmsg.Response {
	j := &joiner{c: c, req: req, resp: req.ResponseKind().(*kmsg.JoinGroupResponse)}
	if err := x.joinError(c, req); err != nil {
		return j.refuse(err)
	}
	g := x.groups[req.Group]
	if g == nil && req.MemberID != "" {
		return j.refuse(kerr.UnknownMemberID)
	}
	g = x.obtain(req.Group)
	if b, ok := g.body.(*consumer); ok {
		if b.size() > 0 {
			return b.joinClassic(j)
		}
		g.body = newClassic(g)
	}
	defer x.drop(g)
	return g.body.(*classic).join(j)
}

// joinError says what is wrong with the request in itself.
func (x *Coordinator) joinError(c *call.Call, req *kmsg.JoinGroupRequest) *kerr.Error {
	if err := x.memberError(c, req.Group); err != nil {
		return err
	}
	least := x.number("group.min.session.timeout.ms", 6000)
	most := x.number("group.max.session.timeout.ms", 1800000)
	if s := int64(req.SessionTimeoutMillis); s < least || s > most {
		return kerr.InvalidSessionTimeout
	}
	return nil
}

// refuse answers with an error.
func (j *joiner) refuse(err *kerr.Error) kmsg.Response {
	j.resp.ErrorCode = err.Code
	j.resp.MemberID = j.req.MemberID
	if err == kerr.GroupMaxSizeReached {
		j.resp.MemberID = ""
	}
	return j.resp
}

// session returns how long the member may be silent.
func (j *joiner) session() time.Duration {
	return time.Duration(j.req.SessionTimeoutMillis) * time.Millisecond
}

// patience returns how long the member may take to rejoin. Version 0 has one
// timeout for both; the client of later ones may name none.
func (j *joiner) patience() time.Duration {
	if j.req.Version == 0 || j.req.RebalanceTimeoutMillis < 0 {
		return j.session()
	}
	return time.Duration(j.req.RebalanceTimeoutMillis) * time.Millisecond
}

// protocols copies what the member knows out of the frame.
func (j *joiner) protocols() []protocol {
	known := make([]protocol, len(j.req.Protocols))
	for i, p := range j.req.Protocols {
		known[i] = protocol{name: p.Name, metadata: bytes.Clone(p.Metadata)}
	}
	return known
}

// mustKnowID reports whether the client has to join again with an id it was
// given, so that one that never comes back leaves no member (KIP-394).
func (j *joiner) mustKnowID() bool { return j.req.Version >= 4 && j.req.InstanceID == nil }

// newID names the client as a member: by its instance, or else its client id.
func (j *joiner) newID(x *Coordinator) string {
	name := j.c.ClientID
	if j.req.InstanceID != nil {
		name = *j.req.InstanceID
	}
	return name + "-" + x.draw(j.req.Group, name)
}

func (b *classic) join(j *joiner) kmsg.Response {
	switch {
	case !b.hasRoom(j.req.MemberID):
		return j.refuse(kerr.GroupMaxSizeReached)
	case !b.supports(j.req.ProtocolType, j.req.Protocols):
		return j.refuse(kerr.InconsistentGroupProtocol)
	case j.req.MemberID == "":
		return b.joinNew(j)
	case b.promised[j.req.MemberID] != nil:
		return b.joinAs(j, j.req.MemberID)
	}
	m, err := b.check(j.req.MemberID, j.req.InstanceID)
	if err != nil {
		return j.refuse(err)
	}
	return b.rejoin(j, m)
}

// hasRoom reports whether the group is below group.max.size (KIP-389), which
// counts those who take part in the next generation.
func (b *classic) hasRoom(id string) bool {
	room := b.g.x.number("group.max.size", 1<<31-1)
	m := b.members[id]
	switch b.now {
	case stateEmpty:
		return true
	case statePreparing:
		return m != nil && m.joining != nil || int64(b.joined()) < room
	default:
		return m != nil || int64(len(b.order)) < room
	}
}

// joined counts the members that wait for the next generation.
func (b *classic) joined() (n int) {
	for _, m := range b.order {
		if m.joining != nil {
			n++
		}
	}
	return n
}

func (b *classic) joinNew(j *joiner) kmsg.Response {
	id := j.newID(b.g.x)
	switch {
	case j.mustKnowID():
		b.promise(id, j.session())
		j.resp.ErrorCode = kerr.MemberIDRequired.Code
		j.resp.MemberID = id
		return j.resp
	case j.req.InstanceID != nil && b.static[*j.req.InstanceID] != nil:
		return b.replace(j, b.static[*j.req.InstanceID], id)
	default:
		return b.joinAs(j, id)
	}
}

// joinAs takes the client in as a new member.
func (b *classic) joinAs(j *joiner, id string) kmsg.Response {
	m := &member{id: id, instance: j.req.InstanceID, isNew: true}
	if len(b.order) == 0 {
		b.kindOf = j.req.ProtocolType
	}
	b.update(j, m)
	b.add(m)
	b.newcomers = true
	b.wait(j, m)
	b.expireIn(m, newMemberWait)
	b.rebalance()
	return nil
}

// update takes over what the client says of itself.
func (b *classic) update(j *joiner, m *member) {
	m.clientID, m.host = j.c.ClientID, j.c.Host
	m.session, m.rebalance = j.session(), j.patience()
	m.protocols = j.protocols()
}

// wait parks the request until the next generation. One that waited already,
// from a connection that was lost, is not heard any more.
func (b *classic) wait(j *joiner, m *member) {
	m.joining.refuse(kerr.RebalanceInProgress)
	m.joining = &joining{parked: j.c.Park(), resp: j.resp}
	if !m.isNew {
		m.expiry.Stop()
	}
}

// rejoin is the join of a member. One that brings something new, and a leader
// who wants to assign anew, make the others rejoin too.
func (b *classic) rejoin(j *joiner, m *member) kmsg.Response {
	leads := b.now == stateStable && b.leader == m.id
	if b.now == statePreparing || leads || !m.matches(j.protocols()) {
		b.update(j, m)
		b.wait(j, m)
		b.rebalance()
		return nil
	}
	// The answer was lost, or a follower asks for nothing new.
	b.live(m)
	b.answerJoin(m, j.resp)
	return j.resp
}

// replace gives a static member's place to the client that comes back under
// its instance id (KIP-345). While its word changes nothing the others go on.
func (b *classic) replace(j *joiner, m *member, id string) kmsg.Response {
	before := b.leader
	b.rename(m, id)
	b.update(j, m)
	if b.now != stateStable || b.elect() != b.protocol {
		b.wait(j, m)
		b.rebalance()
		return nil
	}
	b.renew(m)
	b.answerJoin(m, j.resp)
	switch {
	case j.req.Version >= 9:
		j.resp.SkipAssignment = b.leader == m.id // KIP-814
	case b.leader == m.id:
		// Older clients would assign if told that they lead.
		j.resp.LeaderID, j.resp.Members = before, nil
	}
	return j.resp
}

// rename gives the member a new id. The client that had the old one is fenced.
func (b *classic) rename(m *member, id string) {
	if m.joining != nil {
		m.joining.resp.MemberID = m.id
	}
	m.joining.refuse(kerr.FencedInstanceID)
	m.syncing.refuse(kerr.FencedInstanceID)
	m.joining, m.syncing = nil, nil
	m.expiry.Stop()
	delete(b.members, m.id)
	b.members[id] = m
	if b.leader == m.id {
		b.leader = id
	}
	m.id = id
}

// answerJoin fills in the generation as the member is told of it.
func (b *classic) answerJoin(m *member, resp *kmsg.JoinGroupResponse) {
	resp.Generation = b.generation
	resp.ProtocolType, resp.Protocol = kmsg.StringPtr(b.kindOf), kmsg.StringPtr(b.protocol)
	resp.LeaderID, resp.MemberID = b.leader, m.id
	if m.id != b.leader {
		return
	}
	for _, o := range b.order {
		told := kmsg.NewJoinGroupResponseMember()
		told.MemberID, told.InstanceID = o.id, o.instance
		told.ProtocolMetadata = o.metadata(b.protocol)
		resp.Members = append(resp.Members, told)
	}
}

// refuse answers a request that waits with an error.
func (w *joining) refuse(err *kerr.Error) {
	if w == nil {
		return
	}
	w.resp.ErrorCode = err.Code
	w.parked.Answer(w.resp)
}
