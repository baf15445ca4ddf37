// What the table promises, and how layers resolve.

package setting_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func newStore(t *testing.T, static map[string]string) *setting.Store {
	t.Helper()
	s, err := setting.NewStore(static, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSet(t *testing.T, s *setting.Store, r setting.Resource, name, value string) {
	t.Helper()
	overrides := map[string]string{}
	maps.Copy(overrides, s.Overrides(r))
	overrides[name] = value
	kept, err := s.Check(r, overrides)
	if err != nil {
		t.Fatal(err)
	}
	s.Replace(r, kept)
}

var kinds = []kmsg.ConfigResourceType{setting.Topic, setting.Broker, setting.ClientMetrics, setting.Group}

func TestEveryDefaultIsAllowedAndInNormalForm(t *testing.T) {
	for _, kind := range kinds {
		for _, d := range setting.Defs(kind) {
			if d.Doc == "" || !strings.HasSuffix(d.Doc, ".") {
				t.Errorf("%s: the documentation is %q", d.Name, d.Doc)
			}
			v, ok := d.Default()
			if !ok {
				continue
			}
			if normal, err := d.Normal(v); err != nil || normal != v {
				t.Errorf("%s: the default %q became %q, %v", d.Name, v, normal, err)
			}
		}
	}
}

func TestEveryKindHasItsConfigs(t *testing.T) {
	for kind, least := range map[kmsg.ConfigResourceType]int{
		setting.Topic: 33, setting.Broker: 200, setting.Group: 10, setting.ClientMetrics: 3,
	} {
		if n := len(setting.Defs(kind)); n < least {
			t.Errorf("kind %d has %d configs, want at least %d", kind, n, least)
		}
	}
	if setting.Defs(kmsg.ConfigResourceTypeBrokerLogger) != nil {
		t.Error("loggers have configs")
	}
}

func TestATopicsDefaultsAreThoseOfItsBroker(t *testing.T) {
	s := newStore(t, nil)
	for _, d := range setting.Defs(setting.Topic) {
		want, _ := d.Default()
		if got := string(s.OfTopic(1, "t", d.Name)); got != want {
			t.Errorf("%s is %q by the broker, %q by the table", d.Name, got, want)
		}
	}
}

func TestDefaultsOfKafka(t *testing.T) {
	s := newStore(t, nil)
	for name, want := range map[string]string{
		"auto.create.topics.enable": "true", "num.partitions": "1", "message.max.bytes": "1048588",
		"log.retention.hours": "168", "log.retention.ms": "", "offsets.retention.minutes": "10080",
		"transaction.max.timeout.ms": "900000", "group.min.session.timeout.ms": "6000",
		"group.initial.rebalance.delay.ms": "0", "log.cleaner.io.max.bytes.per.second": "1.7976931348623157E308",
		"group.consumer.session.timeout.ms": "45000", "replica.lag.time.max.ms": "30000",
	} {
		if got := string(s.Of(1, name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestValuesAreParsedAsKafkaDoes(t *testing.T) {
	for _, c := range []struct{ name, value, want, err string }{
		{"retention.ms", " 60000 ", "60000", ""},
		{"retention.ms", "+5", "5", ""},
		{"retention.ms", "-1", "-1", ""},
		{"retention.ms", "-2", "", "at least -1"},
		{"retention.ms", "a week", "", "not a number of type LONG"},
		{"retention.ms", "9223372036854775808", "", "not a number of type LONG"},
		{"segment.bytes", "4294967296", "", "not a number of type INT"},
		{"segment.bytes", "200", "200", ""}, // as before Kafka 4.0
		{"segment.bytes", "13", "", "at least 14"},
		{"preallocate", "TRUE", "true", ""},
		{"preallocate", "yes", "", "true or false"},
		{"cleanup.policy", "compact, delete", "compact,delete", ""},
		{"cleanup.policy", "compact,dlete", "", "one of: compact, delete"},
		{"compression.type", "brotli", "", "one of: uncompressed, zstd, lz4, snappy, gzip, producer"},
		{"compression.zstd.level", "23", "", "no more than 22"},
		{"min.cleanable.dirty.ratio", "0.50", "0.5", ""},
		{"min.cleanable.dirty.ratio", "1", "1.0", ""},
		{"min.cleanable.dirty.ratio", "1.1", "", "no more than 1"},
		{"min.insync.replicas", "0", "", "at least 1"},
	} {
		d, _ := setting.Find(setting.Topic, c.name)
		got, err := d.Normal(c.value)
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s=%q is %q, %v; want %q", c.name, c.value, got, err, c.want)
		case c.err != "" && (!errors.Is(err, setting.ErrInvalid) || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s=%q: the error is %v, want one about %q", c.name, c.value, err, c.err)
		}
	}
}

func TestAnUnknownNameIsAnsweredWithTheNearest(t *testing.T) {
	s := newStore(t, nil)
	_, err := s.Check(setting.OfTopic("t"), map[string]string{"retention.milis": "1"})
	if !errors.Is(err, setting.ErrUnknown) || !strings.Contains(err.Error(), "retention.ms") {
		t.Errorf("the error is %v", err)
	}
	if _, err := setting.NewStore(map[string]string{"num.partition": "1"}, false); !errors.Is(err, setting.ErrUnknown) {
		t.Errorf("the error of a static config is %v", err)
	}
	_, err = setting.NewStore(map[string]string{"num.partitions": "0"}, false)
	if !errors.Is(err, setting.ErrInvalid) {
		t.Errorf("the error of a static value is %v", err)
	}
	_, err = s.Check(setting.Resource{Kind: 3, Name: "x"}, map[string]string{"a": "b"})
	if !errors.Is(err, setting.ErrUnknown) {
		t.Errorf("the error of an unknown kind is %v", err)
	}
}

func TestTheNearestLayerHolds(t *testing.T) {
	s := newStore(t, map[string]string{"log.retention.hours": "2"})
	retention := func() time.Duration { return s.OfTopic(1, "t", "retention.ms").Duration() }
	steps := []struct {
		what string
		do   func()
		want time.Duration
	}{
		{"hours in the file", func() {}, 2 * time.Hour},
		{"minutes outrank hours", func() {
			if err := s.SetStatic(1, "log.retention.minutes", "30"); err != nil {
				t.Fatal(err)
			}
		}, 30 * time.Minute},
		{"milliseconds outrank minutes", func() { mustSet(t, s, setting.AllBrokers, "log.retention.ms", "5000") },
			5 * time.Second},
		{"a broker outranks all", func() { mustSet(t, s, setting.OfBroker(1), "log.retention.ms", "4000") },
			4 * time.Second},
		{"another broker's does not", func() { mustSet(t, s, setting.OfBroker(2), "log.retention.ms", "1") },
			4 * time.Second},
		{"the topic outranks brokers", func() { mustSet(t, s, setting.OfTopic("t"), "retention.ms", "3000") },
			3 * time.Second},
		{"forgotten, the broker's again", func() { s.Forget(setting.OfTopic("t")) }, 4 * time.Second},
	}
	for _, step := range steps {
		step.do()
		if got := retention(); got != step.want {
			t.Errorf("%s: retention is %v, want %v", step.what, got, step.want)
		}
	}
}

func TestNoLimitStaysNoLimitInEveryUnit(t *testing.T) {
	s := newStore(t, map[string]string{"log.retention.hours": "-1"})
	if got := s.OfTopic(1, "t", "retention.ms").Int64(); got != -1 {
		t.Errorf("retention.ms is %d", got)
	}
}

func TestAGroupFallsBackToItsBroker(t *testing.T) {
	s := newStore(t, map[string]string{"group.consumer.heartbeat.interval.ms": "6000"})
	if got := s.OfGroup(1, "g", "consumer.heartbeat.interval.ms").Int64(); got != 6000 {
		t.Errorf("the interval is %d", got)
	}
	mustSet(t, s, setting.OfGroup("g"), "consumer.heartbeat.interval.ms", "7000")
	if got := s.OfGroup(1, "g", "consumer.heartbeat.interval.ms").Int64(); got != 7000 {
		t.Errorf("the interval set is %d", got)
	}
}

func TestConfigsThatContradictEachOtherAreRefused(t *testing.T) {
	s := newStore(t, nil)
	for _, c := range []struct {
		r         setting.Resource
		overrides map[string]string
	}{
		{setting.OfTopic("t"), map[string]string{"min.compaction.lag.ms": "2", "max.compaction.lag.ms": "1"}},
		{setting.OfTopic("t"), map[string]string{"remote.storage.enable": "true"}},
		{setting.OfGroup("g"), map[string]string{"consumer.session.timeout.ms": "44999"}},
		{setting.OfGroup("g"), map[string]string{"consumer.session.timeout.ms": "60001"}},
		{setting.OfGroup("g"), map[string]string{"consumer.heartbeat.interval.ms": "4999"}},
		{setting.OfGroup("g"), map[string]string{"share.record.lock.duration.ms": "14999"}},
		{setting.OfGroup("g"), map[string]string{"streams.num.standby.replicas": "3"}},
		{setting.Resource{Kind: setting.ClientMetrics, Name: "m"}, map[string]string{"match": "colour=red"}},
		{setting.Resource{Kind: setting.ClientMetrics, Name: "m"}, map[string]string{"interval.ms": "99"}},
	} {
		if _, err := s.Check(c.r, c.overrides); !errors.Is(err, setting.ErrInvalid) {
			t.Errorf("%v of %v: the error is %v", c.overrides, c.r, err)
		}
	}
}

func TestATieredTopicIsHeldToItsRetention(t *testing.T) {
	s := newStore(t, map[string]string{"remote.log.storage.system.enable": "true"})
	good := map[string]string{"remote.storage.enable": "true", "retention.ms": "10", "local.retention.ms": "5"}
	if _, err := s.Check(setting.OfTopic("t"), good); err != nil {
		t.Error(err)
	}
	for name, value := range map[string]string{"local.retention.ms": "11", "cleanup.policy": "compact"} {
		bad := maps.Clone(good)
		bad[name] = value
		if _, err := s.Check(setting.OfTopic("t"), bad); !errors.Is(err, setting.ErrInvalid) {
			t.Errorf("with %s=%s the error is %v", name, value, err)
		}
	}
}

func TestResourcesAreNamedWhileSomethingIsSet(t *testing.T) {
	s := newStore(t, nil)
	before := s.Changes()
	mustSet(t, s, setting.OfTopic("b"), "retention.ms", "1")
	mustSet(t, s, setting.OfTopic("a"), "retention.ms", "1")
	mustSet(t, s, setting.OfGroup("g"), "consumer.heartbeat.interval.ms", "5001")
	if got := strings.Join(s.Names(setting.Topic), " "); got != "a b" {
		t.Errorf("the topics are %q", got)
	}
	if got := s.Overrides(setting.OfTopic("a")); len(got) != 1 || got["retention.ms"] != "1" {
		t.Errorf("the overrides are %v", got)
	}
	if s.Changes() == before {
		t.Error("the changes were not counted")
	}
	s.Forget(setting.OfTopic("a"))
	if got := strings.Join(s.Names(setting.Topic), " "); got != "b" {
		t.Errorf("the topics are %q", got)
	}
}

func TestTextIsReadLeniently(t *testing.T) {
	if got := setting.Text("9223372036854775807").Duration(); got < 290*365*24*time.Hour {
		t.Errorf("never is %v", got)
	}
	if got := setting.Text(" a, b ,").List(); len(got) != 3 || got[1] != "b" {
		t.Errorf("the list is %q", got)
	}
	if !setting.Text("true").Bool() || setting.Text("x").Int64() != 0 {
		t.Error("a truth value or no number")
	}
}

func TestAMatchHoldsForWholeValues(t *testing.T) {
	m, err := setting.ParseMatch("client_software_name=apache-.*, client_id=app")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id string
		want     bool
	}{{"apache-kafka-java", "app", true}, {"apache-kafka-java", "application", false}, {"kgo", "app", false}} {
		if got := m.Holds(map[string]string{"client_software_name": c.name, "client_id": c.id}); got != c.want {
			t.Errorf("%+v holds: %v", c, got)
		}
	}
	for _, bad := range []setting.Text{
		"client_id", "client_id=", "client_id=(", "client_id=a)|(b", "a=b", "client_id=a=b",
	} {
		if _, err := setting.ParseMatch(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestRetiredConfigsAreKnownToThoseWhoKeepThem(t *testing.T) {
	old, err := setting.NewStore(map[string]string{"log.message.format.version": "2.8"}, true)
	if err != nil {
		t.Fatal(err)
	}
	mustSet(t, old, setting.OfTopic("t"), "message.downconversion.enable", "false")
	values := old.Describe(1, setting.OfTopic("t"))
	if got := *find(t, values, "message.format.version").Text; got != "2.8" {
		t.Errorf("message.format.version is %s", got)
	}
	if got := *find(t, values, "message.downconversion.enable").Text; got != "false" {
		t.Errorf("message.downconversion.enable is %s", got)
	}
	_, err = newStore(t, nil).Check(setting.OfTopic("t"), map[string]string{"message.format.version": "2.8"})
	if !errors.Is(err, setting.ErrUnknown) {
		t.Errorf("of a new Kafka the error is %v", err)
	}
}
