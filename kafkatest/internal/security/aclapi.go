// DescribeAcls, CreateAcls and DeleteAcls.

package security

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// gate says why nobody, or not the caller, may see or change ACLs; nil if the
// caller may.
func (a *Authorizer) gate(c *call.Call, op kmsg.ACLOperation) *call.Refusal {
	switch {
	case !c.AllowsCluster(op):
		return call.Refuse(kerr.ClusterAuthorizationFailed, "Cluster authorization failed.")
	case a == nil:
		return call.Refuse(kerr.SecurityDisabled, "No Authorizer is configured.")
	}
	return nil
}

// DescribeACLs answers DescribeAcls 0 to 3.
func (a *Authorizer) DescribeACLs(c *call.Call, req *kmsg.DescribeACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
	refused := a.gate(c, kmsg.ACLOperationDescribe)
	f := Filter{
		req.ResourceType, req.ResourceName, req.ResourcePatternType,
		req.Principal, req.Host, req.Operation, req.PermissionType,
	}
	if refused == nil && !f.isKnown() {
		refused = call.Refuse(kerr.InvalidRequest, "The filter contains UNKNOWN elements.")
	}
	if refused != nil {
		resp.ErrorCode, resp.ErrorMessage = refused.Code(), refused.Message()
		return resp
	}
	for _, acl := range a.acls {
		if f.picks(acl) {
			resp.Resources = appendDescribed(resp.Resources, acl)
		}
	}
	return resp
}

// appendDescribed adds an ACL to its resource, which is the last one, as ACLs
// are sorted, or a new one.
func appendDescribed(resources []kmsg.DescribeACLsResponseResource, a ACL) []kmsg.DescribeACLsResponseResource {
	last := len(resources) - 1
	if last < 0 || resources[last].ResourceType != a.Kind || resources[last].ResourceName != a.Name ||
		resources[last].ResourcePatternType != a.Pattern {
		r := kmsg.NewDescribeACLsResponseResource()
		r.ResourceType, r.ResourceName, r.ResourcePatternType = a.Kind, a.Name, a.Pattern
		resources = append(resources, r)
		last++
	}
	d := kmsg.NewDescribeACLsResponseResourceACL()
	d.Principal, d.Host, d.Operation, d.PermissionType = a.Principal, a.Host, a.Operation, a.Permission
	resources[last].ACLs = append(resources[last].ACLs, d)
	return resources
}

// CreateACLs answers CreateAcls 0 to 3. An ACL that exists already is a
// success.
func (a *Authorizer) CreateACLs(c *call.Call, req *kmsg.CreateACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
	refused := a.gate(c, kmsg.ACLOperationAlter)
	var valid []ACL
	for _, one := range req.Creations {
		acl := ACL{
			one.ResourceType, one.ResourceName, one.ResourcePatternType,
			one.Principal, one.Host, one.Operation, one.PermissionType,
		}
		result := kmsg.NewCreateACLsResponseResult()
		result.ErrorCode, result.ErrorMessage = refused.Code(), refused.Message()
		if fault := acl.fault(); fault != "" && refused == nil {
			result.ErrorCode, result.ErrorMessage = kerr.InvalidRequest.Code, &fault
		}
		if result.ErrorCode == 0 {
			valid = append(valid, acl)
		}
		resp.Results = append(resp.Results, result)
	}
	if len(valid) > 0 {
		_ = a.Add(valid...) // none has a fault
	}
	return resp
}

// DeleteACLs answers DeleteAcls 0 to 3. Every filter is held against the ACLs
// there were before any was deleted.
func (a *Authorizer) DeleteACLs(c *call.Call, req *kmsg.DeleteACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteACLsResponse)
	refused := a.gate(c, kmsg.ACLOperationAlter)
	var known []Filter
	for _, one := range req.Filters {
		f := Filter{
			one.ResourceType, one.ResourceName, one.ResourcePatternType,
			one.Principal, one.Host, one.Operation, one.PermissionType,
		}
		result := kmsg.NewDeleteACLsResponseResult()
		result.ErrorCode, result.ErrorMessage = refused.Code(), refused.Message()
		switch {
		case refused != nil:
		case !f.isKnown():
			result.ErrorCode = kerr.InvalidRequest.Code
			result.ErrorMessage = new("The filter contains UNKNOWN elements.")
		default:
			known = append(known, f)
			result.MatchingACLs = a.matching(f)
		}
		resp.Results = append(resp.Results, result)
	}
	if len(known) > 0 {
		a.Remove(known...)
	}
	return resp
}

func (a *Authorizer) matching(f Filter) (matching []kmsg.DeleteACLsResponseResultMatchingACL) {
	for _, acl := range a.acls {
		if !f.picks(acl) {
			continue
		}
		m := kmsg.NewDeleteACLsResponseResultMatchingACL()
		m.ResourceType, m.ResourceName, m.ResourcePatternType = acl.Kind, acl.Name, acl.Pattern
		m.Principal, m.Host, m.Operation, m.PermissionType = acl.Principal, acl.Host, acl.Operation, acl.Permission
		matching = append(matching, m)
	}
	return matching
}
