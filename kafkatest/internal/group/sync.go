// SyncGroup, Heartbeat and LeaveGroup: the life of a classic member.

package group

import (
	"bytes"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A syncing is a SyncGroup request that waits for the leader's word.
type syncing struct {
	parked *call.Parked
	resp   *kmsg.SyncGroupResponse
}

func (w *syncing) refuse(err *kerr.Error) {
	if w == nil {
		return
	}
	w.resp.ErrorCode = err.Code
	w.parked.Answer(w.resp)
}

// SyncGroup brings the leader's assignment in, and each member's part out.
func (x *Coordinator) SyncGroup(c *call.Call, req *kmsg.SyncGroupRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SyncGroupResponse)
	resp.MemberAssignment = []byte{}
	err := x.syncError(c, req)
	if err == nil {
		switch b := x.body(req.Group).(type) {
		case *classic:
			return b.sync(c, req, resp)
		case *consumer:
			err = b.syncClassic(req, resp)
		default:
			err = kerr.UnknownMemberID
		}
	}
	resp.ErrorCode = call.Code(err)
	return resp
}

// syncError says what is wrong with the request in itself: from version 5 on
// it must name the protocol (KIP-559).
func (x *Coordinator) syncError(c *call.Call, req *kmsg.SyncGroupRequest) *kerr.Error {
	if req.Version >= 5 && (req.ProtocolType == nil || req.Protocol == nil) {
		return kerr.InconsistentGroupProtocol
	}
	return x.memberError(c, req.Group)
}

// body returns the body of the group; nil if there is no such group.
func (x *Coordinator) body(name string) body {
	if g := x.find(name); g != nil {
		return g.body
	}
	return nil
}

func (b *classic) sync(c *call.Call, req *kmsg.SyncGroupRequest, resp *kmsg.SyncGroupResponse) kmsg.Response {
	m, err := b.syncer(req)
	if err != nil {
		resp.ErrorCode = err.Code
		return resp
	}
	m.unsynced = false
	if b.now == stateStable {
		b.renew(m)
		b.stopIfSynced()
		b.answerSync(m, resp)
		return resp
	}
	m.syncing.refuse(kerr.RebalanceInProgress)
	m.syncing = &syncing{parked: c.Park(), resp: resp}
	m.expiry.Stop()
	if m.id == b.leader {
		b.assign(req.GroupAssignment)
	}
	b.stopIfSynced()
	return nil
}

// syncer returns the member that syncs, or says why it may not.
func (b *classic) syncer(req *kmsg.SyncGroupRequest) (*member, *kerr.Error) {
	m, err := b.check(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return nil, err
	case req.Generation != b.generation:
		return nil, kerr.IllegalGeneration
	case req.ProtocolType != nil && *req.ProtocolType != b.kindOf,
		req.Protocol != nil && *req.Protocol != b.protocol:
		return nil, kerr.InconsistentGroupProtocol
	case b.now == statePreparing:
		return nil, kerr.RebalanceInProgress
	}
	return m, nil
}

// assign takes the leader's word and hands it out. A member that the leader
// forgot gets nothing.
func (b *classic) assign(said []kmsg.SyncGroupRequestGroupAssignment) {
	parts := make(map[string][]byte, len(said))
	for _, s := range said {
		parts[s.MemberID] = s.MemberAssignment
	}
	for _, m := range b.order {
		m.assignment = bytes.Clone(parts[m.id])
	}
	b.now = stateStable
	b.g.record(b.generation, b.assigned())
	for _, m := range b.order {
		if m.syncing == nil {
			continue
		}
		b.renew(m)
		b.answerSync(m, m.syncing.resp)
		m.syncing.parked.Answer(m.syncing.resp)
		m.syncing = nil
	}
}

func (b *classic) answerSync(m *member, resp *kmsg.SyncGroupResponse) {
	resp.ProtocolType, resp.Protocol = kmsg.StringPtr(b.kindOf), kmsg.StringPtr(b.protocol)
	if m.assignment != nil {
		resp.MemberAssignment = m.assignment
	}
}

// stopIfSynced takes the deadline off the agenda once nobody is missing.
func (b *classic) stopIfSynced() {
	for _, m := range b.order {
		if m.unsynced {
			return
		}
	}
	if b.now == stateStable {
		b.deadline.Stop()
	}
}

// Heartbeat shows that a member lives, and tells it of a rebalance.
func (x *Coordinator) Heartbeat(c *call.Call, req *kmsg.HeartbeatRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
	err := x.memberError(c, req.Group)
	if err == nil {
		switch b := x.body(req.Group).(type) {
		case *classic:
			err = b.heartbeat(req)
		case *consumer:
			err = b.heartbeatClassic(req)
		default:
			err = kerr.UnknownMemberID
		}
	}
	if err == kerr.CoordinatorLoadInProgress {
		err = nil // what is loaded may have the member: it is to go on, as in Kafka
	}
	resp.ErrorCode = call.Code(err)
	return resp
}

func (b *classic) heartbeat(req *kmsg.HeartbeatRequest) *kerr.Error {
	m, err := b.check(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return err
	case req.Generation != b.generation:
		return kerr.IllegalGeneration
	}
	b.live(m)
	if b.now == statePreparing {
		return kerr.RebalanceInProgress
	}
	return nil
}

// live renews the session of a member that was heard of. While a request of
// it waits, its silence is no sign.
func (b *classic) live(m *member) {
	if m.joining == nil && m.syncing == nil {
		b.renew(m)
	}
}

func (b *classic) committed(id string) {
	m := b.members[id]
	if m != nil && (b.now == stateStable || b.now == statePreparing) {
		b.live(m)
	}
}

// LeaveGroup takes members out; from version 3 on several, by id or by
// instance (KIP-345).
func (x *Coordinator) LeaveGroup(c *call.Call, req *kmsg.LeaveGroupRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.LeaveGroupResponse)
	if err := x.memberError(c, req.Group); err != nil {
		resp.ErrorCode = err.Code
		return resp
	}
	leave := func(string, *string) *kerr.Error { return kerr.UnknownMemberID }
	after := func() {}
	if g := x.groups[req.Group]; g != nil {
		defer x.drop(g)
		leave, after = g.leaving()
	}
	if req.Version < 3 {
		resp.ErrorCode = call.Code(leave(req.MemberID, nil))
	}
	for _, m := range req.Members {
		left := kmsg.NewLeaveGroupResponseMember()
		left.MemberID, left.InstanceID = m.MemberID, m.InstanceID
		left.ErrorCode = call.Code(leave(m.MemberID, m.InstanceID))
		resp.Members = append(resp.Members, left)
	}
	after()
	return resp
}

// leaving returns how a member leaves the group, and what is to be done when
// all have that leave together.
func (g *group) leaving() (leave func(id string, instance *string) *kerr.Error, after func()) {
	if b, ok := g.body.(*consumer); ok {
		return b.leaveClassic, b.settle
	}
	b := g.body.(*classic)
	before := len(b.order)
	return b.leave, func() {
		if len(b.order) < before {
			b.rebalance()
		}
		b.completeIfAllJoined()
	}
}

func (b *classic) leave(id string, instance *string) *kerr.Error {
	if instance == nil && b.promised[id] != nil {
		b.promised[id].Stop()
		delete(b.promised, id)
		return nil
	}
	if m := b.static[text(instance)]; id == "" && instance != nil && m != nil {
		id = m.id // an admin removes it by its instance alone
	}
	m, err := b.check(id, instance)
	if err != nil {
		return err
	}
	b.remove(m)
	return nil
}
