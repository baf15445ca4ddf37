// The tables of definitions, and finding one in them.

package setting

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The kinds of resources that have configs.
const (
	Topic         = kmsg.ConfigResourceTypeTopic
	Broker        = kmsg.ConfigResourceTypeBroker
	ClientMetrics = kmsg.ConfigResourceTypeClientMetrics
	Group         = kmsg.ConfigResourceTypeGroupConfig
)

// A table holds the definitions of one kind of resource.
type table struct {
	noun    string
	sorted  []*Def // without those that are retired
	byName  map[string]*Def
	retired map[string]bool
}

// tables never change.
var tables = map[kmsg.ConfigResourceType]*table{
	Topic: newTable("topic", retiredTopicDefs, topicDefs),
	Broker: newTable("broker", retiredBrokerDefs, logDefs, replicationDefs, coordinatorDefs, nodeDefs, socketDefs,
		securityDefs),
	ClientMetrics: newTable("client metrics", nil, metricsDefs),
	Group:         newTable("group", nil, groupDefs),
}

func newTable(noun string, retired []Def, parts ...[]Def) *table {
	t := &table{noun: noun, byName: map[string]*Def{}, retired: map[string]bool{}}
	for _, defs := range parts {
		for i := range defs {
			t.byName[defs[i].Name] = &defs[i]
		}
	}
	t.sorted = slices.SortedFunc(maps.Values(t.byName), func(a, b *Def) int { return cmp.Compare(a.Name, b.Name) })
	for i := range retired {
		t.byName[retired[i].Name], t.retired[retired[i].Name] = &retired[i], true
	}
	return t
}

// Defs returns the definitions for one kind of resource, sorted by name, but
// for those that are retired. They are not to be changed. A kind that has no
// configs has none.
func Defs(kind kmsg.ConfigResourceType) []*Def {
	if t := tables[kind]; t != nil {
		return t.sorted
	}
	return nil
}

// Find returns the definition of a config, retired or not. A broker's may carry
// the prefix of a listener, and after it that of a SASL mechanism:
// listener.name.clients.scram-sha-256.sasl.jaas.config.
func Find(kind kmsg.ConfigResourceType, name string) (*Def, bool) {
	t := tables[kind]
	if t == nil {
		return nil, false
	}
	if d, ok := t.byName[name]; ok {
		return d, true
	}
	if kind != Broker {
		return nil, false
	}
	base, ok := withoutListener(name)
	return t.byName[base], ok
}

// withoutListener cuts the prefix of a listener off a broker config's name, if
// what remains is defined.
func withoutListener(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "listener.name.")
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, ".")
	for ok {
		if _, defined := tables[Broker].byName[rest]; defined {
			return rest, true
		}
		_, rest, ok = strings.Cut(rest, ".")
	}
	return "", false
}

// unknown is the error about a name that is not defined. It names the nearest
// that is.
func unknown(kind kmsg.ConfigResourceType, name string) error {
	t := tables[kind]
	if t == nil {
		return fmt.Errorf("%w: resources of type %d have none", ErrUnknown, kind)
	}
	near, least := "", len(name)/3+1
	for _, d := range t.sorted {
		if n := distance(name, d.Name); n < least {
			near, least = d.Name, n
		}
	}
	if near == "" {
		return fmt.Errorf("%w: there is no %s config %q", ErrUnknown, t.noun, name)
	}
	return fmt.Errorf("%w: there is no %s config %q; the nearest is %s", ErrUnknown, t.noun, name, near)
}

// distance counts the insertions, deletions and substitutions that lead from
// a to b (Levenshtein). Names too long to be meant are far from everything.
func distance(a, b string) int {
	if len(a) > 100 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
