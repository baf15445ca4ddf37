// DescribeAcls, CreateAcls and DeleteAcls.

package security

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mostAtOnce is how many ACLs one request may create or delete, as in Kafka's
// controllers (MAX_RECORDS_PER_USER_OP). Here those that are there already and
// those that two filters pick count, too.
const mostAtOnce = 10_000

// mostLooks is how often one request may hold a filter against an ACL. Kafka
// knows no such bound, and keeps a controller busy for hours.
const mostLooks = 1 << 24

// tooLarge is what Kafka's controllers say of what is more than they do at once.
const tooLarge = "Unable to perform excessively large batch operation."

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
	if refused == nil && len(req.Creations) > mostAtOnce {
		refused = call.Refuse(kerr.PolicyViolation, tooLarge)
	}
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
	d := deletion{acls: a}
	for _, one := range req.Filters {
		f := Filter{
			one.ResourceType, one.ResourceName, one.ResourcePatternType,
			one.Principal, one.Host, one.Operation, one.PermissionType,
		}
		result := kmsg.NewDeleteACLsResponseResult()
		why := refused
		if why == nil {
			why = d.take(f)
		}
		result.ErrorCode, result.ErrorMessage = why.Code(), why.Message()
		if why == nil {
			result.MatchingACLs = a.matching(f)
		}
		resp.Results = append(resp.Results, result)
	}
	if len(d.filters) > 0 {
		a.Remove(d.filters...)
	}
	return resp
}

// A deletion is one DeleteAcls request on its way.
type deletion struct {
	acls    *Authorizer
	filters []Filter // that were taken
	looks   int      // of filters at ACLs
	picked  int      // ACLs
}

// take takes a filter, or says why it does not.
func (d *deletion) take(f Filter) *call.Refusal {
	if !f.isKnown() {
		return call.Refuse(kerr.InvalidRequest, "The filter contains UNKNOWN elements.")
	}
	if d.looks += len(d.acls.acls); d.looks > mostLooks {
		return call.Refuse(kerr.PolicyViolation, tooLarge)
	}
	n := d.acls.count(f)
	if d.picked+n > mostAtOnce {
		return call.Refuse(kerr.UnknownServerError, "Cannot remove more than 10000 acls in a single delete operation.")
	}
	d.picked += n
	d.filters = append(d.filters, f)
	return nil
}

// count returns how many ACLs the filter picks.
func (a *Authorizer) count(f Filter) (n int) {
	for i := range a.acls {
		if f.picks(a.acls[i]) {
			n++
		}
	}
	return n
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
