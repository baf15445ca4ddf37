// Coordinators: which broker keeps a group or a transactional id.

package state

import (
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// coordinatorSlots is how many slots keys are hashed to, each of which has one
// coordinator: Kafka's default of offsets.topic.num.partitions.
const coordinatorSlots = 50

// A slot is a share of all groups and transactional ids. Every cluster has many
// of them, so they are small.
type slot struct {
	loading int64 // until then its coordinator loads what it keeps, by Unix time in nanoseconds
	broker  int32
	epoch   int32 // how often the slot has moved
}

// slotOf hashes a key as Kafka does: Java's String.hashCode.
func slotOf(key string) int {
	var h int32
	for _, r := range key {
		if r > 0xffff { // Java hashes the two surrogates
			r -= 0x10000
			h = 31*h + (0xd800 + r>>10)
			r = 0xdc00 + r&0x3ff
		}
		h = 31*h + r
	}
	return int(h&0x7fffffff) % coordinatorSlots
}

// placeCoordinators spreads the slots over the brokers that serve.
func (c *Cluster) placeCoordinators() {
	ids := c.upIDs()
	for i := range c.slots {
		c.slots[i].broker = ids[i%len(ids)]
	}
}

// moveCoordinatorsFrom gives the slots of a broker to those that serve.
func (c *Cluster) moveCoordinatorsFrom(id int32) {
	ids := c.upIDs()
	for i := range c.slots {
		if c.slots[i].broker != id {
			continue
		}
		next := int32(-1)
		if len(ids) > 0 {
			next = ids[i%len(ids)]
		}
		c.moveSlot(i, next)
	}
}

// adoptCoordinators gives slots that have no coordinator to those that serve.
func (c *Cluster) adoptCoordinators() { c.moveCoordinatorsFrom(-1) }

func (c *Cluster) moveSlot(i int, to int32) {
	c.slots[i] = slot{broker: to, loading: c.Agenda.Now().Add(c.loadTime).UnixNano(), epoch: c.slots[i].epoch + 1}
	c.groupsMoved(i)
}

// SetCoordinatorLoadTime sets for how long a coordinator that has moved
// answers COORDINATOR_LOAD_IN_PROGRESS; at first not at all.
func (c *Cluster) SetCoordinatorLoadTime(d time.Duration) { c.loadTime = d }

// MoveCoordinator makes a broker that serves the coordinator of a key, and of
// the keys that share its slot.
func (c *Cluster) MoveCoordinator(key string, to int32) error {
	if !c.Serves(to) {
		return kerr.BrokerNotAvailable
	}
	c.moveSlot(slotOf(key), to)
	return nil
}

// Coordinator returns the broker that coordinates a key; -1 if none does.
func (c *Cluster) Coordinator(key string) int32 { return c.slots[slotOf(key)].broker }

// CoordinatorError says why a broker does not coordinate a key at present; nil
// if it does.
func (c *Cluster) CoordinatorError(broker int32, key string) *kerr.Error {
	s := c.slots[slotOf(key)]
	switch {
	case s.broker != broker:
		return kerr.NotCoordinator
	case c.Agenda.Now().UnixNano() < s.loading:
		return kerr.CoordinatorLoadInProgress
	}
	return nil
}

func coordinatorAPIs() []api {
	return []api{serves(kmsg.FindCoordinator, 0, 6, (*Cluster).findCoordinator)}
}

// The kinds of key that FindCoordinator knows; share groups are not served.
const (
	groupKey = iota
	txnKey
)

func (c *Cluster) findCoordinator(x *call.Call, req *kmsg.FindCoordinatorRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
	if req.Version < 4 {
		found := c.coordinatorOf(x, req.CoordinatorType, req.CoordinatorKey)
		resp.ErrorCode, resp.ErrorMessage = found.ErrorCode, found.ErrorMessage
		resp.NodeID, resp.Host, resp.Port = found.NodeID, found.Host, found.Port
		return resp
	}
	for _, key := range req.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, c.coordinatorOf(x, req.CoordinatorType, key))
	}
	return resp
}

func (c *Cluster) coordinatorOf(x *call.Call, kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	found := kmsg.NewFindCoordinatorResponseCoordinator()
	found.Key, found.NodeID, found.Port = key, -1, -1
	refuse := func(err *kerr.Error, why string) kmsg.FindCoordinatorResponseCoordinator {
		found.ErrorCode, found.ErrorMessage = err.Code, &why
		return found
	}
	switch kind {
	case groupKey:
		if !x.AllowsGroup(kmsg.ACLOperationDescribe, key) {
			return refuse(kerr.GroupAuthorizationFailed, "not allowed to describe the group")
		}
		c.ensureInternal(offsetsTopic)
	case txnKey:
		if !x.AllowsTxn(kmsg.ACLOperationDescribe, key) {
			return refuse(kerr.TransactionalIDAuthorizationFailed, "not allowed to describe the transactional id")
		}
		c.ensureInternal(txnTopic)
	default:
		return refuse(kerr.InvalidRequest, "there is no coordinator for keys of type "+strconv.Itoa(int(kind)))
	}
	id := c.Coordinator(key)
	host, port, ok := c.config.Endpoint(x, id)
	if id < 0 || !ok {
		return refuse(kerr.CoordinatorNotAvailable, "no broker serves at present")
	}
	found.NodeID, found.Host, found.Port = id, host, port
	return found
}
