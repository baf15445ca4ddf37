// Configs are described, changed and listed as Kafka does it.

package state_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const loggerKind = kmsg.ConfigResourceTypeBrokerLogger

// describe asks for the configs of one resource with everything known of them.
func describe(
	d *driver, kind kmsg.ConfigResourceType, name string, configs ...string,
) kmsg.DescribeConfigsResponseResource {
	d.t.Helper()
	resp := ask[*kmsg.DescribeConfigsResponse](d, &kmsg.DescribeConfigsRequest{
		Version: 4, IncludeSynonyms: true, IncludeDocumentation: true,
		Resources: []kmsg.DescribeConfigsRequestResource{
			{ResourceType: kind, ResourceName: name, ConfigNames: configs},
		},
	})
	return resp.Resources[0]
}

// valueOf describes one config and returns its value.
func valueOf(d *driver, kind kmsg.ConfigResourceType, name, config string) string {
	d.t.Helper()
	r := describe(d, kind, name, config)
	if len(r.Configs) != 1 {
		d.t.Fatalf("%s of %s: %d configs, code %d", config, name, len(r.Configs), r.ErrorCode)
	}
	if r.Configs[0].Value == nil {
		return "null"
	}
	return *r.Configs[0].Value
}

// A change is written as "name=value", "-name", "name+=value" or "name-=value".
func changes(written ...string) (changes []kmsg.IncrementalAlterConfigsRequestResourceConfig) {
	for _, w := range written {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		name, value, _ := strings.Cut(w, "=")
		c.Name, c.Value = strings.Trim(name, "+-"), &value
		switch {
		case strings.HasPrefix(name, "-"):
			c.Op, c.Value = kmsg.IncrementalAlterConfigOpDelete, nil
		case strings.HasSuffix(name, "+"):
			c.Op = kmsg.IncrementalAlterConfigOpAppend
		case strings.HasSuffix(name, "-"):
			c.Op = kmsg.IncrementalAlterConfigOpSubtract
		}
		changes = append(changes, c)
	}
	return changes
}

// alter changes the configs of one resource and returns the code.
func alter(d *driver, kind kmsg.ConfigResourceType, name string, written ...string) int16 {
	d.t.Helper()
	resource := kmsg.IncrementalAlterConfigsRequestResource{
		ResourceType: kind, ResourceName: name, Configs: changes(written...),
	}
	resp := ask[*kmsg.IncrementalAlterConfigsResponse](d, &kmsg.IncrementalAlterConfigsRequest{
		Version: 1, Resources: []kmsg.IncrementalAlterConfigsRequestResource{resource},
	})
	return resp.Resources[0].ErrorCode
}

func TestATopicsConfigsAreDescribedInFull(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	wantCode(t, "the change", alter(d, setting.Topic, "a", "max.message.bytes=2000000"), nil)
	r := describe(d, setting.Topic, "a")
	if len(r.Configs) != len(setting.Defs(setting.Topic)) {
		t.Errorf("%d configs are described", len(r.Configs))
	}
	for _, c := range r.Configs {
		if c.ConfigType == kmsg.ConfigTypeUnknown || c.Documentation == nil || c.Value == nil || c.ReadOnly {
			t.Errorf("%s is described as %+v", c.Name, c)
		}
	}
	got := describe(d, setting.Topic, "a", "max.message.bytes").Configs[0]
	if *got.Value != "2000000" || got.Source != kmsg.ConfigSourceDynamicTopicConfig || len(got.ConfigSynonyms) != 2 {
		t.Errorf("max.message.bytes is %+v", got)
	}
}

