// Which texts are tokens, and which only look like one.

package redact_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
)

// some returns n letters and digits.
func some(n int) string { return strings.Repeat("aB3dE5gH7jK9", n/12+1)[:n] }

func hexDigits(n int) string { return strings.Repeat("0a1b2c3d4e5f6789", n/16+1)[:n] }

// The samples are put together from halves, so that no scanner takes this
// file for a leak.
var (
	joseHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	joseBody   = base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"1"}`))
	webToken   = joseHeader + "." + joseBody + "." + some(43)
	keyBegin   = "-----BEGIN " + "PRIVATE KEY-----"
	keyEnd     = "-----END " + "PRIVATE KEY-----"
	rsa        = strings.NewReplacer(" PRIV", " RSA PRIV")
)

func TestTokensAreFoundByTheirShape(t *testing.T) {
	for _, row := range []struct{ what, secret string }{
		{"a JSON Web Token", webToken},
		{"a JSON Web Token", joseHeader + "." + joseBody + "."},
		{"a JSON Web Token", strings.Join([]string{joseHeader, some(9), some(9), some(9), some(9)}, ".")},
		{"an AWS access key ID", "AK" + "IA" + "QYLPMN5HFIQR7XYA"},
		{"an AWS access key ID", "AS" + "IA" + "QYLPMN5HFIQR7XYA"},
		{"a Google API key", "AI" + "za" + some(33) + "_-"},
		{"a Google OAuth token", "ya" + "29." + "a0" + some(60)},
		{"a GitHub token", github()},
		{"a GitHub token", "gho" + "_" + some(36)},
		{"a GitHub token", "ghs" + "_" + "123456_" + webToken},
		{"a GitHub token", "github" + "_pat_" + some(22) + "_" + some(59)},
		{"a GitLab token", "gl" + "pat-" + some(20)},
		{"a GitLab token", "gl" + "pat-" + some(27) + ".01.0a1b2c3d4"},
		{"a GitLab token", "gl" + "cbt-" + "a1_" + some(20)},
		{"a GitLab token", "gl" + "imt-" + some(25)},
		{"a GitLab token", "gl" + "oas-" + hexDigits(64)},
		{"a GitLab token", "gl" + "agent-" + some(50)},
		{"a Slack token", "xo" + "xb-123456789012-123456789012-" + some(24)},
		{"a Slack token", "xo" + "xe.xoxp-1-" + some(163)},
		{"a Slack token", "xa" + "pp-1-A0123456789-1234567890123-" + hexDigits(64)},
		{"a Stripe key", "sk" + "_live_" + some(24)},
		{"a Stripe key", "rk" + "_test_" + some(24)},
		{"a key of a model's API", "sk" + "-ant-api03-" + some(93) + "AA"},
		{"a key of a model's API", "sk" + "-proj-" + some(20) + "-_" + some(20)},
		{"a key of a model's API", "sk" + "-" + some(48)},
		{"an npm token", "np" + "m_" + some(36)},
		{"a SendGrid key", "SG" + "." + some(22) + "." + some(41) + "-_"},
		{"a Twilio key", "SK" + hexDigits(32)},
		{"a Hugging Face token", "hf" + "_" + some(34)},
		{"a Vault token", "hv" + "s." + some(24)},
		{"a Docker token", "dckr" + "_pat_" + some(27)},
		{"a Grafana token", "gl" + "sa_" + some(32) + "_0a1b2c3d"},
		{"an age key", "AGE-" + "SECRET-KEY-1" + strings.Repeat("Q7", 29)},
		{"a private key", keyBegin + "\nMIIEvQ+/=\n" + keyEnd},
		{"a private key", keyBegin + `\nMIIEvQ+/=\n` + keyEnd},
		{"a private key", rsa.Replace(keyBegin + "\nProc-Type: 4,ENCRYPTED\n\nMIIE\n" + keyEnd)},
	} {
		for _, around := range [][2]string{
			{"", ""}, {"token: ", " is bad"}, {`{"k":"`, `"}`}, {"x=", "&y=1"}, {"ü", "ü"},
		} {
			checkToken(t, row.what, around[0], row.secret, around[1])
		}
	}
}

func TestCredentialsAreFoundByWhatIsAroundThem(t *testing.T) {
	for _, row := range []struct{ what, before, secret, after string }{
		{"a password in a URL", "see postgres://ann:", "hunter2", "@db:5432/x?y=z"},
		{"a password in a URL", "https://:", "p%40ss", "@a.example"},
		{"a password in a URL", "amqp://a:", "b@c:d", "@host"},
		{"a private key", "cut short: ", keyBegin + "\nMIIEvQ", ""},
		{"a private key", `{"private_key": "`, keyBegin + `\nMIIEvQ`, `"}`},
		{"a bearer token", "Authorization: Bearer ", some(16), ""},
		{"a bearer token", "authorization: bearer  ", some(30) + "==", ", x"},
		{"a user's name and password", "Basic ", base64.StdEncoding.EncodeToString([]byte("ann:hunter2")), `"`},
	} {
		checkToken(t, row.what, row.before, row.secret, row.after)
	}
}

