// What DescribeConfigs is given.

package setting_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// find returns a value by name.
func find(t *testing.T, values []setting.Value, name string) setting.Value {
	t.Helper()
	for _, v := range values {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("%s is not described", name)
	return setting.Value{}
}

// line prints a value as kafka-configs.sh does.
func line(v setting.Value) string {
	var places []string
	for _, s := range v.Synonyms {
		places = append(places, fmt.Sprintf("%v:%s=%s", s.Source, s.Name, text(s.Text)))
	}
	return fmt.Sprintf("%s=%s %v {%s}", v.Name, text(v.Text), v.Source, strings.Join(places, ", "))
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func TestAValueIsDescribedWithEveryPlaceItIsSetIn(t *testing.T) {
	s := newStore(t, map[string]string{"log.retention.hours": "1", "max.connections": "7"})
	mustSet(t, s, setting.AllBrokers, "log.segment.bytes", "2097152")
	mustSet(t, s, setting.OfBroker(1), "log.segment.bytes", "3145728")
	mustSet(t, s, setting.OfTopic("t"), "segment.bytes", "4194304")
	mustSet(t, s, setting.OfGroup("g"), "consumer.session.timeout.ms", "50000")
	for _, c := range []struct {
		r    setting.Resource
		want string
	}{
		{setting.OfTopic("t"), "segment.bytes=4194304 DYNAMIC_TOPIC_CONFIG " +
			"{DYNAMIC_TOPIC_CONFIG:segment.bytes=4194304, DYNAMIC_BROKER_CONFIG:log.segment.bytes=3145728, " +
			"DYNAMIC_DEFAULT_BROKER_CONFIG:log.segment.bytes=2097152, DEFAULT_CONFIG:log.segment.bytes=1073741824}"},
		{setting.OfTopic("t"), "retention.ms=3600000 DEFAULT_CONFIG {}"},
		{setting.OfTopic("t"), "max.message.bytes=1048588 DEFAULT_CONFIG {DEFAULT_CONFIG:message.max.bytes=1048588}"},
		{setting.OfTopic("t"), "remote.storage.enable=false DEFAULT_CONFIG {}"},
		{setting.OfBroker(1), "max.connections=7 STATIC_BROKER_CONFIG {STATIC_BROKER_CONFIG:max.connections=7, " +
			"DEFAULT_CONFIG:max.connections=2147483647}"},
		{setting.OfBroker(1), "log.retention.hours=1 STATIC_BROKER_CONFIG " +
			"{STATIC_BROKER_CONFIG:log.retention.hours=1, " +
			"DEFAULT_CONFIG:log.retention.hours=168}"},
		{setting.OfBroker(1), "log.retention.ms=null DEFAULT_CONFIG {}"},
		{setting.AllBrokers, "log.segment.bytes=2097152 DYNAMIC_DEFAULT_BROKER_CONFIG " +
			"{DYNAMIC_DEFAULT_BROKER_CONFIG:log.segment.bytes=2097152}"},
		{setting.OfGroup("g"), "consumer.session.timeout.ms=50000 GROUP_CONFIG " +
			"{GROUP_CONFIG:consumer.session.timeout.ms=50000, DEFAULT_CONFIG:group.consumer.session.timeout.ms=45000}"},
		{setting.OfGroup("g"), "share.isolation.level=read_uncommitted DEFAULT_CONFIG " +
			"{DEFAULT_CONFIG:share.isolation.level=read_uncommitted}"},
		{setting.Resource{Kind: setting.ClientMetrics, Name: "m"}, "interval.ms=300000 DEFAULT_CONFIG {}"},
	} {
		broker := int32(1)
		if c.r == setting.AllBrokers {
			broker = -1
		}
		name, _, _ := strings.Cut(c.want, "=")
		if got := line(find(t, s.Describe(broker, c.r), name)); got != c.want {
			t.Errorf("%v:\ngot  %s\nwant %s", c.r, got, c.want)
		}
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	s := newStore(t, map[string]string{"ssl.keystore.password": "hunter2"})
	mustSet(t, s, setting.OfBroker(1), "listener.name.clients.scram-sha-256.sasl.jaas.config", "secret")
	mustSet(t, s, setting.OfBroker(1), "my.plugin.token", "secret")
	values := s.Describe(1, setting.OfBroker(1))
	for _, name := range []string{
		"ssl.keystore.password", "listener.name.clients.scram-sha-256.sasl.jaas.config", "my.plugin.token",
	} {
		v := find(t, values, name)
		if !v.Def.Sensitive() || v.Text != nil {
			t.Errorf("%s is told: %s", name, line(v))
		}
		for _, p := range v.Synonyms {
			if p.Text != nil {
				t.Errorf("%s is told by its synonym %s", name, p.Name)
			}
		}
	}
	if got := find(t, values, "my.plugin.token").Def.Type; got != kmsg.ConfigTypeUnknown {
		t.Errorf("the type of an unknown config is %v", got)
	}
}

func TestWhatNeedsARestartIsReadOnly(t *testing.T) {
	values := newStore(t, nil).Describe(1, setting.OfBroker(1))
	for name, want := range map[string]bool{
		"num.partitions": true, "log.retention.hours": true, "log.retention.ms": false,
		"num.io.threads": false, "ssl.keystore.location": false, "auto.create.topics.enable": true,
	} {
		if got := find(t, values, name).ReadOnly; got != want {
			t.Errorf("%s is read-only: %v", name, got)
		}
	}
}
