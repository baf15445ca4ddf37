// Internal topics: where a broker would keep groups and transactions.

package state

// The topics in which Kafka's brokers keep groups and transactions. Here they
// stay empty, since the coordinators keep their state themselves; they are
// there because clients find them in any real cluster.
const (
	offsetsTopic = "__consumer_offsets"
	txnTopic     = "__transaction_state"
)

// adminClient is the client id with which Kafka lets a client write to them.
const adminClient = "__admin_client"

// internalReplication names the config with the replication factor of each.
var internalReplication = map[string]string{
	offsetsTopic: "offsets.topic.replication.factor",
	txnTopic:     "transaction.state.log.replication.factor",
}

// isInternal reports whether the topic is the brokers' own.
func isInternal(topic string) bool { return topic == offsetsTopic || topic == txnTopic }

// ensureInternal makes an internal topic, as brokers do when they are first
// asked for a coordinator: a partition for each slot, led by the broker that
// coordinates it at that time.
func (c *Cluster) ensureInternal(name string) {
	if _, exists := c.topics[name]; exists {
		return
	}
	ids := c.upIDs()
	n := min(max(1, int(c.SettingInt(internalReplication[name]))), len(ids))
	spec := TopicSpec{Name: name, Overrides: map[string]string{
		"cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": "104857600",
	}}
	for i := range c.slots {
		replicas := make([]int32, n)
		for k := range replicas {
			replicas[k] = ids[(i+k)%len(ids)]
		}
		spec.Assignment = append(spec.Assignment, replicas)
	}
	if n > 0 {
		c.CreateTopic(spec)
	}
}
