// Tests of principals from certificates.

package security_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
)

func TestPrincipalsFromCertificates(t *testing.T) {
	const serviceUsers = `RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,` +
		`RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L , ` +
		`RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U,DEFAULT`
	for _, row := range []struct {
		rules, name, want string // "" if the client is refused
	}{
		{"", "CN=alice,O=x", "User:CN=alice,O=x"},
		{"DEFAULT", "CN=alice,O=x", "User:CN=alice,O=x"},
		{serviceUsers, "CN=kafka-svc,OU=ServiceUsers,O=Org", "User:kafka-svc"},
		{serviceUsers, "CN=Adam,OU=Admin,O=Org,L=City,ST=State,C=SE", "User:adam@admin"},
		{serviceUsers, "OU=x,cn=web.one,O=y", "User:WEB.ONE"},
		{serviceUsers, "OU=x", "User:OU=x"},
		{"RULE:^CN=(.*?)$/$1/", "OU=x", ""},
		{"RULE:CN=alice/found/", "CN=alice,O=x", ""}, // the whole name must match
		{`RULE:CN=(\w+)\/(\w+)/$2\/$1/`, "CN=a/b", "User:b/a"},
		{`RULE:CN=(\w+)/$10$9\$1$/`, "CN=a", "User:a0$9$1$"},
		{`RULE:CN=(\w+)/$1x/`, "CN=a", "User:ax"},
	} {
		m, err := security.ParseMapping(row.rules)
		if err != nil {
			t.Errorf("%s: %v", row.rules, err)
			continue
		}
		if got, ok := m.Principal(row.name); got != row.want || ok != (row.want != "") {
			t.Errorf("%s makes %q, %t of %s, want %q", row.rules, got, ok, row.name, row.want)
		}
	}
}

func TestMappingRulesThatAreNone(t *testing.T) {
	for _, rules := range []string{
		"CN=x", "RULE:", "RULE:a", "RULE:a/b", "RULE:(/b/", "RULE:a/b/X",
		"DEFAULT DEFAULT", "RULE:a)|(?:b/c/", ",DEFAULT",
	} {
		if m, err := security.ParseMapping(rules); err == nil {
			t.Errorf("%q is taken for %+v", rules, m)
		}
	}
}
