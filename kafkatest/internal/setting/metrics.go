// Which clients a metrics subscription is for.

package setting

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/pattern"
)

// A Match is the condition of a client metrics subscription (KIP-714): each
// selector's value must match its pattern whole. The empty Match holds for
// every client.
type Match map[string]*regexp.Regexp

// Selectors are what a client can be matched by.
var Selectors = []string{
	"client_id", "client_instance_id", "client_software_name", "client_software_version",
	"client_source_address", "client_source_port",
}

// ParseMatch reads the value of a subscription's match.
func ParseMatch(value Text) (Match, error) {
	m := Match{}
	for _, part := range value.List() {
		selector, text, ok := strings.Cut(part, "=")
		selector, text = strings.TrimSpace(selector), strings.TrimSpace(text)
		if !ok || text == "" || strings.Contains(text, "=") {
			return nil, fmt.Errorf("%w %q for configuration match: write it as selector=pattern", ErrInvalid, part)
		}
		if !slices.Contains(Selectors, selector) {
			return nil, fmt.Errorf("%w %q for configuration match: the selectors are %s",
				ErrInvalid, part, strings.Join(Selectors, ", "))
		}
		re, err := pattern.Whole(text)
		if err != nil {
			return nil, fmt.Errorf("%w %q for configuration match: %v", ErrInvalid, part, err)
		}
		m[selector] = re
	}
	return m, nil
}

// Holds reports whether a client, told by its selectors, is meant.
func (m Match) Holds(client map[string]string) bool {
	for selector, re := range m {
		if !re.MatchString(client[selector]) {
			return false
		}
	}
	return true
}
