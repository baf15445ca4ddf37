// What tests look at that nobody else does.

package security

import "slices"

// ACLs returns all ACLs, sorted by resource.
func (a *Authorizer) ACLs() []ACL {
	return slices.Clone(a.acls)
}
