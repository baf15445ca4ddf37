// DescribeConfigs and ListConfigResources.

package state

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mostDescribed is how many resources one request may describe: an answer is
// some hundred times as long as the question.
const mostDescribed = 10000

func configAPIs() []api {
	return []api{
		serves(kmsg.DescribeConfigs, 0, 4, (*Cluster).describeConfigs),
		serves(kmsg.AlterConfigs, 0, 2, (*Cluster).alterConfigs),
		serves(kmsg.IncrementalAlterConfigs, 0, 1, (*Cluster).incrementalAlterConfigs),
		serves(kmsg.ListConfigResources, 0, 1, (*Cluster).listConfigResources),
	}
}

func (c *Cluster) describeConfigs(x *call.Call, req *kmsg.DescribeConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	answered := map[setting.Resource]bool{}
	for i := range req.Resources {
		asked := &req.Resources[i]
		r := setting.Resource{Kind: asked.ResourceType, Name: asked.ResourceName}
		if answered[r] {
			continue
		}
		answered[r] = true
		answer := kmsg.NewDescribeConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = asked.ResourceType, asked.ResourceName
		refused := c.configAccess(x, kmsg.ACLOperationDescribeConfigs, r)
		if len(answered) > mostDescribed {
			refused = call.Refuse(kerr.InvalidRequest, "Too many resources in one request.")
		}
		if refused == nil {
			refused = c.checkDescribed(x, r)
		}
		if refused == nil {
			answer.Configs = c.describedConfigs(x, req, asked)
		}
		answer.ErrorCode, answer.ErrorMessage = refused.Code(), refused.Message()
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}

// configAccess reports what keeps the caller from doing op to a resource's
// configs.
func (c *Cluster) configAccess(x *call.Call, op kmsg.ACLOperation, r setting.Resource) *call.Refusal {
	switch r.Kind {
	case setting.Topic:
		if !x.AllowsTopic(op, r.Name) {
			return call.Refuse(kerr.TopicAuthorizationFailed, "")
		}
	case setting.Group:
		if !x.AllowsGroup(op, r.Name) {
			return call.Refuse(kerr.GroupAuthorizationFailed, "")
		}
	case setting.Broker, setting.ClientMetrics, kmsg.ConfigResourceTypeBrokerLogger:
		if !x.AllowsCluster(op) {
			return call.Refuse(kerr.ClusterAuthorizationFailed, "")
		}
	default:
		return call.Refuse(kerr.InvalidRequest, fmt.Sprintf("Unknown resource type %d", r.Kind))
	}
	return nil
}

// checkDescribed refuses resources that cannot be described here. A broker
// tells its own configs only.
func (c *Cluster) checkDescribed(x *call.Call, r setting.Resource) *call.Refusal {
	switch r.Kind {
	case setting.Topic:
		if !validTopicName(r.Name) {
			return call.Refuse(kerr.InvalidTopicException, fmt.Sprintf("Topic name is invalid: %q", r.Name))
		}
		if _, ok := c.topics[r.Name]; !ok {
			return call.Refuse(kerr.UnknownTopicOrPartition, "")
		}
	case setting.Broker:
		if r.Name != "" {
			return checkBrokerName(x, r.Name)
		}
	case kmsg.ConfigResourceTypeBrokerLogger:
		if r.Name == "" {
			return call.Refuse(kerr.InvalidRequest, "Broker id must not be empty")
		}
		return checkBrokerName(x, r.Name)
	case setting.ClientMetrics:
		if r.Name == "" {
			return call.Refuse(kerr.InvalidRequest, "Client metrics subscription name must not be empty")
		}
	case setting.Group:
		if r.Name == "" {
			return call.Refuse(kerr.InvalidRequest, "Group name must not be empty")
		}
	}
	return nil
}

// checkBrokerName refuses names that are not that of the broker asked.
func checkBrokerName(x *call.Call, name string) *call.Refusal {
	id, err := strconv.ParseInt(name, 10, 32)
	if err != nil {
		return call.Refuse(kerr.InvalidRequest, "Node id must be an integer, but it is: "+name)
	}
	if int32(id) != x.Broker {
		return call.Refuse(kerr.InvalidRequest,
			fmt.Sprintf("Unexpected broker id, expected %d or empty string, but received %s", x.Broker, name))
	}
	return nil
}

// describedConfigs returns the configs that are asked for of one resource. No
// names, or null, ask for all.
func (c *Cluster) describedConfigs(
	x *call.Call, req *kmsg.DescribeConfigsRequest, asked *kmsg.DescribeConfigsRequestResource,
) []kmsg.DescribeConfigsResponseResourceConfig {
	all := func() []kmsg.DescribeConfigsResponseResourceConfig {
		if asked.ResourceType == kmsg.ConfigResourceTypeBrokerLogger {
			return c.describedLoggers(x.Broker)
		}
		r := setting.Resource{Kind: asked.ResourceType, Name: asked.ResourceName}
		var configs []kmsg.DescribeConfigsResponseResourceConfig
		for _, v := range c.settings.Describe(x.Broker, r) {
			configs = append(configs, describedConfig(req, v))
		}
		return configs
	}
	if len(asked.ConfigNames) == 0 {
		return all()
	}
	return slices.DeleteFunc(all(), func(config kmsg.DescribeConfigsResponseResourceConfig) bool {
		return !slices.Contains(asked.ConfigNames, config.Name)
	})
}

func describedConfig(req *kmsg.DescribeConfigsRequest, v setting.Value) kmsg.DescribeConfigsResponseResourceConfig {
	config := kmsg.NewDescribeConfigsResponseResourceConfig()
	config.Name, config.Value, config.Source = v.Name, v.Text, v.Source
	config.ReadOnly, config.IsSensitive, config.ConfigType = v.ReadOnly, v.Def.Sensitive(), v.Def.Type
	config.IsDefault = v.Source == kmsg.ConfigSourceDefaultConfig
	if req.IncludeDocumentation && v.Def.Doc != "" {
		config.Documentation = kmsg.StringPtr(v.Def.Doc)
	}
	if !req.IncludeSynonyms {
		return config
	}
	for _, s := range v.Synonyms {
		synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		synonym.Name, synonym.Value, synonym.Source = s.Name, s.Text, s.Source
		config.ConfigSynonyms = append(config.ConfigSynonyms, synonym)
	}
	return config
}

// listableKinds are the kinds of resources that are listed by version 1
// (KIP-1142); version 0 lists client metrics subscriptions.
var listableKinds = []kmsg.ConfigResourceType{
	setting.Topic, setting.Broker, kmsg.ConfigResourceTypeBrokerLogger, setting.ClientMetrics, setting.Group,
}

func (c *Cluster) listConfigResources(x *call.Call, req *kmsg.ListConfigResourcesRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListConfigResourcesResponse)
	if !x.AllowsCluster(kmsg.ACLOperationDescribeConfigs) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	asked := []kmsg.ConfigResourceType{setting.ClientMetrics}
	if req.Version >= 1 {
		asked = listableKinds
	}
	if len(req.ResourceTypes) > 0 {
		asked = nil
		for _, kind := range req.ResourceTypes {
			asked = append(asked, kmsg.ConfigResourceType(kind))
		}
	}
	for _, kind := range asked {
		if !slices.Contains(listableKinds, kind) {
			resp.ErrorCode = kerr.UnsupportedVersion.Code
			return resp
		}
	}
	for _, kind := range listableKinds {
		if slices.Contains(asked, kind) {
			resp.ConfigResources = append(resp.ConfigResources, c.configResources(kind)...)
		}
	}
	return resp
}

// configResources lists the resources of one kind.
func (c *Cluster) configResources(kind kmsg.ConfigResourceType) []kmsg.ListConfigResourcesResponseConfigResource {
	var names []string
	switch kind {
	case setting.Topic:
		names = c.names
	case setting.Broker, kmsg.ConfigResourceTypeBrokerLogger:
		for _, b := range c.brokers {
			if c.listed(b.ID) {
				names = append(names, strconv.Itoa(int(b.ID)))
			}
		}
	default:
		names = c.settings.Names(kind)
	}
	listed := make([]kmsg.ListConfigResourcesResponseConfigResource, len(names))
	for i, name := range names {
		listed[i] = kmsg.NewListConfigResourcesResponseConfigResource()
		listed[i].Name, listed[i].Type = name, int8(kind)
	}
	return listed
}