// checkToken wants exactly one finding, and the secret gone for good.
func checkToken(t *testing.T, what, before, secret, after string) {
	t.Helper()
	r := redactor(t, redact.Rules{}, nil)
	text := before + secret + after
	got := r.Text(text)
	middle, ok := strings.CutPrefix(got, before)
	middle, also := strings.CutSuffix(middle, after)
	if !ok || !also || !strings.HasPrefix(middle, "redacted-") || len(middle) != 25 {
		t.Errorf("%s: %q became %q", what, text, got)
	}
	if again := r.Text(got); again != got {
		t.Errorf("%s: %q became %q", what, got, again)
	}
	found := r.ScanText([]byte(text))
	if len(found) != 1 || found[0].What != what || len(secret) > 8 && strings.Contains(found[0].Sample, secret[5:]) {
		t.Errorf("%s: in %q there is %v", what, text, found)
	}
	// At the same length, in bytes of unknown meaning.
	wire := append([]byte{0x0A, byte(len(text)&0x7F | 0x80), byte(len(text) >> 7)}, text...)
	out, front := string(r.Message(nil, wire)), string(wire[:3+len(before)])
	if len(out) != len(wire) || !strings.HasPrefix(out, front) || strings.Contains(out, secret) ||
		!strings.HasSuffix(out, after) {
		t.Errorf("%s: %q became %q", what, wire, out)
	}
}

