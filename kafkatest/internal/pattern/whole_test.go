// Patterns match all of a text or nothing.

package pattern_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/pattern"
)

func TestAPatternMatchesAWholeTextOnly(t *testing.T) {
	for _, row := range []struct {
		pattern, text string
		want          bool
	}{
		{"orders", "orders", true},
		{"orders", "orders-2", false},
		{"orders", "old-orders", false},
		{"a|ab", "ab", true},
		{"a|b", "xb", false},
		{"(?m)a$", "a\nb", false},
		{"", "", true},
		{"", "a", false},
	} {
		re, err := pattern.Whole(row.pattern)
		if err != nil {
			t.Errorf("%q: %v", row.pattern, err)
			continue
		}
		if got := re.MatchString(row.text); got != row.want {
			t.Errorf("%q matches %q: %v", row.pattern, row.text, got)
		}
	}
}

func TestAPatternThatIsNoneAloneIsRefused(t *testing.T) {
	for _, bad := range []string{"(", "a)|(b", "a{2,1}", `\`} {
		if re, err := pattern.Whole(bad); err == nil {
			t.Errorf("%q is compiled to %v", bad, re)
		}
	}
}
