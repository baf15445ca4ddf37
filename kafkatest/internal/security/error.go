// The error of a configuration that cannot be.

package security

// An Error says what is wrong with a user, an ACL or a rule.
type Error struct {
	Reason string
}

// Error returns the reason, with the package's name before it.
func (e *Error) Error() string { return "security: " + e.Reason }
