// Rules with names, and calls with types.

package grpcreplay

import "github.com/rehearse-go/rehearse/rule"

// NamedRule is Rule for one with a name, by which RuleStats calls it.
func (s *Service) NamedRule(name string, r rule.Rule[*Call, Answer]) (remove func()) {
	return s.rules.AddNamed(name, r)
}

// Described tells whether the types of the call's messages are known.
func (c *Call) Described() bool { return c.schema.Method(c.Method) != nil }
