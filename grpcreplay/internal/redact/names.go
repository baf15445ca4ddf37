// Which names of metadata keys, fields and map keys tell of a secret.

package redact

import "strings"

// Names are compared without case, "_" and "-": a clientSecret is a
// client_secret.

// secretNames are those of fields, map keys and metadata keys.
var secretNames = set(
	"password", "passwd", "pwd", "passphrase",
	"secret", "client_secret", "shared_secret", "secret_key", "secret_access_key", "signing_secret", "webhook_secret",
	"token", "access_token", "refresh_token", "id_token", "auth_token", "bearer_token", "session_token",
	"security_token",
	"oauth_token", "api_token", "csrf_token", "jwt",
	"api_key", "private_key", "private_key_data", "signing_key", "encryption_key",
	"credential", "credentials", "client_assertion", "authorization", "session_cookie", "cookie", "set_cookie",
)

// secretEnds end further names: of a db_password or a stripe_api_key.
var secretEnds = []string{
	"password", "passwd", "passphrase", "clientsecret", "secretkey", "secretaccesskey", "accesstoken", "refreshtoken",
	"authtoken", "sessiontoken", "apikey", "privatekey",
}

// secretHeaders are metadata keys that carry credentials, besides secretNames.
var secretHeaders = set(
	"authorization", "proxy-authorization", "grpcgateway-authorization", "x-authorization", "cookie", "set-cookie",
	"grpcgateway-cookie", "x-api-key", "x-goog-api-key", "x-auth-token", "x-amz-security-token",
	"x-goog-iam-authorization-token", "x-forwarded-authorization", "x-serverless-authorization",
)

// secretHeaderEnds end the names of further ones.
var secretHeaderEnds = []string{
	"-token", "-secret", "-password", "-api-key", "-apikey", "-credential", "-credentials", "-authorization",
	"_token", "_secret", "_password", "_api_key",
}

// keptEnds end names that look secret and are not: places in a list, which
// programs send back.
var keptEnds = []string{"pagetoken", "continuationtoken", "synctoken", "resumetoken", "cursortoken"}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[plain(n)] = true
	}
	return m
}

// plain brings a name to the form in which names are compared.
func plain(name string) string {
	same := true
	for i := 0; i < len(name) && same; i++ {
		c := name[i]
		same = c != '_' && c != '-' && (c < 'A' || c > 'Z')
	}
	if same {
		return name
	}
	out := make([]byte, 0, 32)
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-':
		case c >= 'A' && c <= 'Z':
			out = append(out, c|0x20)
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func endsIn(name string, ends []string) bool {
	for _, end := range ends {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// A names holds the rules for names, compiled.
type names struct {
	headers map[string]bool // further keys of metadata
	further map[string]bool // further names of fields
	fields  map[string]bool // full names of fields
	kept    map[string]bool // names and full names that are never redacted
	allowed map[string]bool // if not empty: what other metadata there may be
}

func newNames(r Rules) names {
	n := names{headers: set(r.Headers...), further: set(r.Names...), kept: set(r.Keep...), allowed: set(r.Allow...)}
	n.fields = make(map[string]bool, len(r.Fields))
	for _, f := range r.Fields {
		n.fields[f] = true
	}
	for _, k := range r.Keep {
		n.kept[k] = true
	}
	return n
}

// A verdict says what becomes of something by its name.
type verdict uint8

const (
	look   verdict = iota // tokens in it are replaced
	kept                  // it stays as it is, by a rule of the user
	listed                // it stays as it is, unless something else says that it is secret
	hidden                // it is secret
)

// field returns the verdict on a field of texts or bytes, or on what stands
// in a map under a name.
func (n *names) field(name string) verdict {
	name = plain(name)
	switch {
	case n.kept[name]:
		return kept
	case n.further[name]:
		return hidden
	case endsIn(name, keptEnds):
		return listed
	case secretNames[name] || endsIn(name, secretEnds):
		return hidden
	}
	return look
}

// header returns the verdict on a key of metadata.
func (n *names) header(key string) verdict {
	key = strings.TrimSuffix(key, "-bin")
	name := plain(key)
	switch {
	case n.kept[name]:
		return kept
	case n.headers[name] || secretHeaders[name]:
		return hidden
	case len(n.allowed) > 0 && !n.allowed[name] && !reserved(key):
		return hidden
	}
	if v := n.field(name); v != look {
		return v
	}
	if endsIn(key, secretHeaderEnds) {
		return hidden
	}
	return look
}

// reserved tells whether gRPC needs a key itself: the names that its
// specification, PROTOCOL-HTTP2.md, keeps for it.
func reserved(key string) bool {
	return strings.HasPrefix(key, "grpc-") || strings.HasPrefix(key, ":") || key == "content-type" || key == "te"
}
