// Brokers: which there are, how they are, and what changes when one goes.

package state

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A Condition is how a broker is.
type Condition int

// The conditions of a broker.
const (
	Up      Condition = iota // it serves
	Silent                   // it is dead, and the cluster has not noticed yet
	Fenced                   // it is stopped or dead, and the cluster knows
	Removed                  // it will not come back
)

// A Broker is one member of the cluster.
type Broker struct {
	ID        int32
	Rack      string
	Condition Condition
	Epoch     int64 // raised by each start
}

// Brokers returns all brokers that were not removed, by id.
func (c *Cluster) Brokers() []*Broker { return c.brokers }

// Broker returns a broker by id.
func (c *Cluster) Broker(id int32) (*Broker, bool) {
	at, ok := slices.BinarySearchFunc(c.brokers, id, func(b *Broker, id int32) int { return cmp.Compare(b.ID, id) })
	if !ok {
		return nil, false
	}
	return c.brokers[at], true
}

// Serves reports whether a broker serves.
func (c *Cluster) Serves(id int32) bool {
	b, ok := c.Broker(id)
	return ok && b.Condition == Up
}

// listed reports whether the cluster believes the broker to serve.
func (c *Cluster) listed(id int32) bool {
	b, ok := c.Broker(id)
	return ok && (b.Condition == Up || b.Condition == Silent)
}

// Controller returns the id of the active controller, -1 if no broker is up.
func (c *Cluster) Controller() int32 { return c.controller }

// MoveController makes a broker that is up the active controller.
func (c *Cluster) MoveController(id int32) error {
	if !c.Serves(id) {
		return kerr.BrokerNotAvailable
	}
	c.lead(id)
	return nil
}

// lead makes a broker the active controller, or with -1 none.
func (c *Cluster) lead(id int32) {
	c.controller = id
	c.admin.quorumEpoch++
}

// StopBroker stops a broker as a controlled shutdown does: its leaderships
// and coordinators move first, and it leaves the in-sync replicas at once.
func (c *Cluster) StopBroker(id int32) {
	if b, ok := c.Broker(id); ok && b.Condition == Up {
		b.Condition = Silent
		c.fence(b)
	}
}

// KillBroker stops a broker as a power cut does: the cluster notices when the
// broker's session ends, after broker.session.timeout.ms. Until then clients
// are sent to it, and the high watermark waits for it.
func (c *Cluster) KillBroker(id int32) {
	b, ok := c.Broker(id)
	if !ok || b.Condition != Up {
		return
	}
	b.Condition = Silent
	c.freezeReplicas(id)
	epoch := b.Epoch
	session := time.Duration(c.SettingInt("broker.session.timeout.ms")) * time.Millisecond
	c.Agenda.After(session, "broker session", strconv.Itoa(int(id)), func() {
		if b.Condition == Silent && b.Epoch == epoch {
			c.fence(b)
		}
	})
}

// fence takes a broker that no longer serves out of everything.
func (c *Cluster) fence(b *Broker) {
	b.Condition = Fenced
	if c.controller == b.ID {
		c.lead(c.firstUp())
	}
	c.freezeReplicas(b.ID)
	for p := range c.partitions() {
		p.fenced(b.ID)
	}
	c.moveCoordinatorsFrom(b.ID)
}

// StartBroker starts a broker that was stopped or killed. It catches up and
// joins the in-sync replicas of its partitions again; leaderships that have
// moved stay where they are.
func (c *Cluster) StartBroker(id int32) {
	b, ok := c.Broker(id)
	if !ok || b.Condition == Up {
		return
	}
	if b.Condition == Silent {
		c.fence(b) // a start is a new registration: the old one ends
	}
	b.Condition = Up
	b.Epoch++
	if c.controller < 0 {
		c.lead(id)
	}
	for p := range c.partitions() {
		p.unfenced(id)
	}
	c.adoptCoordinators()
}

// AddBroker adds a broker. It leads and follows nothing until partitions are
// created or moved.
func (c *Cluster) AddBroker(m Member) error {
	byID := func(b *Broker, id int32) int { return cmp.Compare(b.ID, id) }
	at, exists := slices.BinarySearchFunc(c.brokers, m.ID, byID)
	if exists {
		return kerr.DuplicateBrokerRegistration
	}
	if err := ownSettings(c.settings, m); err != nil {
		return err
	}
	c.brokers = slices.Insert(c.brokers, at, &Broker{ID: m.ID, Rack: m.Rack, Condition: Up})
	if c.controller < 0 {
		c.lead(m.ID)
	}
	c.adoptCoordinators()
	return nil
}

// RemoveBroker stops a broker for good. Its replicas stay assigned to it, as
// in Kafka, until they are reassigned.
func (c *Cluster) RemoveBroker(id int32) {
	b, ok := c.Broker(id)
	if !ok {
		return
	}
	if b.Condition == Up || b.Condition == Silent {
		b.Condition = Silent
		c.fence(b)
	}
	b.Condition = Removed
	c.brokers = slices.DeleteFunc(slices.Clone(c.brokers), func(o *Broker) bool { return o == b })
}

// firstUp returns the lowest id of a broker that serves; -1 if none does.
func (c *Cluster) firstUp() int32 {
	for _, b := range c.brokers {
		if b.Condition == Up {
			return b.ID
		}
	}
	return -1
}

// upIDs returns the ids of the brokers that serve.
func (c *Cluster) upIDs() (ids []int32) {
	for _, b := range c.brokers {
		if b.Condition == Up {
			ids = append(ids, b.ID)
		}
	}
	return ids
}