func TestOldVersionsTellOfDefaultsOnly(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	alter(d, setting.Topic, "a", "retention.ms=5")
	for version := range int16(5) {
		resp := ask[*kmsg.DescribeConfigsResponse](d, &kmsg.DescribeConfigsRequest{
			Version: version,
			Resources: []kmsg.DescribeConfigsRequestResource{{
				ResourceType: setting.Topic, ResourceName: "a", ConfigNames: []string{"retention.ms", "segment.bytes"},
			}},
		})
		configs := resp.Resources[0].Configs
		if len(configs) != 2 || *configs[0].Value != "5" {
			t.Fatalf("version %d: %+v", version, configs)
		}
		if version == 0 && (configs[0].IsDefault || !configs[1].IsDefault) {
			t.Errorf("version 0 tells defaults as %v, %v", configs[0].IsDefault, configs[1].IsDefault)
		}
		if len(configs[0].ConfigSynonyms) != 0 || configs[0].Documentation != nil {
			t.Errorf("version %d tells what was not asked for", version)
		}
	}
}

func TestABrokerDescribesItselfAndTheDefaultsOfAll(t *testing.T) {
	d := newDriver(t, 3, map[string]string{"num.partitions": "4", "ssl.keystore.password": "secret"})
	if got := valueOf(d, setting.Broker, "1", "num.partitions"); got != "4" {
		t.Errorf("num.partitions is %s", got)
	}
	if got := valueOf(d, setting.Broker, "1", "broker.rack"); got != "r1" {
		t.Errorf("the rack is %s", got)
	}
	if got := valueOf(d, setting.Broker, "1", "default.replication.factor"); got != "3" {
		t.Errorf("the replication factor is %s", got)
	}
	secret := describe(d, setting.Broker, "1", "ssl.keystore.password").Configs[0]
	if !secret.IsSensitive || secret.Value != nil {
		t.Errorf("the password is told: %+v", secret)
	}
	if got := describe(d, setting.Broker, "1", "num.partitions").Configs[0]; !got.ReadOnly {
		t.Error("num.partitions can be changed")
	}
	if got := describe(d, setting.Broker, ""); len(got.Configs) != 0 || got.ErrorCode != 0 {
		t.Errorf("the defaults of all are %+v", got)
	}
	wantCode(t, "the change", alter(d, setting.Broker, "", "log.retention.ms=7"), nil)
	if got := describe(d, setting.Broker, ""); len(got.Configs) != 1 || *got.Configs[0].Value != "7" {
		t.Errorf("the defaults of all are %+v", got)
	}
}

func TestWhatCannotBeDescribedIsRefused(t *testing.T) {
	d := newDriver(t, 2, nil)
	for _, c := range []struct {
		kind kmsg.ConfigResourceType
		name string
		want *kerr.Error
	}{
		{setting.Topic, "unknown", kerr.UnknownTopicOrPartition},
		{setting.Topic, "a b", kerr.InvalidTopicException},
		{setting.Broker, "2", kerr.InvalidRequest},
		{setting.Broker, "one", kerr.InvalidRequest},
		{loggerKind, "", kerr.InvalidRequest},
		{loggerKind, "2", kerr.InvalidRequest},
		{setting.ClientMetrics, "", kerr.InvalidRequest},
		{setting.Group, "", kerr.InvalidRequest},
		{3, "x", kerr.InvalidRequest},
	} {
		wantCode(t, fmt.Sprint(c.kind, " ", c.name), describe(d, c.kind, c.name).ErrorCode, c.want)
	}
}

func TestConfigsAreForThoseAllowed(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	d.only()
	for kind, want := range map[kmsg.ConfigResourceType]*kerr.Error{
		setting.Topic: kerr.TopicAuthorizationFailed, setting.Group: kerr.GroupAuthorizationFailed,
		setting.Broker: kerr.ClusterAuthorizationFailed, setting.ClientMetrics: kerr.ClusterAuthorizationFailed,
		loggerKind: kerr.ClusterAuthorizationFailed,
	} {
		wantCode(t, "description", describe(d, kind, "a").ErrorCode, want)
		wantCode(t, "change", alter(d, kind, "a", "x=1"), want)
	}
	resp := ask[*kmsg.ListConfigResourcesResponse](d, &kmsg.ListConfigResourcesRequest{Version: 1})
	wantCode(t, "list", resp.ErrorCode, kerr.ClusterAuthorizationFailed)
}

