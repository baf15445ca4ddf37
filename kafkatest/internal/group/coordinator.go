// The coordinator: all groups, and what they ask of the cluster.

package group

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Topic is what groups need to know of one.
type Topic struct {
	Name       string
	ID         [16]byte
	Partitions int32
}

// A Cluster is what the coordinator asks of the rest of the state.
type Cluster interface {
	// CoordinatorError says why the broker does not serve the group now
	// (NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
	// COORDINATOR_NOT_AVAILABLE); nil if it does.
	CoordinatorError(broker int32, group string) *kerr.Error

	Topic(name string) (Topic, bool)
	TopicByID(id [16]byte) (Topic, bool)
	TopicNames() []string // sorted

	// Setting returns a broker's config by Kafka's name; "" stands for
	// Kafka's default, except that groups wait for no initial rebalance.
	Setting(name string) string

	// GroupSetting returns a group's config by Kafka's name, such as
	// consumer.session.timeout.ms, or what the brokers have for it.
	GroupSetting(group, name string) string

	// TxnError says why the producer may not commit the group's offsets in
	// its transaction; nil if it may.
	TxnError(c *call.Call, txn Txn, group string) *kerr.Error
}

// A Txn is what a TxnOffsetCommit request says of its transaction.
type Txn struct {
	ID            string
	ProducerID    int64
	ProducerEpoch int16
	Version       int16 // of the request: from 5 on it adds the group by itself (KIP-890)
}

// A Config is what a coordinator is made of; each field must be given.
type Config struct {
	Seed    call.Seed    // names members; no default, zero is a seed like any other
	Agenda  *call.Agenda // holds the deadlines; no default, since time is the shell's
	Cluster Cluster      // no default: a coordinator has no topics of its own
}

// A Coordinator holds the groups of a cluster. New makes one.
type Coordinator struct {
	seed    call.Seed
	agenda  *call.Agenda
	cluster Cluster
	groups  map[string]*group
	drawn   map[string]int    // member ids given out, by group and client id
	manual  map[string]Target // what SetTarget said, by group
	changes uint64            // of topics, so far
}

// New returns a coordinator without groups.
func New(cfg Config) *Coordinator {
	return &Coordinator{
		seed:    cfg.Seed,
		agenda:  cfg.Agenda,
		cluster: cfg.Cluster,
		groups:  make(map[string]*group),
		drawn:   make(map[string]int),
		manual:  make(map[string]Target),
	}
}

// Names returns the names of the groups there are, sorted.
func (x *Coordinator) Names() []string { return slices.Sorted(maps.Keys(x.groups)) }

// TopicsChanged tells that topics or partitions came or went. Consumer groups
// take it into account with their members' next heartbeats, as in Kafka.
func (x *Coordinator) TopicsChanged() { x.changes++ }

// TopicsDeleted forgets what was committed for the topics: Kafka drops the
// offsets of partitions that are no more.
func (x *Coordinator) TopicsDeleted(topics []string) {
	gone := make(map[string]bool, len(topics))
	for _, topic := range topics {
		gone[topic] = true
	}
	for _, g := range x.groups { // none hangs on another
		g.forgetTopics(gone)
	}
	x.TopicsChanged()
}

// Moved tells that another broker has come to coordinate the group. Who waits
// for an answer is sent on with NOT_COORDINATOR, and every member has its whole
// session to find the new one, as when a coordinator loads a group.
func (x *Coordinator) Moved(name string) {
	if g := x.groups[name]; g != nil {
		g.body.moved()
	}
}

// coordinatorError says why the broker that was asked does not answer for the
// group; nil if it does.
func (x *Coordinator) coordinatorError(c *call.Call, group string) *kerr.Error {
	return x.cluster.CoordinatorError(c.Broker, group)
}

// memberError is coordinatorError for what only members ask, who cannot be in
// a group without a name.
func (x *Coordinator) memberError(c *call.Call, group string) *kerr.Error {
	switch {
	case !c.AllowsGroup(kmsg.ACLOperationRead, group):
		return kerr.GroupAuthorizationFailed
	case group == "":
		return kerr.InvalidGroupID
	default:
		return x.coordinatorError(c, group)
	}
}

// find returns the group, or nil. A group of which nothing is known but ids
// given out to future members is not there yet.
func (x *Coordinator) find(name string) *group {
	if g := x.groups[name]; g != nil && !g.blank() {
		return g
	}
	return nil
}

// obtain returns the group, which is created as an empty classic one if need
// be.
func (x *Coordinator) obtain(name string) *group {
	g := x.groups[name]
	if g == nil {
		g = &group{x: x, name: name}
		g.body = newClassic(g)
		x.groups[name] = g
	}
	return g
}

// drop forgets the group if nothing is left of it.
func (x *Coordinator) drop(g *group) {
	if g.void() {
		x.remove(g)
	}
}

func (x *Coordinator) remove(g *group) {
	g.expiry.Stop()
	delete(x.groups, g.name)
}

// draw names a new member. The counter is of the group and the client id, so
// that clients which race do not change each other's ids.
func (x *Coordinator) draw(group, client string) string {
	key := strconv.Quote(group) + client
	x.drawn[key]++
	return x.seed.Dashed("group member", group, client, strconv.Itoa(x.drawn[key]))
}

// number returns a broker's config that is a number.
func (x *Coordinator) number(name string, def int64) int64 {
	return parse(x.cluster.Setting(name), def)
}

// millis returns a broker's config that is in milliseconds.
func (x *Coordinator) millis(name string, def time.Duration) time.Duration {
	return time.Duration(x.number(name, def.Milliseconds())) * time.Millisecond
}

// groupMillis is millis for the config of a group.
func (x *Coordinator) groupMillis(group, name string, def time.Duration) time.Duration {
	return time.Duration(parse(x.cluster.GroupSetting(group, name), def.Milliseconds())) * time.Millisecond
}

func parse(s string, def int64) int64 {
	if s == "" {
		return def
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return def
}

// text returns the nullable string, "" for null.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// distinct returns the names, each once, in the order in which they come first.
func distinct(names []string) []string {
	seen := make(map[string]bool, len(names))
	var once []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			once = append(once, name)
		}
	}
	return once
}

// sortedKeys returns the keys of a map in their order: no map order may show.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
