// The store of what was set, and the value that holds.

package setting

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Resource is something that has configs of its own: a topic, a group, a
// client metrics subscription, a broker by its id in decimal, or, with the
// name "", all brokers.
type Resource struct {
	Kind kmsg.ConfigResourceType
	Name string
}

// AllBrokers is the resource of what brokers are told dynamically together.
var AllBrokers = Resource{Kind: Broker}

// OfBroker returns the resource of one broker.
func OfBroker(id int32) Resource { return Resource{Broker, strconv.Itoa(int(id))} }

// OfTopic returns the resource of a topic.
func OfTopic(name string) Resource { return Resource{Topic, name} }

// OfGroup returns the resource of a group.
func OfGroup(name string) Resource { return Resource{Group, name} }

// A Store holds the configs that were set. It is not safe for use by several
// goroutines at once.
type Store struct {
	retired bool                        // it knows configs that Kafka 4.0 no longer has
	static  map[string]string           // in the file of every broker
	own     map[int32]map[string]string // in the file of one
	set     map[Resource]map[string]string
	count   uint64
}

// NewStore returns a store with the static configs of all brokers. With retired
// it knows the configs that Kafka 4.0 no longer has, too. It fails if one of the
// configs is not defined, or its value not allowed.
func NewStore(static map[string]string, retired bool) (*Store, error) {
	s := &Store{
		retired: retired,
		static:  map[string]string{},
		own:     map[int32]map[string]string{},
		set:     map[Resource]map[string]string{},
	}
	for _, name := range slices.Sorted(maps.Keys(static)) {
		normal, err := s.normal(Broker, name, static[name])
		if err != nil {
			return nil, err
		}
		s.static[name] = normal
	}
	return s, nil
}

// normal checks a name and a value, and returns the value as it is kept.
func (s *Store) normal(kind kmsg.ConfigResourceType, name, value string) (string, error) {
	d, ok := s.find(kind, name)
	if !ok {
		return "", unknown(kind, name)
	}
	return d.Normal(value)
}

// find is Find for what the store knows.
func (s *Store) find(kind kmsg.ConfigResourceType, name string) (*Def, bool) {
	d, ok := Find(kind, name)
	if !ok || !s.retired && tables[kind].retired[d.Name] {
		return nil, false
	}
	return d, true
}

// SetStatic sets a config in the file of one broker: its id, say, or its rack.
func (s *Store) SetStatic(broker int32, name, value string) error {
	normal, err := s.normal(Broker, name, value)
	if err != nil {
		return err
	}
	if s.own[broker] == nil {
		s.own[broker] = map[string]string{}
	}
	s.own[broker][name] = normal
	s.count++
	return nil
}

// Check returns overrides, all of a resource's, as they would be kept, or an
// error that says which one is not allowed, alone or beside the others. The
// order of the checks is that of the names. Brokers take configs that are not
// defined: their plugins may know them.
func (s *Store) Check(r Resource, overrides map[string]string) (map[string]string, error) {
	kept := make(map[string]string, len(overrides))
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if _, defined := s.find(r.Kind, name); !defined && r.Kind == Broker {
			kept[name] = overrides[name]
			continue
		}
		normal, err := s.normal(r.Kind, name, overrides[name])
		if err != nil {
			return nil, err
		}
		kept[name] = normal
	}
	return kept, s.together(r, kept)
}

// Replace makes overrides, which Check returned, all that is set of r. It
// keeps the map.
func (s *Store) Replace(r Resource, overrides map[string]string) {
	s.count++
	if len(overrides) == 0 {
		delete(s.set, r)
		return
	}
	s.set[r] = overrides
}

// Forget drops all that is set of r.
func (s *Store) Forget(r Resource) { s.Replace(r, nil) }

// Overrides returns what is set of r. The map is not to be changed, and Replace
// does not change it either.
func (s *Store) Overrides(r Resource) map[string]string { return s.set[r] }

// Changes counts the changes of the store: what was resolved at a count holds
// while the count stays.
func (s *Store) Changes() uint64 { return s.count }

