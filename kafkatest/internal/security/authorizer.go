// The authorizer: what all ACLs together allow.

package security

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// An Authorizer decides by ACLs as Kafka's StandardAuthorizer does. A nil
// Authorizer allows everything.
type Authorizer struct {
	superUsers map[string]bool
	open       bool // where no ACL speaks of a resource, everyone may
	acls       []ACL
	literal    map[resource][]ACL
	prefixed   map[kmsg.ACLResourceType][]ACL
}

// A resource is what literal ACLs name.
type resource struct {
	kind kmsg.ACLResourceType
	name string
}

// A Caller is who wants to do something, and from where.
type Caller struct {
	Principal string
	Host      string
}

// NewAuthorizer returns an authorizer without ACLs. Super users may do
// everything. open is allow.everyone.if.no.acl.found.
func NewAuthorizer(superUsers []string, open bool) *Authorizer {
	a := &Authorizer{superUsers: map[string]bool{}, open: open}
	for _, u := range superUsers {
		a.superUsers[u] = true
	}
	a.index()
	return a
}

// SuperUsers splits the config super.users, which separates principals by
// semicolons, as their names may hold commas.
func SuperUsers(config string) (principals []string) {
	for p := range strings.SplitSeq(config, ";") {
		if p = strings.TrimSpace(p); p != "" {
			principals = append(principals, p)
		}
	}
	return principals
}

// index makes the lookups from the sorted ACLs.
func (a *Authorizer) index() {
	a.literal, a.prefixed = map[resource][]ACL{}, map[kmsg.ACLResourceType][]ACL{}
	for _, acl := range a.acls {
		if acl.Pattern == kmsg.ACLResourcePatternTypePrefixed {
			a.prefixed[acl.Kind] = append(a.prefixed[acl.Kind], acl)
			continue
		}
		r := resource{acl.Kind, acl.Name}
		a.literal[r] = append(a.literal[r], acl)
	}
}

// Add adds ACLs. Those it has already change nothing. It returns what is wrong
// with the first that is none, and then adds nothing.
func (a *Authorizer) Add(acls ...ACL) error {
	for _, acl := range acls {
		if fault := acl.fault(); fault != "" {
			return &Error{Reason: fault}
		}
	}
	a.acls = append(a.acls, acls...)
	slices.SortFunc(a.acls, ACL.compare)
	a.acls = slices.Compact(a.acls)
	a.index()
	return nil
}

// Remove removes the ACLs that some filter picks.
func (a *Authorizer) Remove(filters ...Filter) {
	a.acls = slices.DeleteFunc(a.acls, func(acl ACL) bool {
		return slices.ContainsFunc(filters, func(f Filter) bool { return f.picks(acl) })
	})
	a.index()
}

// Allows reports whether the caller may do op to the resource. One ACL that
// denies it outweighs any number that allow it.
func (a *Authorizer) Allows(who Caller, op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
	if a == nil || a.superUsers[who.Principal] {
		return true
	}
	anyACL, allowed := false, false
	lists := [...][]ACL{a.literal[resource{kind, name}], nil, a.prefixed[kind]}
	if name != wildcard {
		lists[1] = a.literal[resource{kind, wildcard}]
	}
	for _, list := range lists {
		for _, acl := range list {
			if !acl.covers(name) {
				continue
			}
			anyACL = true
			if !acl.concerns(who) || !acl.decides(op) {
				continue
			}
			if acl.Permission == kmsg.ACLPermissionTypeDeny {
				return false
			}
			allowed = true
		}
	}
	return allowed || !anyACL && a.open
}

// AllowsAny reports whether the caller may do op to some resource of that
// kind: some ACL allows it and none denies all that it covers (KIP-679).
func (a *Authorizer) AllowsAny(who Caller, op kmsg.ACLOperation, kind kmsg.ACLResourceType) bool {
	if a == nil || a.superUsers[who.Principal] {
		return true
	}
	var allows, denies []ACL
	for _, acl := range a.acls {
		if acl.Kind != kind || !acl.concerns(who) || acl.Operation != op && acl.Operation != kmsg.ACLOperationAll {
			continue
		}
		if acl.Permission == kmsg.ACLPermissionTypeDeny {
			denies = append(denies, acl)
		} else {
			allows = append(allows, acl)
		}
	}
	if len(allows) == 0 {
		return a.open && !slices.ContainsFunc(denies, deniesAll)
	}
	return slices.ContainsFunc(allows, func(allow ACL) bool {
		return !slices.ContainsFunc(denies, func(deny ACL) bool { return deny.outweighs(allow) })
	})
}

// deniesAll reports whether a denial covers every resource.
func deniesAll(deny ACL) bool {
	return deny.Pattern == kmsg.ACLResourcePatternTypeLiteral && deny.Name == wildcard
}

// outweighs reports whether a denial covers everything that another ACL
// allows.
func (a ACL) outweighs(allow ACL) bool {
	switch {
	case deniesAll(a):
		return true
	case a.Pattern == kmsg.ACLResourcePatternTypePrefixed:
		return !deniesAll(allow) && strings.HasPrefix(allow.Name, a.Name)
	}
	return allow.Pattern == kmsg.ACLResourcePatternTypeLiteral && allow.Name == a.Name
}
