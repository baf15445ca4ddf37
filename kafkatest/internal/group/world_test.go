// The world that the tests tell their stories in: topics, time, and clients.

package group_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A world is a cluster as a coordinator sees it.
type world struct {
	t        testing.TB
	agenda   *call.Agenda
	groups   *group.Coordinator
	topics   map[string]group.Topic
	settings map[string]string
	moved    *kerr.Error // CoordinatorError of every group
	txn      *kerr.Error
	allow    func(kmsg.ACLOperation, kmsg.ACLResourceType, string) bool
}

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, topics map[string]int32) *world {
	w := &world{
		t: t, agenda: call.NewAgenda(dawn),
		topics: make(map[string]group.Topic), settings: make(map[string]string),
	}
	w.groups = group.New(group.Config{Seed: 7, Agenda: w.agenda, Cluster: w})
	for name, partitions := range topics {
		w.setTopic(name, partitions)
	}
	return w
}

func (w *world) setTopic(name string, partitions int32) {
	var id [16]byte
	copy(id[:], name)
	binary.BigEndian.PutUint16(id[14:], 0xabcd)
	w.topics[name] = group.Topic{Name: name, ID: id, Partitions: partitions}
	w.groups.TopicsChanged()
}

func (w *world) CoordinatorError(int32, string) *kerr.Error         { return w.moved }
func (w *world) TxnError(*call.Call, group.Txn, string) *kerr.Error { return w.txn }
func (w *world) Setting(name string) string                         { return w.settings[name] }
func (w *world) GroupSetting(_, name string) string                 { return w.settings["group."+name] }
func (w *world) Topic(name string) (group.Topic, bool)              { t, ok := w.topics[name]; return t, ok }
func (w *world) TopicByID(id [16]byte) (t group.Topic, ok bool) {
	for _, t := range w.topics {
		if t.ID == id {
			return t, true
		}
	}
	return t, false
}

func (w *world) TopicNames() (names []string) {
	for name := range w.topics {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// pass lets time go by, deadline by deadline.
func (w *world) pass(d time.Duration) {
	end := w.agenda.Now().Add(d)
	for next, ok := w.agenda.Next(); ok && !next.After(end); next, ok = w.agenda.Next() {
		w.agenda.Tick(next)
	}
	w.agenda.Tick(end)
}

// An asked is a request that was made.
type asked struct {
	t      testing.TB
	resp   kmsg.Response
	parked *call.Parked
}

// ask makes a request over the wire's encoding, so that every field is what a
// client of the request's version would have sent.
func (w *world) ask(client string, req kmsg.Request) *asked {
	w.t.Helper()
	sent := kmsg.RequestForKey(req.Key())
	sent.SetVersion(req.GetVersion())
	if err := sent.ReadFrom(req.AppendTo(nil)); err != nil {
		w.t.Fatalf("%s v%d does not decode: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	c := &call.Call{
		Now: w.agenda.Now(), Broker: 1, ClientID: client, Host: "10.0.0.1",
		Principal: "User:" + client, Agenda: w.agenda, Allow: w.allow,
	}
	return &asked{t: w.t, resp: w.handle(c, sent), parked: c.Parked()}
}

func (w *world) handle(c *call.Call, req kmsg.Request) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		return w.groups.JoinGroup(c, req)
	case *kmsg.SyncGroupRequest:
		return w.groups.SyncGroup(c, req)
	case *kmsg.HeartbeatRequest:
		return w.groups.Heartbeat(c, req)
	case *kmsg.LeaveGroupRequest:
		return w.groups.LeaveGroup(c, req)
	case *kmsg.OffsetCommitRequest:
		return w.groups.OffsetCommit(c, req)
	case *kmsg.OffsetFetchRequest:
		return w.groups.OffsetFetch(c, req)
	case *kmsg.OffsetDeleteRequest:
		return w.groups.OffsetDelete(c, req)
	case *kmsg.DescribeGroupsRequest:
		return w.groups.DescribeGroups(c, req)
	case *kmsg.ListGroupsRequest:
		return w.groups.ListGroups(c, req)
	case *kmsg.DeleteGroupsRequest:
		return w.groups.DeleteGroups(c, req)
	case *kmsg.TxnOffsetCommitRequest:
		return w.groups.TxnOffsetCommit(c, req)
	case *kmsg.ConsumerGroupHeartbeatRequest:
		return w.groups.ConsumerGroupHeartbeat(c, req)
	case *kmsg.ConsumerGroupDescribeRequest:
		return w.groups.ConsumerGroupDescribe(c, req)
	}
	w.t.Fatalf("no handler for %T", req)
	return nil
}

// waits reports whether the answer is still to come.
func (a *asked) waits() bool { return a.resp == nil && !a.parked.Answered() }

// answer returns the response, as a client decodes it.
func answer[R kmsg.Response](a *asked) R {
	a.t.Helper()
	resp := a.resp
	if resp == nil {
		if a.waits() {
			a.t.Fatal("the request still waits for its answer")
		}
		resp = a.parked.Response()
	}
	got := resp.RequestKind().ResponseKind()
	if err := got.ReadFrom(resp.AppendTo(nil)); err != nil {
		a.t.Fatalf("%T does not decode: %v", resp, err)
	}
	return got.(R)
}

func joined(a *asked) *kmsg.JoinGroupResponse {
	a.t.Helper()
	return answer[*kmsg.JoinGroupResponse](a)
}
func synced(a *asked) *kmsg.SyncGroupResponse {
	a.t.Helper()
	return answer[*kmsg.SyncGroupResponse](a)
}

// wantCode fails the test if the code is not the error's.
func wantCode(t testing.TB, got int16, want *kerr.Error) {
	t.Helper()
	if want == nil && got != 0 || want != nil && got != want.Code {
		t.Fatalf("got error %v, want %v", kerr.TypedErrorForCode(got), want)
	}
}

// A client is one that joins a classic group.
type client struct {
	w          *world
	name       string
	group      string
	instance   *string
	version    int16 // of JoinGroup
	rebalance  int32 // timeout in milliseconds
	protocols  []string
	topics     []string
	id         string
	generation int32
}

func (w *world) client(name, group string, topics ...string) *client {
	return &client{
		w: w, name: name, group: group, topics: topics,
		version: 9, rebalance: 60000, protocols: []string{"range"},
	}
}

// static gives the client an instance id.
func (c *client) static(instance string) *client {
	c.instance = &instance
	return c
}

func (c *client) joinRequest() *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = c.version, c.group, c.id, c.instance
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10000, c.rebalance
	req.ProtocolType = "consumer"
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Version, meta.Topics = 1, c.topics
	for _, name := range c.protocols {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, meta.AppendTo(nil)
		req.Protocols = append(req.Protocols, p)
	}
	return req
}

