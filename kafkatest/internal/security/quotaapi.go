// DescribeClientQuotas and AlterClientQuotas (KIP-546).

package security

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeClientQuotas answers DescribeClientQuotas 0 and 1.
func (q *Quotas) DescribeClientQuotas(c *call.Call, req *kmsg.DescribeClientQuotasRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
	refused := refuseComponents(req.Components)
	if !c.AllowsCluster(kmsg.ACLOperationDescribeConfigs) {
		refused = call.Refuse(kerr.ClusterAuthorizationFailed, "Cluster authorization failed.")
	}
	if refused != nil {
		resp.ErrorCode, resp.ErrorMessage = refused.Code(), refused.Message()
		return resp
	}
	resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{} // none is not null
	for _, x := range q.all() {
		if matches(req, x.entity) {
			resp.Entries = append(resp.Entries, described(x))
		}
	}
	return resp
}

func refuseComponents(components []kmsg.DescribeClientQuotasRequestComponent) *call.Refusal {
	seen := map[string]bool{}
	for _, c := range components {
		if refused := refuseComponent(c); refused != nil {
			return refused
		}
		if seen[c.EntityType] {
			return call.Refuse(kerr.InvalidRequest, "Duplicate entity type "+c.EntityType)
		}
		seen[c.EntityType] = true
	}
	if seen[quotaIP] && len(seen) > 1 {
		return call.Refuse(kerr.InvalidRequest,
			"Invalid entity filter component combination: ip goes with nothing else")
	}
	return nil
}

func refuseComponent(c kmsg.DescribeClientQuotasRequestComponent) *call.Refusal {
	isExact := c.MatchType == kmsg.QuotasMatchTypeExact
	switch {
	case c.EntityType == "":
		return call.Refuse(kerr.InvalidRequest, "Invalid empty entity type.")
	case c.EntityType != quotaUser && c.EntityType != quotaClient && c.EntityType != quotaIP:
		return call.Refuse(kerr.UnsupportedVersion, "Unsupported entity type: "+c.EntityType)
	case c.MatchType < kmsg.QuotasMatchTypeExact || c.MatchType > kmsg.QuotasMatchTypeAny:
		return call.Refuse(kerr.InvalidRequest, "Unknown match type")
	case isExact && c.Match == nil:
		return call.Refuse(kerr.InvalidRequest, "Request specified MATCH_TYPE_EXACT, but set match string to null.")
	case !isExact && c.Match != nil:
		return call.Refuse(kerr.InvalidRequest, "Request set a match string, but its match type takes none.")
	}
	return nil
}

// matches reports whether an entity has all that is asked for, and, if that is
// to be taken strictly, nothing else.
func matches(req *kmsg.DescribeClientQuotasRequest, e entity) bool {
	if req.Strict && len(e) != len(req.Components) {
		return false
	}
	for _, c := range req.Components {
		p, has := e.has(c.EntityType)
		switch {
		case !has,
			c.MatchType == kmsg.QuotasMatchTypeExact && (!p.isNamed || p.name != *c.Match),
			c.MatchType == kmsg.QuotasMatchTypeDefault && p.isNamed:
			return false
		}
	}
	return true
}

func described(x quota) kmsg.DescribeClientQuotasResponseEntry {
	entry := kmsg.NewDescribeClientQuotasResponseEntry()
	for _, p := range x.entity {
		part := kmsg.NewDescribeClientQuotasResponseEntryEntity()
		part.Type = p.kind
		if p.isNamed {
			part.Name = new(p.name)
		}
		entry.Entity = append(entry.Entity, part)
	}
	for _, key := range x.keys() {
		value := kmsg.NewDescribeClientQuotasResponseEntryValue()
		value.Key, value.Value = key, x.values[key]
		entry.Values = append(entry.Values, value)
	}
	return entry
}

// AlterClientQuotas answers AlterClientQuotas 0 and 1. Each entity is altered
// whole or not at all.
func (q *Quotas) AlterClientQuotas(c *call.Call, req *kmsg.AlterClientQuotasRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	allowed := c.AllowsCluster(kmsg.ACLOperationAlterConfigs)
	for _, entry := range req.Entries {
		result := kmsg.NewAlterClientQuotasResponseEntry()
		for _, p := range entry.Entity {
			part := kmsg.NewAlterClientQuotasResponseEntryEntity()
			part.Type, part.Name = p.Type, p.Name
			result.Entity = append(result.Entity, part)
		}
		e := entityOf(entry)
		refused := refuseAlteration(e, entry.Ops)
		if !allowed {
			refused = call.Refuse(kerr.ClusterAuthorizationFailed, "Cluster authorization failed.")
		}
		result.ErrorCode, result.ErrorMessage = refused.Code(), refused.Message()
		if refused == nil && !req.ValidateOnly {
			q.apply(e, entry.Ops)
		}
		resp.Entries = append(resp.Entries, result)
	}
	return resp
}

func entityOf(entry kmsg.AlterClientQuotasRequestEntry) (e entity) {
	for _, p := range entry.Entity {
		one := part{kind: p.Type, isNamed: p.Name != nil}
		if p.Name != nil {
			one.name = *p.Name
		}
		e = append(e, one)
	}
	slices.SortFunc(e, part.compare)
	return e
}

func refuseAlteration(e entity, ops []kmsg.AlterClientQuotasRequestEntryOp) *call.Refusal {
	keys, fault := e.keysOf()
	if fault != "" {
		return call.Refuse(kerr.InvalidRequest, fault)
	}
	seen := map[string]bool{}
	for _, op := range ops {
		if seen[op.Key] {
			return call.Refuse(kerr.InvalidRequest, "Duplicate quota key "+op.Key)
		}
		seen[op.Key] = true
		if op.Remove {
			continue
		}
		if fault := keys.faultOf(op.Key, op.Value); fault != "" {
			return call.Refuse(kerr.InvalidRequest, fault)
		}
	}
	return nil
}

func (q *Quotas) apply(e entity, ops []kmsg.AlterClientQuotasRequestEntryOp) {
	for _, op := range ops {
		value := &op.Value
		if op.Remove {
			value = nil
		}
		q.set(e, op.Key, value)
	}
}
