// ACLs: what one says, and which filters pick it.

package security

import (
	"cmp"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An ACL allows or denies an operation to a principal.
type ACL struct {
	Kind       kmsg.ACLResourceType
	Name       string // of the resource; "*" for all, if Pattern is literal
	Pattern    kmsg.ACLResourcePatternType
	Principal  string // "User:alice"; "User:*" for everyone
	Host       string // "*" for every one
	Operation  kmsg.ACLOperation
	Permission kmsg.ACLPermissionType
}

// wildcard is the name of every resource and of every host.
const wildcard = "*"

// everyone is the principal that every user matches.
const everyone = "User:*"

// fault says what is wrong with an ACL that is to be created, "" if nothing
// is.
func (a ACL) fault() string {
	switch {
	case a.Kind < kmsg.ACLResourceTypeTopic || a.Kind > kmsg.ACLResourceTypeUser:
		return "Invalid resourceType"
	case a.Pattern != kmsg.ACLResourcePatternTypeLiteral && a.Pattern != kmsg.ACLResourcePatternTypePrefixed:
		return "Invalid patternType"
	case a.Operation < kmsg.ACLOperationAll || a.Operation > kmsg.ACLOperationDescribeTokens:
		return "Invalid operation"
	case a.Permission != kmsg.ACLPermissionTypeAllow && a.Permission != kmsg.ACLPermissionTypeDeny:
		return "Invalid permissionType"
	case a.Name == "":
		return "Resource name should not be empty"
	case a.Kind == kmsg.ACLResourceTypeCluster && a.Name != call.ClusterName:
		return "The only valid name for the CLUSTER resource is " + call.ClusterName
	case !isPrincipal(a.Principal):
		return "Could not parse principal from `" + a.Principal + "`: it is not of the form Type:name"
	case a.Host == "":
		return "Host should not be empty"
	}
	return ""
}

// isPrincipal reports whether s is of the form Type:name.
func isPrincipal(s string) bool {
	kind, name, ok := strings.Cut(s, ":")
	return ok && kind != "" && name != ""
}

// compare orders ACLs by resource, then by who may do what.
func (a ACL) compare(b ACL) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pattern, b.Pattern),
		cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Host, b.Host),
		cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Permission, b.Permission),
	)
}

// covers reports whether the ACL's pattern matches a resource of its kind.
func (a ACL) covers(name string) bool {
	if a.Pattern == kmsg.ACLResourcePatternTypePrefixed {
		return strings.HasPrefix(name, a.Name)
	}
	return a.Name == name || a.Name == wildcard
}

// concerns reports whether the ACL is about the caller.
func (a ACL) concerns(who Caller) bool {
	return (a.Principal == who.Principal || a.Principal == everyone && strings.HasPrefix(who.Principal, "User:")) &&
		(a.Host == wildcard || a.Host == who.Host)
}

// decides reports whether the ACL speaks of the operation. Allowing some
// operations implies allowing to describe what they act on; denying them
// implies nothing.
func (a ACL) decides(op kmsg.ACLOperation) bool {
	if a.Operation == op || a.Operation == kmsg.ACLOperationAll {
		return true
	}
	if a.Permission != kmsg.ACLPermissionTypeAllow {
		return false
	}
	switch a.Operation {
	case kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDelete, kmsg.ACLOperationAlter:
		return op == kmsg.ACLOperationDescribe
	case kmsg.ACLOperationAlterConfigs:
		return op == kmsg.ACLOperationDescribeConfigs
	}
	return false
}

// A Filter picks ACLs; nil and Any match everything.
type Filter struct {
	Kind       kmsg.ACLResourceType
	Name       *string
	Pattern    kmsg.ACLResourcePatternType
	Principal  *string
	Host       *string
	Operation  kmsg.ACLOperation
	Permission kmsg.ACLPermissionType
}

// isKnown reports whether the filter names nothing that does not exist.
func (f Filter) isKnown() bool {
	return f.Kind >= kmsg.ACLResourceTypeAny && f.Kind <= kmsg.ACLResourceTypeUser &&
		f.Pattern >= kmsg.ACLResourcePatternTypeAny && f.Pattern <= kmsg.ACLResourcePatternTypePrefixed &&
		f.Operation >= kmsg.ACLOperationAny && f.Operation <= kmsg.ACLOperationDescribeTokens &&
		f.Permission >= kmsg.ACLPermissionTypeAny && f.Permission <= kmsg.ACLPermissionTypeAllow
}

// picks reports whether the filter matches an ACL.
func (f Filter) picks(a ACL) bool {
	return (f.Kind == kmsg.ACLResourceTypeAny || f.Kind == a.Kind) &&
		f.picksResource(a) &&
		(f.Principal == nil || *f.Principal == a.Principal) &&
		(f.Host == nil || *f.Host == a.Host) &&
		(f.Operation == kmsg.ACLOperationAny || f.Operation == a.Operation) &&
		(f.Permission == kmsg.ACLPermissionTypeAny || f.Permission == a.Permission)
}

// picksResource compares the pattern. Match asks for every pattern that
// covers the name; Any for a pattern of either type with just that name.
func (f Filter) picksResource(a ACL) bool {
	switch f.Pattern {
	case kmsg.ACLResourcePatternTypeMatch:
		return f.Name == nil || a.covers(*f.Name)
	case kmsg.ACLResourcePatternTypeAny:
		return f.Name == nil || *f.Name == a.Name
	}
	return f.Pattern == a.Pattern && (f.Name == nil || *f.Name == a.Name)
}