// join joins, with the id that the coordinator gives if it wants one used.
func (c *client) join() *asked {
	c.w.t.Helper()
	a := c.w.ask(c.name, c.joinRequest())
	if a.resp != nil && joined(a).ErrorCode == kerr.MemberIDRequired.Code {
		c.id = joined(a).MemberID
		a = c.w.ask(c.name, c.joinRequest())
	}
	return a
}

// took takes over what the answer to a join says.
func (c *client) took(a *asked) *kmsg.JoinGroupResponse {
	c.w.t.Helper()
	resp := joined(a)
	wantCode(c.w.t, resp.ErrorCode, nil)
	c.id, c.generation = resp.MemberID, resp.Generation
	return resp
}

func (c *client) sync(assignments map[string]string) *asked {
	c.w.t.Helper()
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = 5, c.group, c.id, c.instance
	req.Generation = c.generation
	req.ProtocolType, req.Protocol = kmsg.StringPtr("consumer"), &c.protocols[0]
	for id, said := range assignments {
		s := kmsg.NewSyncGroupRequestGroupAssignment()
		s.MemberID, s.MemberAssignment = id, []byte(said)
		req.GroupAssignment = append(req.GroupAssignment, s)
	}
	return c.w.ask(c.name, req)
}

func (c *client) heartbeat() int16 {
	c.w.t.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = 4, c.group, c.id, c.instance
	req.Generation = c.generation
	return answer[*kmsg.HeartbeatResponse](c.w.ask(c.name, req)).ErrorCode
}

func (c *client) leave() int16 {
	c.w.t.Helper()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = 5, c.group
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID, m.InstanceID = c.id, c.instance
	req.Members = append(req.Members, m)
	return answer[*kmsg.LeaveGroupResponse](c.w.ask(c.name, req)).Members[0].ErrorCode
}

func (c *client) commit(topic string, partition int32, offset int64) int16 {
	c.w.t.Helper()
	req := commitRequest(9, c.group, topic, partition, offset)
	req.MemberID, req.InstanceID, req.Generation = c.id, c.instance, c.generation
	return committed(c.w.ask(c.name, req))
}

func commitRequest(version int16, name, topic string, partition int32, offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = version, name
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch = partition, offset, -1
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// committed returns the error of the first partition.
func committed(a *asked) int16 {
	a.t.Helper()
	return answer[*kmsg.OffsetCommitResponse](a).Topics[0].Partitions[0].ErrorCode
}

// settle brings the clients to one stable generation, the first of them
// leading if it is new.
func settle(t testing.TB, clients ...*client) {
	t.Helper()
	var joins []*asked
	for _, c := range clients {
		joins = append(joins, c.join())
	}
	// Some may have begun a generation before the others were there.
	for slices.ContainsFunc(joins, (*asked).waits) {
		for i, c := range clients {
			if !joins[i].waits() {
				c.took(joins[i])
				joins[i] = c.join()
			}
		}
	}
	for i, c := range clients {
		c.took(joins[i])
	}
	var syncs []*asked
	for _, c := range clients {
		syncs = append(syncs, c.sync(nil))
	}
	for _, s := range syncs {
		wantCode(t, synced(s).ErrorCode, nil)
	}
}
