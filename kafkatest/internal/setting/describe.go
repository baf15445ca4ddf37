// Values with what DescribeConfigs tells of them.

package setting

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Value is a config with where its value comes from.
type Value struct {
	Name     string
	Text     *string // nil if it has none, or is not to be told
	Source   kmsg.ConfigSource
	Synonyms []Synonym // every place where it is set, the one that holds first
	Def      *Def
	ReadOnly bool
}

// A Synonym is one place where a config, or one that stands in for it, is set.
type Synonym struct {
	Name   string
	Text   *string // nil if it is not to be told
	Source kmsg.ConfigSource
}

// undefined stands for configs that the broker does not know.
var undefined = &Def{Type: kmsg.ConfigTypeUnknown, initial: none, Update: ReadOnly}

// Describe returns the configs of r as they hold on a broker, sorted by name:
// all that are defined, and, of a broker, all that are set. Of AllBrokers it
// returns what is set.
//
// As in Kafka, a topic's synonyms begin with the broker config that is first
// in rank, and end at once where that one is not set: retention.ms has none
// while log.retention.ms has no value, though log.retention.hours has one.
func (s *Store) Describe(broker int32, r Resource) []Value {
	var values []Value
	for _, name := range s.namesIn(broker, r) {
		d, ok := s.find(r.Kind, name)
		if !ok {
			d = undefined
		}
		v := Value{Name: name, Def: d, ReadOnly: r.Kind == Broker && d.Update == ReadOnly}
		if text, ok := s.value(broker, r, name); ok {
			v.Text = told(d, text)
		}
		v.Synonyms = s.synonyms(broker, r, d, name)
		v.Source = kmsg.ConfigSourceDefaultConfig
		if len(v.Synonyms) > 0 {
			v.Source = v.Synonyms[0].Source
		}
		values = append(values, v)
	}
	return values
}

// told returns the value, unless it is not to be told.
func told(d *Def, text string) *string {
	if d.Sensitive() {
		return nil
	}
	return &text
}

// namesIn returns the names of the configs that r is described by, sorted.
func (s *Store) namesIn(broker int32, r Resource) []string {
	if r == AllBrokers {
		return slices.Sorted(maps.Keys(s.set[r]))
	}
	names := map[string]bool{}
	for _, d := range Defs(r.Kind) {
		names[d.Name] = true
	}
	if t := tables[r.Kind]; s.retired && t != nil {
		maps.Copy(names, t.retired)
	}
	if r.Kind == Broker {
		for _, l := range s.layers(broker) {
			for name := range l.values {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

var overrideSource = map[kmsg.ConfigResourceType]kmsg.ConfigSource{
	Topic:         kmsg.ConfigSourceDynamicTopicConfig,
	Group:         kmsg.ConfigSourceGroupConfig,
	ClientMetrics: kmsg.ConfigSourceClientMetricsConfig,
}

// synonyms returns every place where the config is set.
func (s *Store) synonyms(broker int32, r Resource, d *Def, name string) []Synonym {
	if r.Kind == Broker {
		found := s.brokerPlaces(broker, d, name)
		if r == AllBrokers {
			found = slices.DeleteFunc(found, func(p Synonym) bool {
				return p.Source != kmsg.ConfigSourceDynamicDefaultBrokerConfig
			})
		}
		return found
	}
	var found []Synonym
	if v, ok := s.set[r][name]; ok {
		found = append(found, Synonym{name, told(d, v), overrideSource[r.Kind]})
	}
	if others := synonymsOf(r.Kind, name); len(others) > 0 {
		return append(found, s.brokerPlaces(broker, d, others[0].name)...)
	}
	if v, ok := d.Default(); ok && r.Kind == Group {
		found = append(found, Synonym{name, told(d, v), kmsg.ConfigSourceDefaultConfig})
	}
	return found
}

// brokerPlaces returns the places where a broker config or one of its family
// is set, from the first that has the very name on.
func (s *Store) brokerPlaces(broker int32, d *Def, name string) []Synonym {
	var found []Synonym
	family := brokerSynonyms(name)
	for _, l := range s.layers(broker) {
		for _, member := range family {
			if v, ok := l.values[member]; ok {
				found = append(found, Synonym{member, told(d, v), l.source})
			}
		}
	}
	for _, member := range family {
		own, ok := tables[Broker].byName[member]
		if !ok {
			continue
		}
		if v, ok := own.Default(); ok {
			found = append(found, Synonym{member, told(d, v), kmsg.ConfigSourceDefaultConfig})
		}
	}
	first := slices.IndexFunc(found, func(p Synonym) bool { return p.Name == name })
	if first < 0 {
		return nil
	}
	return found[first:]
}
