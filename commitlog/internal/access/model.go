// A model, read with care: Casbin passes over what it does not know, and does not say where it fails.

package access

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/constant"
	"github.com/casbin/casbin/v2/model"
)

// A source is a text and its name.
type source struct {
	name string
	text []byte
}

// at makes an error of something in a line, counted from 1.
func (s source) at(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", s.name, line, fmt.Sprintf(format, args...))
}

// A definition of a model, as in "m = r.sub == p.sub".
type definition struct {
	key, value string
	line       int
}

// sections are those of a model, with what is defined in them.
var sections = map[string]string{
	"request_definition": "r",
	"policy_definition":  "p",
	"role_definition":    "g",
	"policy_effect":      "e",
	"matchers":           "m",
}

// furtherRole is the key of a second kind of roles, a third, ...
var furtherRole = regexp.MustCompile(`^g[2-9]$`)

const sectionNames = "[request_definition], [policy_definition], [role_definition], [policy_effect], [matchers]"

// Casbin reads lines in pieces of 4,096 bytes; and an expression is compiled
// by recursion, which a modest size keeps flat.
const (
	longestLine  = 4000
	largestModel = 64 << 10
)

// enforcerOf returns what decides by a model and a policy.
func enforcerOf(m, p source) (e *casbin.Enforcer, err error) {
	defer func() {
		if r := recover(); r != nil { // Casbin panics at some of what it does not expect
			e, err = nil, fmt.Errorf("%s, %s: they make Casbin fail: %v", m.name, p.name, r)
		}
	}()
	defined, err := m.definitions()
	if err != nil {
		return nil, err
	}
	parsed, err := model.NewModelFromString(string(m.text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	if err := m.check(defined, parsed); err != nil {
		return nil, err
	}
	if e, err = casbin.NewEnforcer(parsed); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	if err := p.addTo(e.GetModel()); err != nil {
		return nil, err
	}
	if err := e.GetModel().SortPoliciesByPriority(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := e.BuildRoleLinks(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	// A first question compiles the matcher, and finds most that is wrong with it.
	if _, err := enforce(e, question{"nobody", "*", "try"}); err != nil {
		return nil, m.at(defined["m"].line, "the matcher fails: %v", err)
	}
	return e, nil
}

// definitions returns those in a model, by key.
func (s source) definitions() (map[string]definition, error) {
	if len(s.text) > largestModel {
		return nil, fmt.Errorf("%s: a model of %d bytes; at most %d are allowed", s.name, len(s.text), largestModel)
	}
	all := map[string]definition{}
	section, pending, begun := "", "", 0
	for i, line := range strings.Split(string(s.text), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case len(line) > longestLine:
			return nil, s.at(i+1, `the line has %d bytes, %d are allowed; break it, with "\" at its end`,
				len(line), longestLine)
		case pending == "" && (line == "" || line[0] == '#' || line[0] == ';'):
			continue
		case pending == "" && line[0] == '[' && line[len(line)-1] == ']':
			if section = line[1 : len(line)-1]; sections[section] == "" {
				return nil, s.at(i+1, "no section is called %s; there are %s", line, sectionNames)
			}
			continue
		}
		if pending == "" {
			begun = i + 1
		}
		line, more := strings.CutSuffix(line, `\`)
		if pending += line; more {
			continue
		}
		if err := s.define(all, section, pending, begun); err != nil {
			return nil, err
		}
		pending = ""
	}
	if pending != "" {
		return nil, s.at(begun, `the last line ends with "\"; something must follow`)
	}
	return all, nil
}

// define adds the definition in a line to all.
func (s source) define(all map[string]definition, section, text string, line int) error {
	key, value, ok := strings.Cut(text, "=")
	key = strings.TrimSpace(key)
	if comment := strings.IndexAny(value, "#;"); comment >= 0 {
		value = value[:comment]
	}
	if !ok || strings.TrimSpace(value) == "" {
		return s.at(line, `want a section, as in "[matchers]", or a definition, as in "r = sub, obj, act"`)
	}
	if section == "" {
		return s.at(line, "%q stands before the first section; sections are %s", key, sectionNames)
	}
	want := sections[section]
	if key != want && (want != "g" || !furtherRole.MatchString(key)) {
		return s.at(line, "nothing in [%s] is called %q; want %q", section, key, want)
	}
	if before, twice := all[key]; twice {
		return s.at(line, "%s is defined again; first in line %d", key, before.line)
	}
	all[key] = definition{key, value, line}
	return nil
}

// field finds a field of a request or a rule in a matcher, literal a string in it.
var (
	field   = regexp.MustCompile(`\b[rp]\.\w+`)
	literal = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// effects are those that Casbin knows and that need no sorting of subjects,
// which may take for ever.
var effects = []string{
	constant.AllowOverrideEffect, constant.DenyOverrideEffect, constant.AllowAndDenyEffect, constant.PriorityEffect,
}

// check holds a model against what it is asked here: three strings.
func (s source) check(defined map[string]definition, parsed model.Model) error {
	for _, key := range []string{"r", "p", "e", "m"} {
		if parsed[key][key] == nil {
			return fmt.Errorf("%s: nothing defines %q; a model needs r, p, e and m", s.name, key)
		}
	}
	request := parsed["r"]["r"]
	if len(request.Tokens) != 3 {
		return s.at(defined["r"].line, `a request has %d fields; want three, as in "r = sub, obj, act"`,
			len(request.Tokens))
	}
	if e := parsed["e"]["e"].Value; !slices.Contains(effects, e) {
		return s.at(defined["e"].line, `the effect %q is not known here; the usual is "some(where (p.eft == allow))"`, e)
	}
	for _, key := range slices.Sorted(maps.Keys(parsed["g"])) {
		role := parsed["g"][key]
		if n := len(role.Tokens); n != strings.Count(role.Value, "_") || n < 2 || n > 3 || len(role.ParamsTokens) > 0 {
			return s.at(defined[key].line, `a role is defined by %q; want "_, _", or "_, _, _" with a domain`, role.Value)
		}
	}
	known := append(slices.Clone(request.Tokens), parsed["p"]["p"].Tokens...)
	for _, f := range field.FindAllString(literal.ReplaceAllString(defined["m"].value, ""), -1) {
		if !slices.Contains(known, strings.Replace(f, ".", "_", 1)) {
			return s.at(defined["m"].line, "the matcher speaks of %s, and no such field is defined", f)
		}
	}
	return nil
}
