// Personas: the version of Kafka that a cluster appears as.

package state

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// A persona bounds the versions of every API to those that one version of
// Kafka had, and switches behaviour that differs between them. The zero
// persona is the widest: everything that is implemented, as the newest behaves.
type persona struct {
	version string
	major   int
	minor   int
	highest *kversion.Versions
}

// personaOf returns the persona of a version such as "2.8" or "4.0"; of "",
// the widest.
func personaOf(version string) (persona, error) {
	if version == "" {
		return persona{}, nil
	}
	p := persona{version: version}
	name := strings.TrimPrefix(version, "v")
	if _, err := fmt.Sscanf(name, "%d.%d", &p.major, &p.minor); err != nil {
		return persona{}, fmt.Errorf("the Kafka version %q: write it as major.minor, such as 3.9", version)
	}
	if p.major == 0 && strings.Count(name, ".") == 1 {
		name += ".0" // before 1.0 the third number counted too: 0.10.2
	}
	if p.highest = kversion.FromString(name); p.highest == nil {
		known := kversion.VersionStrings() // the newest first
		return persona{}, fmt.Errorf("the Kafka version %q is not known; those from %s to %s are",
			version, strings.TrimPrefix(known[len(known)-1], "v"), strings.TrimPrefix(known[0], "v"))
	}
	return p, nil
}

// Caps returns the function that tells which of the versions lowest to highest
// of an API a version of Kafka serves. It fails as New does.
func Caps(version string) (caps func(key, lowest, highest int16) (int16, int16, bool), err error) {
	p, err := personaOf(version)
	return p.cap, err
}

// before reports whether the persona is older than that version. The widest is
// older than none.
func (p persona) before(major, minor int) bool {
	return p.highest != nil && (p.major < major || p.major == major && p.minor < minor)
}

// cap returns what of the versions lowest to highest the persona serves.
func (p persona) cap(key, lowest, highest int16) (int16, int16, bool) {
	if p.highest == nil {
		return lowest, highest, true
	}
	top, ok := p.highest.LookupMaxKeyVersion(key)
	if !ok {
		return 0, 0, false
	}
	if !p.before(4, 0) {
		lowest = max(lowest, lowestOf4[kmsg.Key(key)])
	}
	highest = min(highest, top)
	return lowest, highest, lowest <= highest
}

// lowestOf4 are the lowest versions that Kafka 4.0 still serves where that is
// not 0 (KIP-896). Produce is advertised from 0 all the same (KAFKA-18659).
var lowestOf4 = map[kmsg.Key]int16{
	kmsg.Produce:                 3,
	kmsg.Fetch:                   4,
	kmsg.ListOffsets:             1,
	kmsg.OffsetCommit:            2,
	kmsg.OffsetFetch:             1,
	kmsg.JoinGroup:               2,
	kmsg.CreateTopics:            2,
	kmsg.DeleteTopics:            1,
	kmsg.OffsetForLeaderEpoch:    2,
	kmsg.DescribeACLs:            1,
	kmsg.CreateACLs:              1,
	kmsg.DeleteACLs:              1,
	kmsg.DescribeConfigs:         1,
	kmsg.AlterReplicaLogDirs:     1,
	kmsg.DescribeLogDirs:         1,
	kmsg.CreateDelegationToken:   1,
	kmsg.RenewDelegationToken:    1,
	kmsg.ExpireDelegationToken:   1,
	kmsg.DescribeDelegationToken: 1,
}
