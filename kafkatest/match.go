// Conditions on exchanges, for rules.

package kafkatest

import (
	"slices"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// On holds for requests to one of the APIs; for all if none is given.
func On(keys ...kmsg.Key) rule.When[Exchange] {
	return func(e Exchange) bool { return len(keys) == 0 || slices.Contains(keys, kmsg.Key(e.Request.Key())) }
}

// Versions holds for requests to an API in the versions from lowest to highest.
func Versions(key kmsg.Key, lowest, highest int16) rule.When[Exchange] {
	return func(e Exchange) bool {
		version := e.Request.GetVersion()
		return e.Request.Key() == key.Int16() && lowest <= version && version <= highest
	}
}

// Topic holds for requests about a topic, or about one of the given partitions
// of it; whether the request names the topic or, as newer versions do, its id.
//
// An error that a rule decides is answered for what its condition found: where
// it asked for a topic, other topics of the request are served. Of two
// conditions joined by Or, that is what the first that held found.
func Topic(name string, partitions ...int32) rule.When[Exchange] {
	return at(finding{topic: true, keep: func(m matter) bool {
		return m.topic == name &&
			(len(partitions) == 0 || m.partition == noPartition || slices.Contains(partitions, m.partition))
	}})
}

// OfGroup holds for requests about a group. Errors go to what it found, as with
// Topic.
func OfGroup(name string) rule.When[Exchange] {
	return at(finding{keep: func(m matter) bool { return m.group == name }})
}

// TxnID holds for requests about a transactional id. Errors go to what it
// found, as with Topic.
func TxnID(id string) rule.When[Exchange] {
	return at(finding{keep: func(m matter) bool { return m.txn == id }})
}

// at holds for requests about a matter, and notes where it found it.
func at(f finding) rule.When[Exchange] {
	return func(e Exchange) bool {
		s := sieve{keep: f.keep, topicName: e.topicName}
		s.request(e.expanded())
		if s.kept == 0 {
			return false
		}
		if e.found != nil {
			*e.found = append(*e.found, f)
		}
		return true
	}
}

// Client holds for requests of clients with that client id.
func Client(id string) rule.When[Exchange] {
	return func(e Exchange) bool { return e.ClientID == id }
}

// Principal holds for requests of a principal, such as "User:alice".
func Principal(name string) rule.When[Exchange] {
	return func(e Exchange) bool { return e.Principal == name }
}

// FromBroker holds for requests to the broker with that id.
func FromBroker(id int32) rule.When[Exchange] {
	return func(e Exchange) bool { return e.Broker == id }
}

// Via holds for requests that came by the listener of that name.
func Via(listener string) rule.When[Exchange] {
	return func(e Exchange) bool { return e.Listener == listener }
}

// expanded returns the request with what it leaves unsaid: the topics, where
// it asks for all of them or goes on with a session.
func (e Exchange) expanded() kmsg.Request {
	if r, ok := e.Request.(*kmsg.MetadataRequest); ok && e.cluster != nil && asksForAll(r) {
		all := *r
		all.Topics = e.cluster.everyTopic()
		return &all
	}
	if r, ok := e.Request.(*kmsg.FetchRequest); ok && e.cluster != nil && r.SessionID != 0 && r.SessionEpoch > 0 {
		all := *r
		all.Topics = e.cluster.sessionTopics(e.Broker, r)
		return &all
	}
	return e.Request
}

// sessionTopics returns what a Fetch in a session asks for: what it names, and
// what the session has of earlier requests that it does not forget.
func (c *Cluster) sessionTopics(broker int32, r *kmsg.FetchRequest) []kmsg.FetchRequestTopic {
	c.mu.Lock()
	defer c.mu.Unlock()
	topics := slices.Clone(r.Topics)
	if c.state == nil {
		return topics
	}
	for _, t := range c.state.SessionTopics(broker, r.SessionID) {
		covered := slices.ContainsFunc(r.Topics, func(o kmsg.FetchRequestTopic) bool { return covers(o, t) })
		if !covered && !forgotten(r, t) {
			topics = append(topics, t)
		}
	}
	return topics
}

// covers reports whether t, which is one partition, is of o.
func covers(o, t kmsg.FetchRequestTopic) bool {
	return o.Topic == t.Topic && o.TopicID == t.TopicID &&
		slices.ContainsFunc(o.Partitions, func(p kmsg.FetchRequestTopicPartition) bool {
			return p.Partition == t.Partitions[0].Partition
		})
}

// forgotten reports whether a Fetch drops t, which is one partition, from its
// session.
func forgotten(r *kmsg.FetchRequest, t kmsg.FetchRequestTopic) bool {
	return slices.ContainsFunc(r.ForgottenTopics, func(o kmsg.FetchRequestForgottenTopic) bool {
		return o.Topic == t.Topic && o.TopicID == t.TopicID && slices.Contains(o.Partitions, t.Partitions[0].Partition)
	})
}

// asksForAll reports whether a Metadata request is for all topics.
func asksForAll(r *kmsg.MetadataRequest) bool {
	return r.Topics == nil || r.Version == 0 && len(r.Topics) == 0
}

func (c *Cluster) everyTopic() (topics []kmsg.MetadataRequestTopic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return nil
	}
	for _, name := range c.state.TopicNames() {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		topics = append(topics, t)
	}
	return topics
}

// topicName returns the name of the topic with that id; "" if there is none.
func (e Exchange) topicName(id [16]byte) string {
	c := e.cluster
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return ""
	}
	if t, ok := c.state.TopicByID(id); ok {
		return t.Name
	}
	return ""
}
