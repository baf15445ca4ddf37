// The configs of topics, groups and client metrics subscriptions.

package setting

const (
	week     = "604800000"
	day      = "86400000"
	forever  = "9223372036854775807"
	mostInts = "2147483647"
)

// codecs are the values of compression.type.
var codecs = []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}

var topicDefs = []Def{
	{"cleanup.policy", list, "delete", oneOf("compact", "delete"), ClusterWide,
		"Whether old records are deleted, compacted to the last of each key, or both."},
	{"compression.gzip.level", integer, "-1", between(-1, 9), ClusterWide,
		"The level of gzip, if that is the topic's codec."},
	{"compression.lz4.level", integer, "9", between(1, 17), ClusterWide,
		"The level of LZ4, if that is the topic's codec."},
	{"compression.type", text, "producer", oneOf(codecs...), ClusterWide,
		"The codec that batches are kept in; producer leaves them as they came."},
	{"compression.zstd.level", integer, "3", between(-131072, 22), ClusterWide,
		"The level of Zstandard, if that is the topic's codec."},
	{"delete.retention.ms", long, day, atLeast(0), ClusterWide,
		"How long compaction keeps a tombstone for readers that lag behind."},
	{"file.delete.delay.ms", long, "60000", atLeast(0), ClusterWide,
		"How long a deleted segment stays on disk."},
	{"flush.messages", long, forever, atLeast(1), ClusterWide,
		"After how many records the log is forced to disk."},
	{"flush.ms", long, forever, atLeast(0), ClusterWide,
		"After what time the log is forced to disk."},
	{"follower.replication.throttled.replicas", list, "", anything, ClusterWide,
		"The replicas whose fetching is throttled, as partition:broker pairs, or * for all."},
	{"index.interval.bytes", integer, "4096", atLeast(0), ClusterWide,
		"How many bytes of log there are between two entries of its index."},
	{"leader.replication.throttled.replicas", list, "", anything, ClusterWide,
		"The replicas whose serving is throttled, as partition:broker pairs, or * for all."},
	{"local.retention.bytes", long, "-2", atLeast(-2), ClusterWide,
		"The size of the local part of a tiered log; -2 stands for retention.bytes."},
	{"local.retention.ms", long, "-2", atLeast(-2), ClusterWide,
		"The age of the local part of a tiered log; -2 stands for retention.ms."},
	{"max.compaction.lag.ms", long, forever, atLeast(1), ClusterWide,
		"The age at which a record is compacted at the latest."},
	{"max.message.bytes", integer, "1048588", atLeast(0), ClusterWide,
		"The greatest size of a record batch, after compression."},
	{"message.timestamp.after.max.ms", long, "3600000", atLeast(0), ClusterWide,
		"How far ahead of the broker's clock a record's timestamp may be."},
	{"message.timestamp.before.max.ms", long, forever, atLeast(0), ClusterWide,
		"How far behind the broker's clock a record's timestamp may be."},
	{"message.timestamp.type", text, "CreateTime", oneOf("CreateTime", "LogAppendTime"), ClusterWide,
		"Whether a record's timestamp is the producer's or that of its arrival."},
	{"min.cleanable.dirty.ratio", double, "0.5", between(0, 1), ClusterWide,
		"The uncompacted part of a log from which compaction is worth its while."},
	{"min.compaction.lag.ms", long, "0", atLeast(0), ClusterWide,
		"The age before which a record is not compacted."},
	{"min.insync.replicas", integer, "1", atLeast(1), ClusterWide,
		"How many replicas must be in sync for a write with acks=all to be accepted."},
	{"preallocate", boolean, "false", anything, ClusterWide,
		"Whether a new segment's file gets its full size at once."},
	{"remote.log.copy.disable", boolean, "false", anything, ClusterWide,
		"Whether a tiered topic stops copying segments to the remote tier."},
	{"remote.log.delete.on.disable", boolean, "false", anything, ClusterWide,
		"Whether the remote part of the log goes when tiering is switched off."},
	{"remote.storage.enable", boolean, "false", anything, ClusterWide,
		"Whether the topic is tiered."},
	{"retention.bytes", long, "-1", anything, ClusterWide,
		"The size of a partition beyond which its oldest segments are deleted; -1 is no limit."},
	{"retention.ms", long, week, atLeast(-1), ClusterWide,
		"The age beyond which records are deleted; -1 is no limit."},
	// Kafka 4.0 wants a megabyte at least (KIP-1030). Tests of clients that have
	// logs compacted ask for as little as older versions took, so both hold.
	{"segment.bytes", integer, "1073741824", atLeast(14), ClusterWide,
		"The size at which a segment is closed."},
	{"segment.index.bytes", integer, "10485760", atLeast(4), ClusterWide,
		"The size of the index of offsets."},
	{"segment.jitter.ms", long, "0", atLeast(0), ClusterWide,
		"By how much, at most, the closing of segments by age is spread."},
	{"segment.ms", long, week, atLeast(1), ClusterWide,
		"The age at which a segment is closed."},
	{"unclean.leader.election.enable", boolean, "false", anything, ClusterWide,
		"Whether a replica that is not in sync may lead when no other can, losing records."},
}

var groupDefs = []Def{
	{"consumer.heartbeat.interval.ms", integer, "5000", atLeast(1), ClusterWide,
		"How often the members of a consumer group send heartbeats."},
	{"consumer.session.timeout.ms", integer, "45000", atLeast(1), ClusterWide,
		"After what silence a member of a consumer group is given up."},
	{"share.auto.offset.reset", text, "latest", anything, ClusterWide,
		"Where a share group starts: latest, earliest or by_duration:PnDTnHnMn.nS."},
	{"share.heartbeat.interval.ms", integer, "5000", atLeast(1), ClusterWide,
		"How often the members of a share group send heartbeats."},
	{"share.isolation.level", text, "read_uncommitted", oneOf("read_committed", "read_uncommitted"), ClusterWide,
		"Whether a share group sees the records of transactions that are open or were aborted."},
	{"share.record.lock.duration.ms", integer, "30000", atLeast(1000), ClusterWide,
		"How long a record is locked for the member of a share group that acquired it."},
	{"share.session.timeout.ms", integer, "45000", atLeast(1), ClusterWide,
		"After what silence a member of a share group is given up."},
	{"streams.heartbeat.interval.ms", integer, "5000", atLeast(1), ClusterWide,
		"How often the members of a streams group send heartbeats."},
	{"streams.num.standby.replicas", integer, "0", atLeast(0), ClusterWide,
		"How many standby copies each task of a streams group has."},
	{"streams.session.timeout.ms", integer, "45000", atLeast(1), ClusterWide,
		"After what silence a member of a streams group is given up."},
}

// metricsDefs are those of a client metrics subscription (KIP-714).
var metricsDefs = []Def{
	{"interval.ms", integer, "300000", between(100, 3600000), ClusterWide,
		"How often a client that matches pushes its metrics."},
	{"match", list, "", anything, ClusterWide,
		"Which clients the subscription is for, as selector=pattern pairs; none is all."},
	{"metrics", list, "", anything, ClusterWide,
		"The prefixes of the metrics that are wanted; * is all."},
}
