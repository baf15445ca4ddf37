// What is done with a live message before it is matched.

package grpcreplay

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// secrets apply a recording's rules of redaction to live calls, so that
// what was recorded without its secrets is found again.
type secrets struct {
	by  *redact.Redactor
	set *schema.Set
}

func newSecrets(h tape.Head, set *schema.Set) (secrets, error) {
	if len(h.Redact) == 0 {
		return secrets{}, nil
	}
	rules, salt, err := redact.ParseRules(h.Redact)
	if err != nil {
		return secrets{}, fmt.Errorf("grpcreplay: the recording's rules of redaction: %w", err)
	}
	if rules.Off {
		return secrets{}, nil
	}
	by, err := redact.New(rules, set, salt)
	if err != nil {
		return secrets{}, fmt.Errorf("grpcreplay: the recording's rules of redaction: %w", err)
	}
	return secrets{by, set}, nil
}

func (s secrets) pairs(pairs []tape.Pair) []tape.Pair {
	if s.by == nil {
		return pairs
	}
	return s.by.Pairs(pairs)
}

func (s secrets) message(method string, b []byte) []byte {
	if s.by == nil {
		return b
	}
	return s.by.Message(s.set.Input(method), b)
}

// event redacts any event of a method.
func (s secrets) event(method string, e tape.Event) tape.Event {
	if s.by == nil {
		return e
	}
	switch e.Kind {
	case tape.Send:
		e.Message = s.by.Message(s.set.Input(method), e.Message)
	case tape.Recv:
		e.Message = s.by.Message(s.set.Output(method), e.Message)
	}
	e.Pairs, e.Status = s.by.Pairs(e.Pairs), s.by.Status(e.Status)
	return e
}

// before lets Config.Before change what is matched.
func (p *player) before(method string, b []byte) ([]byte, error) {
	if p.config.Before == nil {
		return b, nil
	}
	m := &Message{Method: method, Part: Request, Bytes: b, schema: p.types}
	err := p.config.Before(m)
	return m.Bytes, err
}

// canons bring clients' messages to canonical form, by method.
type canons struct {
	set    *schema.Set
	ignore schema.Paths
	made   sync.Map // of *schema.Canon by method
}

func (c *canons) append(method string, dst, msg []byte) []byte {
	made, ok := c.made.Load(method)
	if !ok {
		made, _ = c.made.LoadOrStore(method, c.set.Canon(c.set.Input(method), c.ignore.For(method)))
	}
	return made.(*schema.Canon).Append(dst, msg)
}

// checked returns the Match with its keys in lower case, if it makes sense.
func (m Match) checked() (Match, error) {
	if _, err := schema.ParsePaths(m.Ignore); err != nil {
		return m, fmt.Errorf("grpcreplay: Config.Match.Ignore: %w", err)
	}
	keys := make([]string, len(m.Metadata))
	for i, key := range m.Metadata {
		if keys[i] = strings.ToLower(key); key == "" || strings.ContainsAny(key, " \t\n:") {
			return m, fmt.Errorf("grpcreplay: Config.Match.Metadata names %q, which is no key of metadata", key)
		}
	}
	m.Metadata = keys
	return m, nil
}

// union returns what is in a or b, sorted.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// tape returns the limits as the readers take them.
func (l Limits) tape() tape.Limits { return tape.Limits{Message: l.Message, File: l.File}.Or() }
