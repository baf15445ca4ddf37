// What the package is for.

// Package access says who may do what. The rules are Casbin's: a model, which
// says what rules look like, and a policy, which is a list of them.
package access
