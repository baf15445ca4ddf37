// AlterConfigs and IncrementalAlterConfigs.

package state

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An alteration is what a request wants of one resource's configs.
type alteration struct {
	resource setting.Resource
	changes  []kmsg.IncrementalAlterConfigsRequestResourceConfig
	replace  bool // the changes are all that is to be set
	validate bool // only check
}

func (c *Cluster) alterConfigs(x *call.Call, req *kmsg.AlterConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	alterations := make([]alteration, len(req.Resources))
	for i, asked := range req.Resources {
		a := alteration{replace: true, validate: req.ValidateOnly}
		a.resource = setting.Resource{Kind: asked.ResourceType, Name: asked.ResourceName}
		for _, pair := range asked.Configs {
			change := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			change.Name, change.Value = pair.Name, pair.Value
			a.changes = append(a.changes, change)
		}
		alterations[i] = a
	}
	for i, refused := range c.alterAll(x, alterations) {
		answer := kmsg.NewAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
		answer.ErrorCode, answer.ErrorMessage = refused.Code(), refused.Message()
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}

func (c *Cluster) incrementalAlterConfigs(x *call.Call, req *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	alterations := make([]alteration, len(req.Resources))
	for i, asked := range req.Resources {
		alterations[i] = alteration{
			resource: setting.Resource{Kind: asked.ResourceType, Name: asked.ResourceName},
			changes:  asked.Configs,
			validate: req.ValidateOnly,
		}
	}
	for i, refused := range c.alterAll(x, alterations) {
		answer := kmsg.NewIncrementalAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
		answer.ErrorCode, answer.ErrorMessage = refused.Code(), refused.Message()
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}

// alterAll makes the alterations, each for itself. A resource that is there
// more than once is not altered at all.
func (c *Cluster) alterAll(x *call.Call, alterations []alteration) []*call.Refusal {
	times := map[setting.Resource]int{}
	for _, a := range alterations {
		times[a.resource]++
	}
	refused := make([]*call.Refusal, len(alterations))
	for i, a := range alterations {
		if times[a.resource] > 1 {
			refused[i] = call.Refuse(kerr.InvalidRequest, "Each resource must appear at most once.")
			continue
		}
		refused[i] = c.alter(x, a)
	}
	return refused
}

// alter checks one alteration and makes it.
func (c *Cluster) alter(x *call.Call, a alteration) *call.Refusal {
	if refused := c.configAccess(x, kmsg.ACLOperationAlterConfigs, a.resource); refused != nil {
		return refused
	}
	if refused := checkChanges(a.changes); refused != nil {
		return refused
	}
	if refused := c.checkAltered(x, a); refused != nil {
		return refused
	}
	if a.resource.Kind == kmsg.ConfigResourceTypeBrokerLogger {
		return c.alterLoggers(x.Broker, a)
	}
	wanted, refused := c.wanted(a)
	if refused != nil {
		return refused
	}
	kept, err := c.settings.Check(a.resource, wanted)
	if err != nil {
		return refuseConfig(a.resource.Kind, err)
	}
	if refused := checkBrokerConfigs(a.resource, kept); refused != nil {
		return refused
	}
	if !a.validate {
		c.settings.Replace(a.resource, kept)
		c.reconfigured(a.resource)
	}
	return nil
}

// refuseConfig says by which code Kafka refuses: brokers' configs are checked
// by the broker, which calls the request invalid (KAFKA-13609), as does the
// controller where a metrics subscription has an unknown config, or an interval
// out of bounds (KIP-714).
func refuseConfig(kind kmsg.ConfigResourceType, err error) *call.Refusal {
	bad := errors.Is(err, setting.ErrUnknown) || errors.Is(err, setting.ErrBounds)
	if kind == setting.Broker || kind == setting.ClientMetrics && bad {
		return call.Refuse(kerr.InvalidRequest, err.Error())
	}
	return call.Refuse(kerr.InvalidConfig, err.Error())
}

// checkChanges refuses names that are there twice, and values that are null.
func checkChanges(changes []kmsg.IncrementalAlterConfigsRequestResourceConfig) *call.Refusal {
	seen := map[string]bool{}
	for _, change := range changes {
		if seen[change.Name] {
			return call.Refuse(kerr.InvalidRequest, "Error due to duplicate config keys")
		}
		seen[change.Name] = true
		if change.Value == nil && change.Op != kmsg.IncrementalAlterConfigOpDelete {
			return call.Refuse(kerr.InvalidRequest, "Null value not supported for : "+change.Name)
		}
	}
	return nil
}

// checkAltered refuses resources that have no configs to alter here.
func (c *Cluster) checkAltered(x *call.Call, a alteration) *call.Refusal {
	switch r := a.resource; r.Kind {
	case setting.Broker:
		if r.Name != "" {
			return checkBrokerName(x, r.Name)
		}
	case kmsg.ConfigResourceTypeBrokerLogger:
		if a.replace {
			return call.Refuse(kerr.InvalidRequest, fmt.Sprintf("Unknown resource type %d", r.Kind))
		}
		return checkBrokerName(x, r.Name)
	case setting.Topic:
		if r.Name == "" {
			return call.Refuse(kerr.InvalidRequest, "Default topic resources are not allowed.")
		}
		if _, ok := c.topics[r.Name]; !ok {
			return call.Refuse(kerr.UnknownTopicOrPartition, "The topic '"+r.Name+"' does not exist.")
		}
	case setting.Group:
		if r.Name == "" {
			return call.Refuse(kerr.InvalidRequest, "Default group resources are not allowed.")
		}
	case setting.ClientMetrics:
		if r.Name == "" {
			return call.Refuse(kerr.InvalidRequest, "Default client metrics resources are not allowed.")
		}
	}
	return nil
}

// wanted returns what would be set of the resource after the changes.
func (c *Cluster) wanted(a alteration) (map[string]string, *call.Refusal) {
	wanted := map[string]string{}
	if !a.replace {
		maps.Copy(wanted, c.settings.Overrides(a.resource))
	}
	for _, change := range a.changes {
		switch change.Op {
		case kmsg.IncrementalAlterConfigOpSet:
			wanted[change.Name] = *change.Value
		case kmsg.IncrementalAlterConfigOpDelete:
			delete(wanted, change.Name)
		case kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract:
			if refused := changeList(wanted, a.resource.Kind, change); refused != nil {
				return nil, refused
			}
		default:
			return nil, call.Refuse(kerr.InvalidRequest, fmt.Sprintf("Unknown operations type %d", change.Op))
		}
	}
	return wanted, nil
}

// changeList appends elements to a list, or takes them from it. A list that
// was not set begins as its default.
func changeList(
	wanted map[string]string, kind kmsg.ConfigResourceType, change kmsg.IncrementalAlterConfigsRequestResourceConfig,
) *call.Refusal {
	d, ok := setting.Find(kind, change.Name)
	if !ok || d.Type != kmsg.ConfigTypeList {
		return call.Refuse(kerr.InvalidConfig,
			fmt.Sprintf("Can't %v to key %s because its type is not LIST.", change.Op, change.Name))
	}
	value, ok := wanted[change.Name]
	if !ok {
		value, _ = d.Default()
	}
	elements, named := setting.Text(value).List(), setting.Text(*change.Value).List()
	if change.Op == kmsg.IncrementalAlterConfigOpAppend {
		elements = slices.Concat(elements, lacking(named, elements))
	} else {
		elements = lacking(elements, named)
	}
	wanted[change.Name] = strings.Join(elements, ",")
	return nil
}

// lacking returns the elements of a that b lacks, each once.
func lacking(a, b []string) (lacked []string) {
	seen := map[string]bool{}
	for _, e := range b {
		seen[e] = true
	}
	for _, e := range a {
		if !seen[e] {
			seen[e] = true
			lacked = append(lacked, e)
		}
	}
	return lacked
}

// checkBrokerConfigs refuses what a running broker cannot change, or not for
// all brokers at once (KIP-226).
func checkBrokerConfigs(r setting.Resource, wanted map[string]string) *call.Refusal {
	if r.Kind != setting.Broker {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		d, ok := setting.Find(setting.Broker, name)
		switch {
		case !ok:
		case d.Update == setting.ReadOnly:
			return call.Refuse(kerr.InvalidRequest, "Cannot update these configs dynamically: ["+name+"]")
		case d.Update == setting.PerBroker && r.Name == "":
			return call.Refuse(kerr.InvalidRequest, "Cannot update these configs at default cluster level, "+
				"broker id must be specified: ["+name+"]")
		case perListener(name):
			return call.Refuse(kerr.InvalidRequest, "These security configs can be dynamically updated only "+
				"per-listener using the listener prefix: ["+name+"]")
		}
	}
	return nil
}

// perListener reports whether the name is of a key or trust store, which a
// running broker changes under the prefix of a listener only.
func perListener(name string) bool {
	return strings.HasPrefix(name, "ssl.keystore.") || strings.HasPrefix(name, "ssl.truststore.") ||
		name == "ssl.key.password"
}