func TestConfigsChangeOneByOne(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("a", 1, 1)
	for _, step := range []struct {
		written, config, want string
	}{
		{"retention.ms= 5000 ", "retention.ms", "5000"},
		{"-retention.ms", "retention.ms", "604800000"},
		{"cleanup.policy+=compact", "cleanup.policy", "delete,compact"},
		{"cleanup.policy+=compact", "cleanup.policy", "delete,compact"},
		{"cleanup.policy-=delete", "cleanup.policy", "compact"},
		{"cleanup.policy=delete", "cleanup.policy", "delete"},
	} {
		wantCode(t, step.written, alter(d, setting.Topic, "a", step.written), nil)
		if got := valueOf(d, setting.Topic, "a", step.config); got != step.want {
			t.Errorf("after %s, %s is %s", step.written, step.config, got)
		}
		if got := string(topic.Setting(step.config)); got != step.want {
			t.Errorf("after %s, the topic takes %s for %s", step.written, step.config, got)
		}
	}
}

func TestChangesThatMayNotBeAreRefused(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.create("a", 1, 1)
	for _, c := range []struct {
		kind    kmsg.ConfigResourceType
		name    string
		written string
		want    *kerr.Error
	}{
		{setting.Topic, "a", "retention.millis=1", kerr.InvalidConfig},
		{setting.Topic, "a", "retention.ms=x", kerr.InvalidConfig},
		{setting.Topic, "a", "retention.ms+=1", kerr.InvalidConfig},
		{setting.Topic, "a", "unknown-=1", kerr.InvalidConfig},
		{setting.Topic, "b", "retention.ms=1", kerr.UnknownTopicOrPartition},
		{setting.Topic, "", "retention.ms=1", kerr.InvalidRequest},
		{setting.Broker, "2", "log.retention.ms=1", kerr.InvalidRequest},
		{setting.Broker, "x", "log.retention.ms=1", kerr.InvalidRequest},
		{setting.Broker, "1", "num.partitions=2", kerr.InvalidRequest},
		{setting.Broker, "1", "log.retention.ms=x", kerr.InvalidRequest},
		{setting.Broker, "1", "ssl.keystore.location=x", kerr.InvalidRequest},
		{setting.Broker, "", "listener.name.a.ssl.keystore.location=x", kerr.InvalidRequest},
		{setting.Group, "g", "consumer.session.timeout.ms=1", kerr.InvalidConfig},
		{setting.Group, "", "consumer.session.timeout.ms=45000", kerr.InvalidRequest},
		{setting.ClientMetrics, "m", "interval.ms=1", kerr.InvalidRequest},
		{setting.ClientMetrics, "m", "interval.ms=soon", kerr.InvalidConfig},
		{setting.ClientMetrics, "m", "match=colour=red", kerr.InvalidConfig},
		{setting.ClientMetrics, "m", "period=1", kerr.InvalidRequest},
		{setting.ClientMetrics, "", "interval.ms=1000", kerr.InvalidRequest},
		{loggerKind, "1", "no.such.logger=INFO", kerr.InvalidConfig},
		{loggerKind, "1", "kafka=LOUD", kerr.InvalidConfig},
		{loggerKind, "1", "-root", kerr.InvalidRequest},
		{loggerKind, "1", "kafka+=INFO", kerr.InvalidRequest},
		{loggerKind, "2", "kafka=INFO", kerr.InvalidRequest},
		{3, "x", "a=b", kerr.InvalidRequest},
	} {
		wantCode(t, fmt.Sprint(c.kind, " ", c.name, " ", c.written), alter(d, c.kind, c.name, c.written), c.want)
	}
	kinds := []kmsg.ConfigResourceType{setting.Topic, setting.Broker, setting.Group, setting.ClientMetrics}
	for _, kind := range kinds {
		if names := d.Settings().Names(kind); names != nil {
			t.Errorf("something is set of %v", names)
		}
	}
}

func TestAChangeIsWholeOrNot(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	wantCode(t, "one bad", alter(d, setting.Topic, "a", "retention.ms=1", "segment.bytes=1"), kerr.InvalidConfig)
	wantCode(t, "one twice", alter(d, setting.Topic, "a", "retention.ms=1", "retention.ms=2"), kerr.InvalidRequest)
	if got := d.Settings().Overrides(setting.OfTopic("a")); len(got) != 0 {
		t.Errorf("%v is set", got)
	}
}

