// Synonyms: under which names of broker configs a value is looked for.

package setting

import "strconv"

// A synonym is a broker config that stands in for another config.
type synonym struct {
	name  string
	scale int64 // what to multiply its value by; 0 leaves it as it is
}

const (
	minutes = 60 * 1000
	hours   = 60 * minutes
)

// convert turns the value of the synonym into that of what it stands in for.
// Kafka takes a negative number of hours for no limit, whatever the unit.
func (s synonym) convert(value string) string {
	if s.scale == 0 {
		return value
	}
	n := Text(value).Int64()
	if n < 0 {
		return "-1"
	}
	return strconv.FormatInt(n*s.scale, 10)
}

// sameWithPrefix are topic configs whose synonym is their own name after a
// prefix.
var sameWithPrefix = map[string]string{
	"segment.bytes": "log.", "retention.bytes": "log.", "index.interval.bytes": "log.",
	"cleanup.policy": "log.", "preallocate": "log.", "message.timestamp.type": "log.",
	"message.timestamp.before.max.ms": "log.", "message.timestamp.after.max.ms": "log.",
	"local.retention.ms": "log.", "local.retention.bytes": "log.",
	"delete.retention.ms": "log.cleaner.", "min.compaction.lag.ms": "log.cleaner.",
	"max.compaction.lag.ms":          "log.cleaner.",
	"unclean.leader.election.enable": "", "min.insync.replicas": "", "compression.type": "",
	"compression.gzip.level": "", "compression.lz4.level": "", "compression.zstd.level": "",
	"message.downconversion.enable": "log.", "message.format.version": "log.",
	"message.timestamp.difference.max.ms": "log.",
}

// otherName are topic configs whose synonyms have another name or unit, in
// the order in which they are looked at.
var otherName = map[string][]synonym{
	"segment.ms":          {{"log.roll.ms", 0}, {"log.roll.hours", hours}},
	"segment.jitter.ms":   {{"log.roll.jitter.ms", 0}, {"log.roll.jitter.hours", hours}},
	"segment.index.bytes": {{"log.index.size.max.bytes", 0}},
	"flush.messages":      {{"log.flush.interval.messages", 0}},
	"flush.ms":            {{"log.flush.interval.ms", 0}, {"log.flush.scheduler.interval.ms", 0}},
	"retention.ms": {
		{"log.retention.ms", 0}, {"log.retention.minutes", minutes}, {"log.retention.hours", hours},
	},
	"max.message.bytes":         {{"message.max.bytes", 0}},
	"file.delete.delay.ms":      {{"log.segment.delete.delay.ms", 0}},
	"min.cleanable.dirty.ratio": {{"log.cleaner.min.cleanable.ratio", 0}},
}

// topicSynonyms are those of every topic config that has any.
var topicSynonyms = func() map[string][]synonym {
	all := make(map[string][]synonym, len(sameWithPrefix)+len(otherName))
	for name, prefix := range sameWithPrefix {
		all[name] = []synonym{{name: prefix + name}}
	}
	for name, synonyms := range otherName {
		all[name] = synonyms
	}
	return all
}()

// groupSynonyms are the broker configs that groups fall back to.
var groupSynonyms = func() map[string][]synonym {
	all := map[string][]synonym{}
	for _, d := range groupDefs {
		if _, ok := tables[Broker].byName["group."+d.Name]; ok {
			all[d.Name] = []synonym{{name: "group." + d.Name}}
		}
	}
	return all
}()

// brokerFamilies are broker configs that are told as synonyms of each other.
var brokerFamilies = [][]string{
	{"log.roll.ms", "log.roll.hours"},
	{"log.roll.jitter.ms", "log.roll.jitter.hours"},
	{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
}

// brokerSynonyms returns the broker configs whose values are told with that
// of name, itself among them.
func brokerSynonyms(name string) []string {
	for _, family := range brokerFamilies {
		for _, member := range family {
			if member == name {
				return family
			}
		}
	}
	if name == "log.flush.interval.ms" {
		return []string{name, "log.flush.scheduler.interval.ms"}
	}
	if base, ok := withoutListener(name); ok {
		return []string{name, base}
	}
	return []string{name}
}
