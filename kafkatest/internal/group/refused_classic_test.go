// What JoinGroup, SyncGroup and Heartbeat refuse.

package group_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestJoinGroupRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		want *kerr.Error
		do   func(w *world, req *kmsg.JoinGroupRequest)
	}{
		{"a session too short", kerr.InvalidSessionTimeout,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 5999 }},
		{"a session too long", kerr.InvalidSessionTimeout,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 1800001 }},
		{"a session beyond the brokers' setting", kerr.InvalidSessionTimeout,
			func(w *world, _ *kmsg.JoinGroupRequest) { w.settings["group.max.session.timeout.ms"] = "9999" }},
		{"a group without name", kerr.InvalidGroupID, func(_ *world, r *kmsg.JoinGroupRequest) { r.Group = "" }},
		{"an id it did not give, to a new group", kerr.UnknownMemberID,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.Group, r.MemberID = "new", "x" }},
		{"an id it did not give", kerr.UnknownMemberID, func(_ *world, r *kmsg.JoinGroupRequest) { r.MemberID = "x" }},
		{"no protocol", kerr.InconsistentGroupProtocol, func(_ *world, r *kmsg.JoinGroupRequest) { r.Protocols = nil }},
		{"no protocol, to a new group", kerr.InconsistentGroupProtocol,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.Group, r.Protocols = "new", nil }},
		{"another type", kerr.InconsistentGroupProtocol,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }},
		{"no protocol in common", kerr.InconsistentGroupProtocol,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = "own" }},
		{"one too many", kerr.GroupMaxSizeReached,
			func(w *world, _ *kmsg.JoinGroupRequest) { w.settings["group.max.size"] = "1" }},
		{"who may not read the group", kerr.GroupAuthorizationFailed, func(w *world, _ *kmsg.JoinGroupRequest) {
			w.allow = func(op kmsg.ACLOperation, _ kmsg.ACLResourceType, _ string) bool {
				return op != kmsg.ACLOperationRead
			}
		}},
		{"at another broker", kerr.NotCoordinator,
			func(w *world, _ *kmsg.JoinGroupRequest) { w.moved = kerr.NotCoordinator }},
		{"an instance with a member's id it has not", kerr.UnknownMemberID, func(_ *world, r *kmsg.JoinGroupRequest) {
			r.InstanceID, r.MemberID = kmsg.StringPtr("i"), "x"
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, nil)
			settle(t, w.client("alice", "g"))
			req := w.client("bob", "g").joinRequest()
			row.do(w, req)
			wantCode(t, joined(w.ask("bob", req)).ErrorCode, row.want)
			if s := w.groups.Snapshot("new"); s.State != "Dead" {
				t.Fatalf("a refused join left a group: %+v", s)
			}
		})
	}
}

func TestAMemberIsHeldToItsIDAndGeneration(t *testing.T) {
	for _, row := range []struct {
		name string
		want *kerr.Error
		do   func(c *client)
	}{
		{"an old generation", kerr.IllegalGeneration, func(c *client) { c.generation-- }},
		{"a generation to come", kerr.IllegalGeneration, func(c *client) { c.generation++ }},
		{"an id it has not", kerr.UnknownMemberID, func(c *client) { c.id = "x" }},
		{"an unknown group", kerr.UnknownMemberID, func(c *client) { c.group = "nowhere" }},
		{"an unknown instance", kerr.UnknownMemberID, func(c *client) { c.static("i") }},
		{"a group without name", kerr.InvalidGroupID, func(c *client) { c.group = "" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c := w.client("alice", "g")
			settle(t, c)
			row.do(c)
			wantCode(t, c.heartbeat(), row.want)
			wantCode(t, synced(c.sync(nil)).ErrorCode, row.want)
		})
	}
}

func TestSyncGroupHoldsAMemberToTheProtocol(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(req *kmsg.SyncGroupRequest)
	}{
		{"another type", func(r *kmsg.SyncGroupRequest) { r.ProtocolType = kmsg.StringPtr("connect") }},
		{"another protocol", func(r *kmsg.SyncGroupRequest) { r.Protocol = kmsg.StringPtr("own") }},
		{"no type", func(r *kmsg.SyncGroupRequest) { r.ProtocolType = nil }},
		{"no protocol", func(r *kmsg.SyncGroupRequest) { r.Protocol = nil }},
	} {
		w := newWorld(t, nil)
		c := w.client("alice", "g")
		settle(t, c)
		req := kmsg.NewPtrSyncGroupRequest()
		req.Version, req.Group, req.MemberID, req.Generation = 5, "g", c.id, c.generation
		req.ProtocolType, req.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
		row.do(req)
		if got := synced(w.ask("alice", req)).ErrorCode; got != kerr.InconsistentGroupProtocol.Code {
			t.Errorf("%s: got %v", row.name, kerr.TypedErrorForCode(got))
		}
	}
}