func TestAnIncrementalChangeOfNothingOrByNothingIsRefused(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	for what, change := range map[string]kmsg.IncrementalAlterConfigsRequestResourceConfig{
		"null":                 {Name: "retention.ms"},
		"an unknown operation": {Name: "retention.ms", Op: 9, Value: kmsg.StringPtr("1")},
	} {
		resource := kmsg.IncrementalAlterConfigsRequestResource{ResourceType: setting.Topic, ResourceName: "a"}
		resource.Configs = append(resource.Configs, change)
		resp := ask[*kmsg.IncrementalAlterConfigsResponse](d, &kmsg.IncrementalAlterConfigsRequest{
			Resources: []kmsg.IncrementalAlterConfigsRequestResource{resource},
		})
		wantCode(t, what, resp.Resources[0].ErrorCode, kerr.InvalidRequest)
	}
}

func TestAResourceTwiceIsNotChanged(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	d.create("b", 1, 1)
	req := &kmsg.IncrementalAlterConfigsRequest{Version: 1}
	for _, name := range []string{"a", "b", "a"} {
		req.Resources = append(req.Resources, kmsg.IncrementalAlterConfigsRequestResource{
			ResourceType: setting.Topic, ResourceName: name, Configs: changes("retention.ms=1"),
		})
	}
	resp := ask[*kmsg.IncrementalAlterConfigsResponse](d, req)
	for i, want := range []*kerr.Error{kerr.InvalidRequest, nil, kerr.InvalidRequest} {
		wantCode(t, req.Resources[i].ResourceName, resp.Resources[i].ErrorCode, want)
	}
	if got := d.Settings().Names(setting.Topic); !slices.Equal(got, []string{"b"}) {
		t.Errorf("changed were %v", got)
	}
}

// replaceConfigs is the request of old, by which what it does not name is
// unset.
func replaceConfigs(version int16, topic string, pairs ...string) *kmsg.AlterConfigsRequest {
	resource := kmsg.AlterConfigsRequestResource{ResourceType: setting.Topic, ResourceName: topic}
	for i := 0; i < len(pairs); i += 2 {
		c := kmsg.AlterConfigsRequestResourceConfig{Name: pairs[i], Value: &pairs[i+1]}
		resource.Configs = append(resource.Configs, c)
	}
	return &kmsg.AlterConfigsRequest{Version: version, Resources: []kmsg.AlterConfigsRequestResource{resource}}
}

func TestAlterConfigsReplacesAll(t *testing.T) {
	for version := range int16(3) {
		d := newDriver(t, 1, nil)
		d.create("a", 1, 1)
		alter(d, setting.Topic, "a", "retention.ms=1", "segment.ms=2")
		resp := ask[*kmsg.AlterConfigsResponse](d, replaceConfigs(version, "a", "retention.ms", "3"))
		wantCode(t, "the change", resp.Resources[0].ErrorCode, nil)
		if got := fmt.Sprint(d.Settings().Overrides(setting.OfTopic("a"))); got != "map[retention.ms:3]" {
			t.Errorf("version %d leaves %s", version, got)
		}
		resp = ask[*kmsg.AlterConfigsResponse](d, replaceConfigs(version, "a", "retention.ms", "x"))
		wantCode(t, "a bad change", resp.Resources[0].ErrorCode, kerr.InvalidConfig)
	}
}

