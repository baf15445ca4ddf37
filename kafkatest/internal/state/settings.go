// The settings: where the cluster, its topics and its groups get them from.

package state

import (
	"maps"
	"strconv"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
)

// noBroker asks for a setting as it holds for brokers that were told nothing
// of their own.
const noBroker = -1

// newSettings returns the store with what the brokers have in their files.
//
// Kafka's default.replication.factor is 1. Here it is 3, or as many as there
// are brokers: a test with three brokers wants to lose one.
func newSettings(config Config, p persona) (*setting.Store, error) {
	static := maps.Clone(config.Settings)
	if static == nil {
		static = map[string]string{}
	}
	if _, ok := static["default.replication.factor"]; !ok {
		static["default.replication.factor"] = strconv.Itoa(min(3, len(config.Brokers)))
	}
	s, err := setting.NewStore(static, p.before(4, 0))
	if err != nil {
		return nil, err
	}
	for _, m := range config.Brokers {
		if err := ownSettings(s, m); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ownSettings gives a broker what differs from the other brokers' files.
func ownSettings(s *setting.Store, m Member) error {
	id := strconv.Itoa(int(m.ID))
	own := [][2]string{{"node.id", id}, {"broker.id", id}, {"process.roles", "broker,controller"}}
	if m.Rack != "" {
		own = append(own, [2]string{"broker.rack", m.Rack})
	}
	for _, pair := range own {
		if err := s.SetStatic(m.ID, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// Setting returns the topic's config by Kafka's name, as it holds for brokers
// that were told nothing of their own.
func (t *Topic) Setting(name string) setting.Text {
	return t.cluster.settings.OfTopic(noBroker, t.Name, name)
}

// setting is Setting as plain text.
func (t *Topic) setting(name string) string { return string(t.Setting(name)) }

// GroupSetting returns a group's config by Kafka's name, such as
// consumer.session.timeout.ms; if none was set, the broker's.
func (c *Cluster) GroupSetting(group, name string) string {
	return string(c.settings.OfGroup(noBroker, group, name))
}

// CheckTopicConfigs says what is wrong with configs of a topic, where
// CreateTopic has but a code.
func (c *Cluster) CheckTopicConfigs(topic string, configs map[string]string) error {
	_, err := c.settings.Check(setting.OfTopic(topic), configs)
	return err
}
