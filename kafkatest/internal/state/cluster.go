// The cluster: what it is made from, and what it holds.

package state

import (
	"slices"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A Config says what a cluster is made of.
type Config struct {
	ID       string            // the cluster id; if "", drawn from the seed
	Seed     call.Seed         // of every id and choice
	Now      time.Time         // when the cluster begins
	Brokers  []Member          // at least one, by ascending id
	Settings map[string]string // static broker configs by Kafka's names; if nil, Kafka's defaults
	Users    []security.User   // who may log in with a password; if nil, nobody
	Version  string            // the Kafka version to appear as, such as "3.9"; if "", the widest
	LogBytes int64             // what a partition holds at most, the oldest records go; if 0, 1 GiB

	// SuperUsers may do everything, besides those that super.users names. If
	// nil, as well as ACLs, and the settings name no authorizer, everybody may.
	SuperUsers []string

	// ACLs are there from the beginning. If nil, none.
	ACLs []security.ACL

	// Endpoint says how a caller, who came by some listener, reaches another
	// broker; false if that broker does not have the listener. There is no
	// default.
	Endpoint func(x *call.Call, broker int32) (host string, port int32, ok bool)
}

// A Member is a broker as it is configured.
type Member struct {
	ID   int32
	Rack string // if "", none
}

// A Cluster is the state of all brokers.
type Cluster struct {
	Agenda *call.Agenda
	Seed   call.Seed
	ID     string

	config     Config
	persona    persona
	settings   *setting.Store
	admin      admin
	groups     *group.Coordinator
	txns       *txn.Coordinator
	guards     guards
	served     *apiTable
	brokers    []*Broker // by ascending id
	controller int32
	slots      [coordinatorSlots]slot
	loadTime   time.Duration // how long a coordinator that moved is loading

	topics  map[string]*Topic
	byID    map[[16]byte]*Topic
	names   []string       // of the topics, sorted
	created map[string]int // how often each name was created
	alike   likenesses

	sessions map[sessionKey]*fetchSession
}

// New returns a cluster without topics. It fails if config names a version
// that is not known, a setting that is not allowed, or a user or an ACL that
// cannot be.
func New(config Config) (*Cluster, error) {
	persona, err := personaOf(config.Version)
	if err != nil {
		return nil, err
	}
	settings, err := newSettings(config, persona)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		Agenda:   call.NewAgenda(config.Now),
		Seed:     config.Seed,
		ID:       config.ID,
		served:   served,
		config:   config,
		persona:  persona,
		settings: settings,
		topics:   map[string]*Topic{},
		byID:     map[[16]byte]*Topic{},
		created:  map[string]int{},
		alike:    likenesses{},
		sessions: map[sessionKey]*fetchSession{},
	}
	if c.ID == "" {
		c.ID = c.Seed.Text("cluster")
	}
	for _, m := range config.Brokers {
		c.brokers = append(c.brokers, &Broker{ID: m.ID, Rack: m.Rack, Condition: Up})
	}
	c.controller = c.brokers[0].ID
	c.placeCoordinators()
	c.groups = newGroups(c)
	c.txns = newTxns(c)
	if c.guards, err = newGuards(c); err != nil {
		return nil, err
	}
	return c, nil
}

// Setting returns a broker config by Kafka's name, as it holds for brokers that
// were told nothing of their own; "" if it has no value.
func (c *Cluster) Setting(name string) string { return string(c.settings.Of(noBroker, name)) }

// SettingInt is Setting for a number; 0 if it is none.
func (c *Cluster) SettingInt(name string) int64 { return c.settings.Of(noBroker, name).Int64() }

// settingBool is Setting for a truth value.
func (c *Cluster) settingBool(name string) bool { return c.settings.Of(noBroker, name).Bool() }

// Topic returns the topic of that name.
func (c *Cluster) Topic(name string) (*Topic, bool) {
	t, ok := c.topics[name]
	return t, ok
}

// TopicByID returns the topic with that id.
func (c *Cluster) TopicByID(id [16]byte) (*Topic, bool) {
	t, ok := c.byID[id]
	return t, ok
}

// named returns a topic by its name, or, in versions that have one, by its id.
func (c *Cluster) named(byID bool, name string, id [16]byte) (*Topic, *kerr.Error) {
	if byID {
		if t, ok := c.byID[id]; ok {
			return t, nil
		}
		return nil, kerr.UnknownTopicID
	}
	if t, ok := c.topics[name]; ok {
		return t, nil
	}
	return nil, kerr.UnknownTopicOrPartition
}

// TopicNames returns the names of all topics, sorted. The slice is the
// cluster's own.
func (c *Cluster) TopicNames() []string { return c.names }

// Partition returns a partition by topic and number.
func (c *Cluster) Partition(topic string, partition int32) (*Partition, bool) {
	t, ok := c.topics[topic]
	if !ok || partition < 0 || int(partition) >= len(t.Partitions) {
		return nil, false
	}
	return t.Partitions[partition], true
}

// addTopic takes a topic in.
func (c *Cluster) addTopic(t *Topic) {
	c.topics[t.Name], c.byID[t.ID] = t, t
	at, _ := slices.BinarySearchFunc(c.names, t.Name, strings.Compare)
	c.names = slices.Insert(c.names, at, t.Name)
	c.alike.add(t.Name)
	c.topicsChanged()
}

// removeTopics lets topics go.
func (c *Cluster) removeTopics(topics []*Topic) {
	if len(topics) == 0 {
		return
	}
	var names []string
	for _, t := range topics {
		delete(c.topics, t.Name)
		delete(c.byID, t.ID)
		c.alike.remove(t.Name)
		names = append(names, t.Name)
	}
	gone := func(name string) bool { return c.topics[name] == nil }
	c.names = slices.DeleteFunc(slices.Clone(c.names), gone)
	c.groups.TopicsDeleted(names)
	c.topicsChanged()
}

// topicsChanged tells whoever depends on which topics there are and how many
// partitions they have.
func (c *Cluster) topicsChanged() { c.groups.TopicsChanged() }

// now returns the present in milliseconds, the unit of timestamps.
func (c *Cluster) now() int64 { return c.Agenda.Now().UnixMilli() }
