// Tests of what ACLs allow, and of the requests that change them.

package security_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	literal  = kmsg.ACLResourcePatternTypeLiteral
	prefixed = kmsg.ACLResourcePatternTypePrefixed
	allow    = kmsg.ACLPermissionTypeAllow
	deny     = kmsg.ACLPermissionTypeDeny
	topic    = kmsg.ACLResourceTypeTopic

	read     = kmsg.ACLOperationRead
	write    = kmsg.ACLOperationWrite
	describe = kmsg.ACLOperationDescribe
	all      = kmsg.ACLOperationAll
)

// acl is one for a topic, alice and every host.
func acl(name string, op kmsg.ACLOperation, permission kmsg.ACLPermissionType) security.ACL {
	return security.ACL{
		Kind: topic, Name: name, Pattern: literal, Principal: "User:alice", Host: "*",
		Operation: op, Permission: permission,
	}
}

func with(a security.ACL, change func(*security.ACL)) security.ACL {
	change(&a)
	return a
}

func authorizer(t *testing.T, open bool, acls ...security.ACL) *security.Authorizer {
	t.Helper()
	a := security.NewAuthorizer(security.SuperUsers(" User:root ;User:CN=a,O=b;"), open)
	if err := a.Add(acls...); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhatAclsAllow(t *testing.T) {
	prefix := func(a security.ACL) security.ACL { return with(a, func(a *security.ACL) { a.Pattern = prefixed }) }
	principal := func(a security.ACL, s string) security.ACL {
		return with(a, func(a *security.ACL) { a.Principal = s })
	}
	host := func(a security.ACL, s string) security.ACL { return with(a, func(a *security.ACL) { a.Host = s }) }
	alice := security.Caller{Principal: "User:alice", Host: "10.0.0.1"}
	for _, row := range []struct {
		name string
		open bool
		acls []security.ACL
		who  security.Caller
		op   kmsg.ACLOperation
		want bool
	}{
		{"nothing", false, nil, alice, read, false},
		{"nothing, where that allows everything", true, nil, alice, read, true},
		{"an ACL of another, where none would allow", true,
			[]security.ACL{acl("orders", write, allow)}, alice, read, false},
		{"a super user", false, []security.ACL{principal(acl("orders", all, deny), "User:*")},
			security.Caller{Principal: "User:CN=a,O=b"}, read, true},
		{"itself", false, []security.ACL{acl("orders", read, allow)}, alice, read, true},
		{"another operation", false, []security.ACL{acl("orders", read, allow)}, alice, write, false},
		{"every operation", false, []security.ACL{acl("orders", all, allow)}, alice, write, true},
		{"another topic", false, []security.ACL{acl("order", read, allow)}, alice, read, false},
		{"every topic", false, []security.ACL{acl("*", read, allow)}, alice, read, true},
		{"a prefix", false, []security.ACL{prefix(acl("ord", read, allow))}, alice, read, true},
		{"another prefix", false, []security.ACL{prefix(acl("odd", read, allow))}, alice, read, false},
		{"a prefix of an asterisk", false, []security.ACL{prefix(acl("*", read, allow))}, alice, read, false},
		{"another principal", false,
			[]security.ACL{principal(acl("orders", read, allow), "User:bob")}, alice, read, false},
		{"every user", false, []security.ACL{principal(acl("orders", read, allow), "User:*")}, alice, read, true},
		{"the host", false, []security.ACL{host(acl("orders", read, allow), "10.0.0.1")}, alice, read, true},
		{"another host", false, []security.ACL{host(acl("orders", read, allow), "10.0.0.2")}, alice, read, false},
		{"a denial among permissions", false,
			[]security.ACL{acl("orders", read, allow), prefix(acl("o", read, deny)), acl("*", all, allow)},
			alice, read, false},
		{"a denial for another host", false,
			[]security.ACL{acl("orders", read, allow), host(acl("orders", read, deny), "10.0.0.2")}, alice, read, true},
		{"reading implies describing", false, []security.ACL{acl("orders", read, allow)}, alice, describe, true},
		{"writing implies describing", false, []security.ACL{acl("orders", write, allow)}, alice, describe, true},
		{"deleting implies describing", false, []security.ACL{acl("orders", kmsg.ACLOperationDelete, allow)},
			alice, describe, true},
		{"altering implies describing", false, []security.ACL{acl("orders", kmsg.ACLOperationAlter, allow)},
			alice, describe, true},
		{"creating does not", false,
			[]security.ACL{acl("orders", kmsg.ACLOperationCreate, allow)}, alice, describe, false},
		{"altering configs implies describing them", false,
			[]security.ACL{acl("orders", kmsg.ACLOperationAlterConfigs, allow)},
			alice, kmsg.ACLOperationDescribeConfigs, true},
		{"denying to read does not deny to describe", false,
			[]security.ACL{acl("orders", read, deny), acl("orders", write, allow)}, alice, describe, true},
		{"denying to describe outweighs what reading implies", false,
			[]security.ACL{acl("orders", read, allow), acl("orders", describe, deny)}, alice, describe, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := authorizer(t, row.open, row.acls...).Allows(row.who, row.op, topic, "orders"); got != row.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestWithoutAnAuthorizerEverythingIsAllowed(t *testing.T) {
	var a *security.Authorizer
	if !a.Allows(security.Caller{}, read, topic, "orders") || !a.AllowsAny(security.Caller{}, write, topic) {
		t.Error("nil refuses")
	}
}

func TestSomeTopicMayBeWritten(t *testing.T) {
	prefix := func(a security.ACL) security.ACL { return with(a, func(a *security.ACL) { a.Pattern = prefixed }) }
	for _, row := range []struct {
		name string
		open bool
		acls []security.ACL
		want bool
	}{
		{"nothing", false, nil, false},
		{"nothing, where that allows everything", true, nil, true},
		{"everything denied", true, []security.ACL{acl("*", write, deny)}, false},
		{"one", false, []security.ACL{acl("a", write, allow)}, true},
		{"one, to read", false, []security.ACL{acl("a", read, allow)}, false},
		{"one, denied", false, []security.ACL{acl("a", write, allow), acl("a", write, deny)}, false},
		{"one, denied by prefix", false, []security.ACL{acl("ab", write, allow), prefix(acl("a", write, deny))}, false},
		{"one, all denied", false, []security.ACL{acl("ab", write, allow), acl("*", all, deny)}, false},
		{"one of two denied", false,
			[]security.ACL{acl("a", write, allow), acl("b", write, allow), acl("a", write, deny)}, true},
		{"a prefix, one of it denied", false,
			[]security.ACL{prefix(acl("a", write, allow)), acl("a", write, deny)}, true},
		{"a prefix within one denied", false,
			[]security.ACL{prefix(acl("ab", write, allow)), prefix(acl("a", write, deny))}, false},
		{"all, a prefix denied", false, []security.ACL{acl("*", write, allow), prefix(acl("a", write, deny))}, true},
		{"another kind", false, []security.ACL{with(acl("a", write, allow), func(a *security.ACL) {
			a.Kind = kmsg.ACLResourceTypeTransactionalId
		})}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			who := security.Caller{Principal: "User:alice"}
			if got := authorizer(t, row.open, row.acls...).AllowsAny(who, write, topic); got != row.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if !authorizer(t, false).AllowsAny(security.Caller{Principal: "User:root"}, write, topic) {
		t.Error("a super user is refused")
	}
}

// create sends a CreateAcls for one ACL.
func create(a *security.Authorizer, x security.ACL) kmsg.CreateACLsResponseResult {
	req := kmsg.NewCreateACLsRequest()
	one := kmsg.NewCreateACLsRequestCreation()
	one.ResourceType, one.ResourceName, one.ResourcePatternType = x.Kind, x.Name, x.Pattern
	one.Principal, one.Host, one.Operation, one.PermissionType = x.Principal, x.Host, x.Operation, x.Permission
	req.Creations = append(req.Creations, one)
	return a.CreateACLs(&call.Call{}, &req).(*kmsg.CreateACLsResponse).Results[0]
}

func TestAclsThatAreNone(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*security.ACL)
	}{
		{"a principal without a type", func(a *security.ACL) { a.Principal = "alice" }},
		{"a principal without a name", func(a *security.ACL) { a.Principal = "User:" }},
		{"no resource name", func(a *security.ACL) { a.Name = "" }},
		{"no host", func(a *security.ACL) { a.Host = "" }},
		{"any kind", func(a *security.ACL) { a.Kind = kmsg.ACLResourceTypeAny }},
		{"an unknown kind", func(a *security.ACL) { a.Kind = 99 }},
		{"any operation", func(a *security.ACL) { a.Operation = kmsg.ACLOperationAny }},
		{"an unknown operation", func(a *security.ACL) { a.Operation = -1 }},
		{"a pattern of a filter", func(a *security.ACL) { a.Pattern = kmsg.ACLResourcePatternTypeMatch }},
		{"any permission", func(a *security.ACL) { a.Permission = kmsg.ACLPermissionTypeAny }},
		{"another cluster", func(a *security.ACL) { a.Kind, a.Name = kmsg.ACLResourceTypeCluster, "mine" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := authorizer(t, false)
			bad := with(acl("orders", read, allow), row.change)
			if r := create(a, bad); r.ErrorCode != kerr.InvalidRequest.Code || r.ErrorMessage == nil {
				t.Errorf("got %+v", r)
			}
			if err := a.Add(bad); err == nil || len(a.ACLs()) != 0 {
				t.Errorf("it is added: %v", a.ACLs())
			}
		})
	}
}

func TestAnAclThatExistsIsCreatedAgain(t *testing.T) {
	a := authorizer(t, false)
	for range 2 {
		if r := create(a, acl("orders", read, allow)); r.ErrorCode != 0 {
			t.Errorf("got %+v", r)
		}
	}
	if got := a.ACLs(); !slices.Equal(got, []security.ACL{acl("orders", read, allow)}) {
		t.Errorf("there are %v", got)
	}
}

// stored is a handful of ACLs to filter.
func stored() []security.ACL {
	return []security.ACL{
		acl("orders", read, allow),
		acl("orders", write, deny),
		acl("*", describe, allow),
		with(acl("ord", read, allow), func(a *security.ACL) { a.Pattern = prefixed }),
		with(acl("orders", read, allow), func(a *security.ACL) { a.Kind = kmsg.ACLResourceTypeGroup }),
		with(acl("bills", read, allow), func(a *security.ACL) { a.Principal, a.Host = "User:bob", "h" }),
	}
}

// everything is a filter that picks all.
func everything() kmsg.DescribeACLsRequest {
	req := kmsg.NewDescribeACLsRequest()
	req.Version = 3
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	return req
}

func TestFilters(t *testing.T) {
	s := func(s string) *string { return &s }
	for _, row := range []struct {
		name   string
		change func(*kmsg.DescribeACLsRequest)
		want   int
	}{
		{"all", func(*kmsg.DescribeACLsRequest) {}, 6},
		{"a kind", func(r *kmsg.DescribeACLsRequest) { r.ResourceType = topic }, 5},
		{"a name", func(r *kmsg.DescribeACLsRequest) { r.ResourceName = s("orders") }, 3},
		{"a literal name", func(r *kmsg.DescribeACLsRequest) {
			r.ResourceName, r.ResourcePatternType = s("ord"), literal
		}, 0},
		{"a prefixed name", func(r *kmsg.DescribeACLsRequest) {
			r.ResourceName, r.ResourcePatternType = s("ord"), prefixed
		}, 1},
		{"prefixed", func(r *kmsg.DescribeACLsRequest) { r.ResourcePatternType = prefixed }, 1},
		{"what matches a topic", func(r *kmsg.DescribeACLsRequest) {
			r.ResourceType, r.ResourceName = topic, s("orders")
			r.ResourcePatternType = kmsg.ACLResourcePatternTypeMatch
		}, 4},
		{"what matches anything", func(r *kmsg.DescribeACLsRequest) {
			r.ResourcePatternType = kmsg.ACLResourcePatternTypeMatch
		}, 6},
		{"a principal", func(r *kmsg.DescribeACLsRequest) { r.Principal = s("User:bob") }, 1},
		{"a host", func(r *kmsg.DescribeACLsRequest) { r.Host = s("*") }, 5},
		{"an operation", func(r *kmsg.DescribeACLsRequest) { r.Operation = read }, 4},
		{"a permission", func(r *kmsg.DescribeACLsRequest) { r.PermissionType = deny }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := authorizer(t, false, stored()...)
			req := everything()
			row.change(&req)
			resp := a.DescribeACLs(&call.Call{}, &req).(*kmsg.DescribeACLsResponse)
			got := 0
			for _, r := range resp.Resources {
				got += len(r.ACLs)
			}
			if got != row.want || resp.ErrorCode != 0 {
				t.Errorf("described %d, want %d", got, row.want)
			}
			deleted := remove(a, req)
			if len(deleted.MatchingACLs) != row.want || len(a.ACLs()) != 6-row.want {
				t.Errorf("deleted %d of 6, %d are left, want %d deleted",
					len(deleted.MatchingACLs), len(a.ACLs()), row.want)
			}
		})
	}
}

// remove sends a DeleteAcls with the filter of a DescribeAcls.
func remove(a *security.Authorizer, filters ...kmsg.DescribeACLsRequest) kmsg.DeleteACLsResponseResult {
	req := kmsg.NewDeleteACLsRequest()
	for _, f := range filters {
		one := kmsg.NewDeleteACLsRequestFilter()
		one.ResourceType, one.ResourceName = f.ResourceType, f.ResourceName
		one.ResourcePatternType = f.ResourcePatternType
		one.Principal, one.Host, one.Operation, one.PermissionType = f.Principal, f.Host, f.Operation, f.PermissionType
		req.Filters = append(req.Filters, one)
	}
	results := a.DeleteACLs(&call.Call{}, &req).(*kmsg.DeleteACLsResponse).Results
	return results[len(results)-1]
}

func TestEveryFilterSeesTheAclsThereWere(t *testing.T) {
	a := authorizer(t, false, stored()...)
	if last := remove(a, everything(), everything()); len(last.MatchingACLs) != 6 {
		t.Errorf("the second filter deletes %d", len(last.MatchingACLs))
	}
}

func TestAnUnknownFilterIsRefused(t *testing.T) {
	for _, change := range []func(*kmsg.DescribeACLsRequest){
		func(r *kmsg.DescribeACLsRequest) { r.ResourceType = 0 },
		func(r *kmsg.DescribeACLsRequest) { r.ResourcePatternType = 77 },
		func(r *kmsg.DescribeACLsRequest) { r.Operation = 0 },
		func(r *kmsg.DescribeACLsRequest) { r.PermissionType = -3 },
	} {
		a, req := authorizer(t, false, stored()...), everything()
		change(&req)
		resp := a.DescribeACLs(&call.Call{}, &req).(*kmsg.DescribeACLsResponse)
		if resp.ErrorCode != kerr.InvalidRequest.Code || len(resp.Resources) != 0 {
			t.Errorf("described: %+v", resp)
		}
		if r := remove(a, req); r.ErrorCode != kerr.InvalidRequest.Code || len(a.ACLs()) != 6 {
			t.Errorf("deleted: %+v", r)
		}
	}
}

func TestAclsNeedAnAuthorizerAndRights(t *testing.T) {
	refusing := &call.Call{Allow: func(kmsg.ACLOperation, kmsg.ACLResourceType, string) bool { return false }}
	for _, row := range []struct {
		name string
		a    *security.Authorizer
		c    *call.Call
		want *kerr.Error
	}{
		{"no authorizer", nil, &call.Call{}, kerr.SecurityDisabled},
		{"no rights", authorizer(t, false, stored()...), refusing, kerr.ClusterAuthorizationFailed},
	} {
		t.Run(row.name, func(t *testing.T) {
			describing := everything()
			creating := kmsg.NewCreateACLsRequest()
			creating.Creations = make([]kmsg.CreateACLsRequestCreation, 2)
			deleting := kmsg.NewDeleteACLsRequest()
			deleting.Filters = make([]kmsg.DeleteACLsRequestFilter, 2)

			described := row.a.DescribeACLs(row.c, &describing).(*kmsg.DescribeACLsResponse)
			created := row.a.CreateACLs(row.c, &creating).(*kmsg.CreateACLsResponse)
			deleted := row.a.DeleteACLs(row.c, &deleting).(*kmsg.DeleteACLsResponse)
			codes := []int16{
				described.ErrorCode, created.Results[0].ErrorCode, created.Results[1].ErrorCode,
				deleted.Results[0].ErrorCode, deleted.Results[1].ErrorCode,
			}
			for _, got := range codes {
				if got != row.want.Code {
					t.Errorf("got %v, want %d", codes, row.want.Code)
				}
			}
		})
	}
}

func TestDescribedAclsAreGatheredByResource(t *testing.T) {
	a, req := authorizer(t, false, stored()...), everything()
	var got []string
	for _, r := range a.DescribeACLs(&call.Call{}, &req).(*kmsg.DescribeACLsResponse).Resources {
		got = append(got, r.ResourceType.String()+" "+r.ResourceName+" "+r.ResourcePatternType.String())
	}
	want := []string{"TOPIC * LITERAL", "TOPIC bills LITERAL", "TOPIC ord PREFIXED", "TOPIC orders LITERAL",
		"GROUP orders LITERAL"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// creations asks for n ACLs that differ in the name of the topic.
func creations(prefix string, n int) *kmsg.CreateACLsRequest {
	req := kmsg.NewPtrCreateACLsRequest()
	for i := range n {
		one := kmsg.NewCreateACLsRequestCreation()
		one.ResourceType, one.ResourceName, one.ResourcePatternType = topic, prefix+strconv.Itoa(i), literal
		one.Principal, one.Host, one.Operation, one.PermissionType = "User:alice", "*", read, allow
		req.Creations = append(req.Creations, one)
	}
	return req
}

// deletions asks n times for the deletion of all ACLs of a principal.
func deletions(principal string, n int) *kmsg.DeleteACLsRequest {
	req := kmsg.NewPtrDeleteACLsRequest()
	one := kmsg.NewDeleteACLsRequestFilter()
	one.ResourceType, one.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	one.Operation, one.PermissionType, one.Principal = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny, &principal
	for range n {
		req.Filters = append(req.Filters, one)
	}
	return req
}

func TestOneRequestCreatesOrDeletesTenThousandAclsAtMost(t *testing.T) {
	a := authorizer(t, false)
	ask := func(req kmsg.Request) kmsg.Response {
		if req, ok := req.(*kmsg.CreateACLsRequest); ok {
			return a.CreateACLs(&call.Call{}, req)
		}
		return a.DeleteACLs(&call.Call{}, req.(*kmsg.DeleteACLsRequest))
	}
	for _, result := range ask(creations("a", 10_001)).(*kmsg.CreateACLsResponse).Results {
		if result.ErrorCode != kerr.PolicyViolation.Code {
			t.Fatalf("code %d", result.ErrorCode)
		}
	}
	ask(creations("a", 10_000))
	ask(creations("b", 1))
	if n := len(a.ACLs()); n != 10_001 {
		t.Fatalf("there are %d", n)
	}
	result := ask(deletions("User:alice", 1)).(*kmsg.DeleteACLsResponse).Results[0]
	n, told := len(a.ACLs()), len(result.MatchingACLs)
	if n != 10_001 || told > 0 || result.ErrorCode != kerr.UnknownServerError.Code {
		t.Errorf("%d are left, %d were told, with code %d", n, told, result.ErrorCode)
	}
	results := ask(deletions("User:bob", 10_000)).(*kmsg.DeleteACLsResponse).Results
	if results[0].ErrorCode != 0 || results[len(results)-1].ErrorCode != kerr.PolicyViolation.Code {
		t.Errorf("codes %d to %d", results[0].ErrorCode, results[len(results)-1].ErrorCode)
	}
}
