// The shapes of tokens: prefixes and what follows them.

package redact

import "bytes"

// A shape is how the tokens of one kind look.
type shape struct {
	what   string // as findings tell of it
	prefix string
	anchor int                                   // where in prefix the three bytes stand that are looked for
	find   func(b []byte, at int) (from, to int) // the secret, whose prefix stands at at; from >= to if it is none
	near   func(b []byte, at int) bool           // what else can be told without knowing where a text ends; may be nil
}

// mayBe tells whether the prefix stands at at, whatever is around it.
func (s *shape) mayBe(b []byte, at int) bool {
	return at >= 0 && at <= len(b) && bytes.HasPrefix(b[at:], []byte(s.prefix)) && (s.near == nil || s.near(b, at))
}

// A tail is what follows a prefix: from least to most bytes of a class, which
// also test passes, if there is one. Dots and dashes at its end are not part
// of it.
type tail struct {
	of          *class
	least, most int
	test        func([]byte) bool
}

// after returns the shape of a prefix and a tail that stand alone: no letter
// and no digit touches them.
func (t tail) after(what, prefix string, anchor int) *shape {
	return &shape{what: what, prefix: prefix, anchor: anchor, find: func(b []byte, at int) (int, int) {
		body := b[at+len(prefix):]
		n := count(body[:min(len(body), t.most+1)], t.of)
		if n > t.most || !apart(b, at) || n < len(body) && alnum[body[n]] {
			return 0, 0
		}
		body = bytes.TrimRight(body[:n], ".-")
		if t.most == t.least {
			body = b[at+len(prefix):][:n]
		}
		if len(body) < t.least || t.test != nil && !t.test(body) {
			return 0, 0
		}
		return at, at + len(prefix) + len(body)
	}}
}

// apart tells whether no letter and no digit stands before at.
func apart(b []byte, at int) bool { return at == 0 || !alnum[b[at-1]] }

// The shapes are those that their makers publish:
//
//   - GitHub: docs.github.com, "About authentication to GitHub", token
//     formats; since 2026 installation tokens are ghs_, a number and a JWT
//     (github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header)
//   - GitLab: docs.gitlab.com, "GitLab token overview", token prefixes
//   - AWS: "IAM identifiers", unique ID prefixes, of which these are of keys
//   - Slack: docs.slack.dev, "Tokens"
//   - Stripe: docs.stripe.com/keys
//   - and for lengths that are not published, the rules of gitleaks/gitleaks
func shapes() []*shape {
	all := append(prefixed(), structured()...)
	for _, c := range "0123456789abcdef" { // three bytes that are rare need one digit
		all = append(all, twilio("SK"+string(c)))
	}
	return all
}

func prefixed() (all []*shape) {
	add := func(what string, t tail, anchor int, prefixes ...string) {
		for _, p := range prefixes {
			all = append(all, t.after(what, p, anchor))
		}
	}
	add("an AWS access key ID", tail{of: base32, least: 16, most: 16}, 0, "AKIA", "ASIA", "ABIA", "ACCA")
	add("a Google API key", tail{of: base64url, least: 35, most: 35}, 0, "AIza")
	add("a Google OAuth token", tail{of: dotted, least: 20, most: 2048, test: mixed}, 0, "ya29.")
	add("a GitHub token", tail{of: alnum, least: 36, most: 255}, 0, "ghp_", "gho_", "ghr_")
	add("a GitHub token", tail{of: dotted, least: 36, most: 4096}, 0, "ghs_", "ghu_")
	add("a GitHub token", tail{of: classOf(lower + upper + decimal + "_"), least: 82, most: 255}, 5, "github_pat_")
	git := tail{of: dotted, least: 20, most: 512, test: mixed}
	add("a GitLab token", git, 0, "glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glffct-",
		"glsoat-", "glwt-", "glagent-")
	add("a GitLab token", git, 2, "glimt-", "gloas-")
	add("a Slack token", tail{of: dotted, least: 24, most: 512, test: slack}, 0, "xox")
	add("a Slack token", tail{of: base64url, least: 24, most: 512, test: mixed}, 0, "xapp-")
	add("a Stripe key", tail{of: alnum, least: 16, most: 255}, 1, "sk_live_", "rk_live_", "sk_test_", "rk_test_")
	model := tail{of: base64url, least: 20, most: 512, test: mixed}
	add("a key of a model's API", model, 0, "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-or-")
	add("a key of a model's API", tail{of: alnum, least: 32, most: 255, test: mixed}, 0, "sk-")
	add("an npm token", tail{of: alnum, least: 36, most: 36}, 0, "npm_")
	add("a SendGrid key", tail{of: dotted, least: 66, most: 66, test: sendgrid}, 0, "SG.")
	add("a Hugging Face token", tail{of: alnum, least: 34, most: 40}, 0, "hf_")
	add("a Vault token", tail{of: base64url, least: 24, most: 512, test: mixed}, 0, "hvs.", "hvb.")
	add("a Docker token", tail{of: base64url, least: 27, most: 64}, 3, "dckr_pat_")
	add("a Grafana token", tail{of: classOf(lower + upper + decimal + "_"), least: 41, most: 64}, 0, "glsa_")
	add("an age key", tail{of: upperNum, least: 58, most: 58}, 3, "AGE-SECRET-KEY-1")
	return all
}

// slack wants the letter after "xox", and a dash or the second half of
// "xoxe.xoxp-".
func slack(tail []byte) bool {
	return bytes.IndexByte([]byte("abcdeoprs"), tail[0]) >= 0 && (tail[1] == '-' || tail[1] == '.') && mixed(tail[2:])
}

func sendgrid(tail []byte) bool {
	return tail[22] == '.' && bytes.Count(tail, []byte{'.'}) == 1
}

// twilio: an API key's SID is "SK" and 32 hexadecimal digits.
func twilio(prefix string) *shape {
	return tail{of: lowerHex, least: 31, most: 31}.after("a Twilio key", prefix, 0)
}
