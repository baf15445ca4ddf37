// The shapes of tokens that have a structure of their own.

package redact

import (
	"bytes"
	base64std "encoding/base64"
	"encoding/json"
)

func structured() []*shape {
	all := []*shape{
		{what: "a JSON Web Token", prefix: "eyJ", find: jwt},
		{what: "a private key", prefix: pemDashes + "BEGIN ", anchor: len(pemDashes), find: pem},
		{what: "a password in a URL", prefix: "://", find: userinfo, near: hasAt},
	}
	for _, prefix := range []string{"Bearer ", "bearer ", "BEARER "} {
		all = append(all, &shape{what: "a bearer token", prefix: prefix, find: bearer})
	}
	for _, prefix := range []string{"Basic ", "basic ", "BASIC "} {
		all = append(all, &shape{what: "a user's name and password", prefix: prefix, find: basic})
	}
	return all
}

// mostJOSE bounds the header of a JSON Web Token.
const mostJOSE = 4096

// jwt: three parts in base64url between dots, or five if it is encrypted, of
// which the first is a JSON object with "alg" (RFC 7515 section 7.1 and
// 4.1.1, RFC 7516 section 7.1). The last may be empty (RFC 7519 section 6.1).
func jwt(b []byte, at int) (from, to int) {
	if at > 0 && base64url[b[at-1]] {
		return 0, 0
	}
	header := count(b[at:], base64url)
	if header > mostJOSE || !isJOSE(b[at:at+header]) {
		return 0, 0
	}
	to, parts := at+header, 1
	for parts < 5 && to < len(b) && b[to] == '.' {
		n := count(b[to+1:], base64url)
		if n == 0 && parts != 2 {
			break
		}
		to, parts = to+1+n, parts+1
	}
	if parts < 3 {
		return 0, 0
	}
	return at, to
}

func isJOSE(part []byte) bool {
	header, err := base64std.RawURLEncoding.AppendDecode(nil, part)
	if err != nil || !bytes.Contains(header, []byte(`"alg"`)) {
		return false
	}
	var fields map[string]json.RawMessage
	return json.Unmarshal(header, &fields) == nil && fields["alg"] != nil
}

const pemDashes = "-----"

// pem: a block whose label says PRIVATE KEY (RFC 7468), its line breaks also
// as JSON escapes them. A block without an end ends with what may be in it.
func pem(b []byte, at int) (from, to int) {
	body := b[at+len(pemDashes)+len("BEGIN "):]
	label, _, ok := bytes.Cut(body[:min(len(body), 64)], []byte(pemDashes))
	if !ok || !bytes.Contains(label, []byte("PRIVATE KEY")) {
		return 0, 0
	}
	to = at + len(pemDashes) + len("BEGIN ") + len(label) + len(pemDashes)
	for to < len(b) && pemBody[b[to]] && !bytes.HasPrefix(b[to:], []byte("--")) {
		to++
	}
	if rest, ok := bytes.CutPrefix(b[to:], []byte(pemDashes+"END ")); ok {
		if end := bytes.Index(rest[:min(len(rest), 64)], []byte(pemDashes)); end >= 0 {
			to += len(pemDashes) + len("END ") + end + len(pemDashes)
		}
	}
	return at, to
}

var pemBody = classOf(lower + upper + decimal + "+/= \r\n\t\\:,-")

// mostAuthority bounds what of a URL is searched for a password.
const mostAuthority = 512

// userinfo: a password before the "@" of a URL (RFC 3986 section 3.2.1).
func userinfo(b []byte, at int) (from, to int) {
	if at == 0 || !alnum[b[at-1]] {
		return 0, 0
	}
	begin := at + len("://")
	host := authorityAt(b, begin)
	user := bytes.LastIndexByte(host, '@')
	colon := bytes.IndexByte(host[:max(user, 0)], ':')
	if colon < 0 || colon+1 == user {
		return 0, 0
	}
	return begin + colon + 1, begin + user
}

// hasAt holds for what is before a text's end too: what follows that can only
// make an authority longer.
func hasAt(b []byte, at int) bool {
	return bytes.IndexByte(authorityAt(b, at+len("://")), '@') >= 0
}

// authorityAt returns the part of a URL that begins at begin and ends before
// its path, or where no URL goes on.
func authorityAt(b []byte, begin int) []byte {
	b = b[begin:min(len(b), begin+mostAuthority)]
	return b[:count(b, authority)]
}

// leastBearer is how long a bearer token at least is: "Bearer of news" has none.
const leastBearer = 16

// bearer: what follows the scheme (RFC 6750 section 2.1).
func bearer(b []byte, at int) (from, to int) {
	from = at + len("Bearer ")
	from += len(b[from:]) - len(bytes.TrimLeft(b[from:], " "))
	body := bytes.TrimRight(b[from:from+count(b[from:], token68)], ".")
	if !apart(b, at) || len(body) < leastBearer || !mixed(body) {
		return 0, 0
	}
	return from, from + len(body)
}

// basic: the base64 of a name, a colon and a password (RFC 7617 section 2).
func basic(b []byte, at int) (from, to int) {
	from = at + len("Basic ")
	from += len(b[from:]) - len(bytes.TrimLeft(b[from:], " "))
	to = from + count(b[from:], base64)
	if !apart(b, at) || to-from > mostJOSE {
		return 0, 0
	}
	pair, err := base64std.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(b[from:to], "="))
	if err != nil || bytes.IndexByte(pair, ':') < 0 {
		return 0, 0
	}
	return from, to
}
