// Which Kafka serves these versions: a guess.

package main

import (
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// guess says which release of Kafka a broker's versions are like: the newest
// of which most of what was new in it is served. So it also has a word for
// servers that are not Kafka's own and serve a part only.
func guess(r *kmsg.ApiVersionsResponse) string {
	served := map[int16]int16{}
	for _, k := range r.ApiKeys {
		served[k.ApiKey] = k.MaxVersion
	}
	releases := kversion.VersionStrings() // the newest first
	last := len(releases) - 1
	for i, release := range releases[:last] {
		if mostlyServed(news(kversion.FromString(release), kversion.FromString(releases[i+1])), served) {
			return "like " + release
		}
	}
	return "like " + releases[last] + " or older"
}

// news returns what is new in a release: the highest version of each API that
// had none so high in the release before, or was not there.
func news(release, before *kversion.Versions) map[int16]int16 {
	added := map[int16]int16{}
	release.EachMaxKeyVersion(func(key, highest int16) {
		if was, there := before.LookupMaxKeyVersion(key); !there || was < highest {
			added[key] = highest
		}
	})
	return added
}

func mostlyServed(wanted, served map[int16]int16) bool {
	n := 0
	for key, version := range wanted {
		if highest, there := served[key]; there && highest >= version {
			n++
		}
	}
	return 2*n > len(wanted)
}
