// A policy, line by line.

package access

import (
	"encoding/csv"
	"slices"
	"strings"

	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist"
)

// addTo adds the policy's rules to a model.
func (s source) addTo(m model.Model) error {
	for i, line := range strings.Split(string(s.text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		r := csv.NewReader(strings.NewReader(line))
		r.TrimLeadingSpace = true
		fields, err := r.Read()
		if err != nil {
			why := err.Error()
			if _, after, ok := strings.Cut(why, ": "); ok {
				why = after // without csv's own count of lines
			}
			return s.at(i+1, "fields separated by commas cannot be read: %s", why)
		}
		for j := range fields {
			fields[j] = strings.TrimSpace(fields[j])
		}
		if err := s.checkRule(i+1, fields, m); err != nil {
			return err
		}
		if err := persist.LoadPolicyArray(fields, m); err != nil {
			return s.at(i+1, "%v", err)
		}
	}
	return nil
}

// checkRule holds a rule against the model's definition of it.
func (s source) checkRule(line int, fields []string, m model.Model) error {
	kind, values := fields[0], fields[1:]
	var want []string
	switch {
	case kind == "p":
		for _, token := range m["p"]["p"].Tokens {
			want = append(want, strings.TrimPrefix(token, "p_"))
		}
	case strings.HasPrefix(kind, "g") && m["g"][kind] != nil:
		want = []string{"who", "role", "domain"}[:len(m["g"][kind].Tokens)]
	default:
		return s.at(line, `a rule of kind %q, which the model does not define; want "p"`, kind)
	}
	if len(values) != len(want) {
		return s.at(line, `%d fields after "%s"; the model wants %d: %s`,
			len(values), kind, len(want), strings.Join(want, ", "))
	}
	if eft := slices.Index(want, "eft"); kind == "p" && eft >= 0 && values[eft] != "allow" && values[eft] != "deny" {
		return s.at(line, `a rule's effect is %q; want "allow" or "deny"`, values[eft])
	}
	return nil
}