func TestWhatOnlyLooksLikeATokenStays(t *testing.T) {
	for _, text := range []string{
		"eyJ", "eyJhbGciOiJIUzI1NiJ9.eyJ9", "eyJub3BlIjoxfQ.eyJ9.x", "eyJhbGciOi.e30.x", "x" + webToken[:60],
		"AKIA", "AKIA0000000000000000", "xAK" + "IAQYLPMN5HFIQR7XYA", "AK" + "IAQYLPMN5HFIQR7XYAB",
		"AKIAqylpmn5hfiqr7xya",
		"AIza" + some(34), "AIza" + some(36), "ya29.short", "ya29.abcdefghijklmnopqrstuvwxyz",
		"gh" + "p_" + some(35), "agh" + "p_" + some(36), "ghx_" + some(36), "ghost ghp_ ghs_",
		"github" + "_pat_" + some(30), "glpat-short", "glad-to-see-you-at-the-market-2024",
		"xoxb-xxxxxxxxx-xxxxxxxxxx-xxxxxxxxxxxx", "xoxo-2024", "xapp-data",
		"sk_live_", "task_live_" + some(24), "sk_lively_" + some(24),
		"sk-learn", "risk-" + some(40), "sk-" + some(31), "task-" + some(40),
		"npm_config_registry_that_is_quite_long_indeed", "np" + "m_" + some(35), "np" + "m_" + some(37),
		"SG." + some(22) + "-" + some(43), "SG.", "SK" + hexDigits(31), "SK" + hexDigits(33),
		"SK" + strings.ToUpper(hexDigits(32)),
		"-----BEGIN " + "PUBLIC KEY-----\nMIIB\n-----END " + "PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----",
		"BEGIN PRIVATE KEY",
		"https://example.com/a:b@c", "https://ann@example.com", "https://ann:@example.com", "mailto:a:b@c",
		"x://", "://a:b@c",
		"https://example.com:8080 ann:x@y", "type.googleapis.com/a.B",
		"Bearer of good news", "Bearer authentication-is-required", "forbearer " + some(20), "Bearer " + some(15),
		"Basic understanding", "Basic " + base64.StdEncoding.EncodeToString([]byte("nocolon")), "basic tier: 3",
		"hf_" + some(20), "hvs.short", "redacted-0123456789abcdef", "Bearer redacted-0123456789abcdef",
		"https://ann:redacted-0123456789abcdef@db", "Basic redacted-0123456789abcdef", "4111 1111 1111 1111",
	} {
		r := redactor(t, redact.Rules{}, nil)
		if got := r.Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestTokensAreFoundWhereverTheyBegin(t *testing.T) {
	r := redactor(t, redact.Rules{}, nil)
	for n := range 70 {
		text := strings.Repeat(" ", n) + github() + strings.Repeat(" ", 70-n) + github()
		if got := r.Text(text); strings.Count(got, "redacted-") != 2 || strings.Contains(got, "gh"+"p_") {
			t.Errorf("after %d spaces it became %q", n, got)
		}
	}
}

func TestWithoutShapesTokensStay(t *testing.T) {
	r := redactor(t, redact.Rules{NoTokens: true}, nil)
	if got := r.Text(github()); got != github() {
		t.Errorf("it became %q", got)
	}
	if got := r.Message(nil, []byte("\x0a\x28"+github())); !strings.Contains(string(got), github()) {
		t.Errorf("it became %q", got)
	}
}

func TestUsersPatternsAreLookedFor(t *testing.T) {
	r := redactor(t, redact.Rules{Tokens: []string{`sid=(\w+)`, `[0-9]{6,}`, `K-[a-z]{2}`}, Cards: true}, nil)
	once := r.Text("sid=abc; K-zz, 1234567 and 12345")
	if strings.Count(once, "redacted-") != 3 || !strings.HasPrefix(once, "sid=redacted-") ||
		!strings.HasSuffix(once, " and 12345") {
		t.Errorf("it became %q", once)
	}
	if twice := r.Text(once); twice != once {
		t.Errorf("a second time it became %q, not %q", twice, once)
	}
	wire := []byte("\x0a\x04K-zz\x12\x0bsid=abcdefg")
	out := r.Message(nil, wire)
	if len(out) != len(wire) || string(out[:3]) != "\x0a\x04*" || string(out[6:12]) != "\x12\x0bsid=" {
		t.Errorf("it became %q", out)
	}
	if again := r.Message(nil, out); string(again) != string(out) {
		t.Errorf("a second time it became %q, not %q", again, out)
	}
}

func TestCardNumbersAreFoundOnRequest(t *testing.T) {
	r := redactor(t, redact.Rules{Cards: true}, nil)
	for _, row := range []struct {
		text string
		card bool
	}{
		{"4111 1111 1111 1111", true}, {"5500-0000-0000-0004", true}, {"340000000000009", true},
		{"4111 1111 1111 1112", false}, {"4111  1111 1111 1111", false}, {"9111111111111111", false},
		{"x4111111111111111", false}, {"411111", false}, {"0000000000000000", false},
	} {
		got := r.Text("card " + row.text + ".")
		if hidden := strings.HasPrefix(got, "card redacted-"); hidden != row.card {
			t.Errorf("%q became %q", row.text, got)
		}
	}
}