// Names returns the names of the resources of a kind of which something is
// set, sorted.
func (s *Store) Names(kind kmsg.ConfigResourceType) []string {
	var names []string
	for r := range s.set {
		if r.Kind == kind {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Of returns the value of a broker's config that holds; "" if it has none.
func (s *Store) Of(broker int32, name string) Text {
	value, _ := s.brokerValue(broker, name)
	return Text(value)
}

// OfTopic returns the value of a topic's config that holds on a broker.
func (s *Store) OfTopic(broker int32, topic, name string) Text {
	value, _ := s.value(broker, OfTopic(topic), name)
	return Text(value)
}

// OfGroup returns the value of a group's config that holds on a broker.
func (s *Store) OfGroup(broker int32, group, name string) Text {
	value, _ := s.value(broker, OfGroup(group), name)
	return Text(value)
}

// OfMetrics returns the value of a client metrics subscription's config.
func (s *Store) OfMetrics(subscription, name string) Text {
	value, _ := s.value(-1, Resource{ClientMetrics, subscription}, name)
	return Text(value)
}

// value returns the value of any resource's config that holds on a broker, or
// false if it has none.
func (s *Store) value(broker int32, r Resource, name string) (string, bool) {
	if r.Kind == Broker {
		return s.brokerValue(broker, name)
	}
	if v, ok := s.set[r][name]; ok {
		return v, true
	}
	for _, other := range synonymsOf(r.Kind, name) {
		if v, ok := s.brokerValue(broker, other.name); ok {
			return other.convert(v), true
		}
	}
	return initial(r.Kind, name)
}

func synonymsOf(kind kmsg.ConfigResourceType, name string) []synonym {
	switch kind {
	case Topic:
		return topicSynonyms[name]
	case Group:
		return groupSynonyms[name]
	}
	return nil
}

// initial returns the default of a config.
func initial(kind kmsg.ConfigResourceType, name string) (string, bool) {
	d, ok := Find(kind, name)
	if !ok {
		return "", false
	}
	return d.Default()
}

// brokerValue goes through the layers of a broker config.
func (s *Store) brokerValue(broker int32, name string) (string, bool) {
	for _, l := range s.layers(broker) {
		if v, ok := l.values[name]; ok {
			return v, true
		}
	}
	return initial(Broker, name)
}

// A layer is a place where a broker's configs are set.
type layer struct {
	source kmsg.ConfigSource
	values map[string]string
}

// layers returns those of a broker, the one that outranks the others first. A
// negative id stands for a broker that was told nothing of its own.
func (s *Store) layers(broker int32) [4]layer {
	var dynamic map[string]string
	if broker >= 0 {
		dynamic = s.set[OfBroker(broker)]
	}
	return [4]layer{
		{kmsg.ConfigSourceDynamicBrokerConfig, dynamic},
		{kmsg.ConfigSourceDynamicDefaultBrokerConfig, s.set[AllBrokers]},
		{kmsg.ConfigSourceStaticBrokerConfig, s.own[broker]},
		{kmsg.ConfigSourceStaticBrokerConfig, s.static},
	}
}

// together checks overrides beside each other.
func (s *Store) together(r Resource, overrides map[string]string) error {
	get := func(name string) Text {
		if v, ok := overrides[name]; ok {
			return Text(v)
		}
		v, _ := s.value(-1, Resource{Kind: r.Kind}, name)
		return Text(v)
	}
	switch r.Kind {
	case Topic:
		return s.topicTogether(get)
	case Group:
		return s.groupTogether(get)
	case ClientMetrics:
		_, err := ParseMatch(get("match"))
		return err
	}
	return nil
}

func (s *Store) topicTogether(get func(string) Text) error {
	least, most := get("min.compaction.lag.ms").Int64(), get("max.compaction.lag.ms").Int64()
	if least > most {
		return fmt.Errorf("%w: min.compaction.lag.ms (%d) is greater than max.compaction.lag.ms (%d)",
			ErrInvalid, least, most)
	}
	if !get("remote.storage.enable").Bool() {
		return nil
	}
	if !s.Of(-1, "remote.log.storage.system.enable").Bool() {
		return fmt.Errorf("%w: remote.storage.enable is true, and the brokers cannot tier topics", ErrInvalid)
	}
	if slices.Contains(get("cleanup.policy").List(), "compact") {
		return fmt.Errorf("%w: a compacted topic cannot be tiered", ErrInvalid)
	}
	for _, unit := range []string{"ms", "bytes"} {
		local, all := get("local.retention."+unit).Int64(), get("retention."+unit).Int64()
		if local != -2 && all != -1 && (local == -1 || local > all) {
			return fmt.Errorf("%w: local.retention.%s (%d) is greater than retention.%[2]s (%[4]d)",
				ErrInvalid, unit, local, all)
		}
	}
	return nil
}

// groupTogether holds the configs of a group to the bounds that the brokers
// set, and timeouts above the heartbeats they wait for.
func (s *Store) groupTogether(get func(string) Text) error {
	for _, kind := range []string{"consumer", "share", "streams"} {
		for _, what := range []string{"heartbeat.interval.ms", "session.timeout.ms"} {
			if err := s.withinBounds(kind, what, get(kind+"."+what).Int64()); err != nil {
				return err
			}
		}
		if get(kind+".session.timeout.ms").Int64() <= get(kind+".heartbeat.interval.ms").Int64() {
			return fmt.Errorf("%w: %s.session.timeout.ms must be greater than %[2]s.heartbeat.interval.ms",
				ErrInvalid, kind)
		}
	}
	standby, most := get("streams.num.standby.replicas").Int64(), s.Of(-1, "group.streams.max.standby.replicas").Int64()
	if standby > most {
		return fmt.Errorf("%w: streams.num.standby.replicas is %d, and group.streams.max.standby.replicas is %d",
			ErrInvalid, standby, most)
	}
	lock := "record.lock.duration.ms"
	return s.withinBounds("share", lock, get("share."+lock).Int64())
}

func (s *Store) withinBounds(kind, what string, n int64) error {
	least, most := "group."+kind+".min."+what, "group."+kind+".max."+what
	if limit := s.Of(-1, least).Int64(); n < limit {
		return fmt.Errorf("%w: %s.%s is %d, and %s is %d", ErrInvalid, kind, what, n, least, limit)
	}
	if limit := s.Of(-1, most).Int64(); n > limit {
		return fmt.Errorf("%w: %s.%s is %d, and %s is %d", ErrInvalid, kind, what, n, most, limit)
	}
	return nil
}