func TestValidationChangesNoConfigs(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	req := replaceConfigs(2, "a", "retention.ms", "3")
	req.ValidateOnly = true
	wantCode(t, "AlterConfigs", ask[*kmsg.AlterConfigsResponse](d, req).Resources[0].ErrorCode, nil)
	inc := &kmsg.IncrementalAlterConfigsRequest{Version: 1, ValidateOnly: true}
	inc.Resources = []kmsg.IncrementalAlterConfigsRequestResource{
		{ResourceType: setting.Topic, ResourceName: "a", Configs: changes("retention.ms=1")},
		{ResourceType: loggerKind, ResourceName: "1", Configs: changes("kafka=TRACE")},
	}
	for _, r := range ask[*kmsg.IncrementalAlterConfigsResponse](d, inc).Resources {
		wantCode(t, "IncrementalAlterConfigs", r.ErrorCode, nil)
	}
	if got := d.Settings().Overrides(setting.OfTopic("a")); len(got) != 0 {
		t.Errorf("%v is set", got)
	}
	if got := valueOf(d, loggerKind, "1", "kafka"); got != "INFO" {
		t.Errorf("the level is %s", got)
	}
}

func TestALoggerFollowsTheOneAboveIt(t *testing.T) {
	d := newDriver(t, 1, nil)
	for _, step := range []struct{ written, logger, want string }{
		{"root=WARN", "kafka.server.KafkaApis", "WARN"},
		{"kafka=DEBUG", "kafka.server.KafkaApis", "DEBUG"},
		{"kafka.server.KafkaApis=TRACE", "kafka.server.KafkaApis", "TRACE"},
		{"-kafka.server.KafkaApis", "kafka.server.KafkaApis", "DEBUG"},
		{"-kafka", "kafka.server.KafkaApis", "WARN"},
	} {
		wantCode(t, step.written, alter(d, loggerKind, "1", step.written), nil)
		if got := valueOf(d, loggerKind, "1", step.logger); got != step.want {
			t.Errorf("after %s the level of %s is %s", step.written, step.logger, got)
		}
	}
}

func TestAnOldKafkaHasTheConfigsOfItsDay(t *testing.T) {
	for persona, want := range map[string]*kerr.Error{"2.8": nil, "3.9": nil, "4.0": kerr.InvalidConfig} {
		d := newPersona(t, persona, 1, nil)
		d.create("a", 1, 1)
		wantCode(t, persona, alter(d, setting.Topic, "a", "message.downconversion.enable=false"), want)
	}
}

func TestABrokerThatIsAddedHasConfigsOfItsOwn(t *testing.T) {
	d := newDriver(t, 1, nil)
	if err := d.AddBroker(state.Member{ID: 7, Rack: "r7"}); err != nil {
		t.Fatal(err)
	}
	d.broker = 7
	for config, want := range map[string]string{"node.id": "7", "broker.rack": "r7"} {
		if got := valueOf(d, setting.Broker, "7", config); got != want {
			t.Errorf("%s is %s", config, got)
		}
	}
}

func TestResourcesAreListed(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.create("b", 1, 1)
	d.create("a", 1, 1)
	wantCode(t, "metrics", alter(d, setting.ClientMetrics, "m", "interval.ms=1000"), nil)
	wantCode(t, "group", alter(d, setting.Group, "g", "consumer.session.timeout.ms=50000"), nil)
	list := func(req *kmsg.ListConfigResourcesRequest) string {
		var names []string
		for _, r := range ask[*kmsg.ListConfigResourcesResponse](d, req).ConfigResources {
			names = append(names, fmt.Sprintf("%d:%s", r.Type, r.Name))
		}
		return strings.Join(names, " ")
	}
	for _, c := range []struct {
		version int16
		kinds   []int8
		want    string
	}{
		{0, nil, "16:m"},
		{1, nil, "2:a 2:b 4:1 4:2 8:1 8:2 16:m 32:g"},
		{1, []int8{32, 2}, "2:a 2:b 32:g"},
	} {
		if got := list(&kmsg.ListConfigResourcesRequest{Version: c.version, ResourceTypes: c.kinds}); got != c.want {
			t.Errorf("version %d lists %s", c.version, got)
		}
	}
	unknown := &kmsg.ListConfigResourcesRequest{Version: 1, ResourceTypes: []int8{3}}
	resp := ask[*kmsg.ListConfigResourcesResponse](d, unknown)
	wantCode(t, "an unknown kind", resp.ErrorCode, kerr.UnsupportedVersion)
}
