// Rules: who decides what becomes of an exchange, and where an error goes.

package kafkatest

import (
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Before adds a rule that is asked before the cluster acts, and returns the
// function that takes it out again. Rules are asked in the order of adding;
// the first that decides has decided. A rule must not wait: let its verdict wait,
// by Until or Delay.
func (c *Cluster) Before(r rule.Rule[Exchange, Verdict]) (remove func()) { return c.NamedBefore("", r) }

// After adds a rule that is asked when the cluster has acted and before the
// answer is sent. It sees the answer, and may change it in place.
func (c *Cluster) After(r rule.Rule[Exchange, Verdict]) (remove func()) { return c.NamedAfter("", r) }

// NamedBefore is Before for a rule with a name, by which journals and
// RuleStats call it. If it is "", "rule n".
func (c *Cluster) NamedBefore(name string, r rule.Rule[Exchange, Verdict]) (remove func()) {
	return c.addRule(&c.before, name, r)
}

// NamedAfter is After for a rule with a name, as NamedBefore.
func (c *Cluster) NamedAfter(name string, r rule.Rule[Exchange, Verdict]) (remove func()) {
	return c.addRule(&c.after, name, r)
}

// Fail has requests to an API answered with an error, those for which when
// holds; all, if it is nil. It is Before with the Verdict of Fail.
func (c *Cluster) Fail(key kmsg.Key, when rule.When[Exchange], err *kerr.Error) (remove func()) {
	return c.Before(rule.Then(On(key).And(when), Fail(err)))
}

// Fail returns the verdict that answers with an error: of what the rule's
// condition found (see Topic), or of all that the request is about.
func Fail(err *kerr.Error) Verdict { return Verdict{Err: err} }

// RuleStats tells how often each rule was asked and fired: those before, then
// those after.
func (c *Cluster) RuleStats() []rule.Stat { return append(c.before.Stats(), c.after.Stats()...) }

type rules = rule.List[Exchange, Verdict]

// addRule adds a rule that leaves its name, and what its condition found, in
// its verdict.
func (c *Cluster) addRule(list *rules, name string, r rule.Rule[Exchange, Verdict]) (remove func()) {
	if r == nil {
		panic("kafkatest: a rule is nil")
	}
	c.ruled.Store(true)
	if name == "" {
		name = fmt.Sprintf("rule %d", c.ruleCount.Add(1))
	}
	return list.AddNamed(name, func(e Exchange) (Verdict, bool) {
		var found []finding
		e.found = &found
		v, decided := r(e)
		v.rule, v.found = name, found
		return v, decided
	})
}

// A finding is where a condition holds: in the matters that are kept.
type finding struct {
	keep  func(matter) bool
	topic bool // they are topics or partitions
}

// fine reports whether the verdict's error is one of topics or partitions,
// whatever else is in error with them.
func (v Verdict) fine() bool {
	return slices.ContainsFunc(v.found, func(f finding) bool { return f.topic })
}

// hits returns the condition on matters that the verdict's error goes to: what
// all of the rule's conditions found, or the last of them if nothing is common
// to all.
func (v Verdict) hits(e Exchange, req kmsg.Request) func(matter) bool {
	if len(v.found) == 0 {
		return func(matter) bool { return true }
	}
	all := func(m matter) bool {
		for _, f := range v.found {
			if !f.keep(m) {
				return false
			}
		}
		return true
	}
	s := sieve{keep: all, topicName: e.topicName}
	if s.request(req); s.kept == 0 {
		return v.found[len(v.found)-1].keep
	}
	return all
}
