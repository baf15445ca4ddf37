// Rules as text: one line each, to be read, printed and kept in files.

package kafkatest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Rule is a rule as data. Its text is one line: when it is asked, which
// exchanges it is about, a colon, and what becomes of them.
//
//	before Produce topic=orders partition=0 nth=3: error NOT_LEADER_OR_FOLLOWER
//	before Fetch client=app chance=0.1: delay 200ms
//	before Metadata,FindCoordinator broker=1 first=2: close
//	after EndTxn every=2: close
//	after Fetch topic=orders: records corrupt
//	after JoinGroup group=billing versions=0-4: throttle 1s, delay 50ms
//
// The APIs are those of kmsg, separated by commas; without any it is about all
// of them. What may follow: topic, partition (several by commas), group, txn,
// client, principal, broker, listener, versions; and, counting those for which
// all of this holds, nth, first, after, every or chance (with seed). A value
// with spaces, or with a colon at its end, stands in double quotes.
//
// What becomes of them: error CODE, delay, throttle, close, reset, half,
// silence, blackhole; frame truncate, length, correlation or garble; records
// corrupt, magic, half or twice. Several are separated by commas.
//
// The zero Rule is none, and passes everything.
type Rule struct {
	after   bool
	keys    []kmsg.Key
	wants   []setting // in the order in which they were written
	actions []action
}

// A setting is one word key=value of a rule.
type setting struct {
	key, value string
	column     int
}

// An action is one thing that becomes of an exchange.
type action struct {
	name, value string
	apply       func(*Verdict)
}

// String returns the rule's text, which ParseRule reads.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString("before")
	if r.after {
		b.Reset()
		b.WriteString("after")
	}
	for i, key := range r.keys {
		b.WriteByte(" ,"[min(i, 1)])
		b.WriteString(key.Name())
	}
	for _, s := range r.wants {
		fmt.Fprintf(&b, " %s=%s", s.key, quoted(s.value))
	}
	for i, a := range r.actions {
		b.WriteByte(":,"[min(i, 1)])
		b.WriteString(" " + strings.TrimSpace(a.name+" "+a.value))
	}
	return b.String()
}

// quoted puts a value in quotes where it would not be one word without.
func quoted(value string) string {
	plain := value != "" && !strings.Contains(value, " ") && value[len(value)-1] != ':'
	if !plain || strconv.Quote(value) != `"`+value+`"` {
		return strconv.Quote(value)
	}
	return value
}

// MarshalText returns the rule's text, for files.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRule, for files.
func (r *Rule) UnmarshalText(text []byte) error {
	parsed, err := ParseRule(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// Apply adds a rule to those that are asked before the cluster acts, or after
// it, by its text as its name, and returns the function that takes it out
// again. Chances without a seed are drawn from that of the cluster.
func (c *Cluster) Apply(r Rule) (remove func()) {
	if r.actions == nil {
		return func() {}
	}
	var v Verdict
	for _, a := range r.actions {
		a.apply(&v)
	}
	add := c.NamedBefore
	if r.after {
		add = c.NamedAfter
	}
	return add(r.String(), rule.Then(r.when(c.chanceSeed(r.String())), v))
}

// chanceSeed returns the seed of a rule's chance, so that two rules do not
// choose alike.
func (c *Cluster) chanceSeed(text string) uint64 {
	return uint64(call.Seed(c.config.Seed).Below(math.MaxInt, "chance", text))
}

// when returns the rule's condition, with counts of its own.
func (r Rule) when(seed uint64) rule.When[Exchange] {
	w := On(r.keys...)
	read := readSettings(r.wants)
	if read.topic != "" {
		w = w.And(Topic(read.topic, read.partitions...))
	}
	for _, s := range r.wants {
		if condition := plainConditions[s.key]; condition != nil {
			w = w.And(condition(s.value))
		}
	}
	if v, ok := read.versions(); ok {
		w = w.And(func(e Exchange) bool {
			version := int(e.Request.GetVersion())
			return v[0] <= version && version <= v[1]
		})
	}
	return read.counted(w, seed)
}

// plainConditions are the words of a rule that are a condition by themselves.
var plainConditions = map[string]func(string) rule.When[Exchange]{
	"group":     OfGroup,
	"txn":       TxnID,
	"client":    Client,
	"principal": Principal,
	"listener":  Via,
	"broker": func(value string) rule.When[Exchange] {
		id, _ := strconv.ParseInt(value, 10, 32)
		return FromBroker(int32(id))
	},
}
