// The configs that Kafka 4.0 no longer has.

package setting

// retiredTopicDefs are known to stores that keep what was retired.
var retiredTopicDefs = []Def{
	{"message.downconversion.enable", boolean, "true", anything, ClusterWide,
		"Whether batches are converted to the older formats that old consumers need."},
	{"message.format.version", text, "3.0-IV1", anything, ClusterWide,
		"The version whose message format the log is kept in; since 3.0 without effect."},
	{"message.timestamp.difference.max.ms", long, forever, atLeast(0), ClusterWide,
		"How far a record's timestamp may be from the broker's clock, either way."},
}

// retiredBrokerDefs are known to stores that keep what was retired.
var retiredBrokerDefs = []Def{
	{"auto.include.jmx.reporter", boolean, "true", anything, ReadOnly,
		"Whether metrics are reported by JMX though metric.reporters does not say so."},
	{"control.plane.listener.name", text, none, anything, ReadOnly,
		"The listener by which the controller speaks to brokers."},
	{"inter.broker.protocol.version", text, "3.9-IV0", anything, ReadOnly,
		"The version of the protocol that brokers speak to each other."},
	{"log.message.downconversion.enable", boolean, "true", anything, ClusterWide,
		"Whether batches are converted for old consumers, for topics that do not say."},
	{"log.message.format.version", text, "3.0-IV1", anything, ReadOnly,
		"The version whose message format logs are kept in, for topics that do not say."},
	{"log.message.timestamp.difference.max.ms", long, forever, atLeast(0), ClusterWide,
		"How far a timestamp may be from the broker's clock, for topics that do not say."},
	{"offsets.commit.required.acks", short, "-1", anything, ReadOnly,
		"How many replicas must have a commit."},
	{"zookeeper.connect", text, none, anything, ReadOnly, "Where ZooKeeper is."},
	{"zookeeper.connection.timeout.ms", integer, none, anything, ReadOnly,
		"How long connecting to ZooKeeper may take."},
	{"zookeeper.session.timeout.ms", integer, "18000", anything, ReadOnly,
		"After what silence ZooKeeper gives a broker up."},
}
