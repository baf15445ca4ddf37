// SASL SCRAM (RFC 5802, RFC 7677): the server's side.

package security

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
)

// A scram is one login by SCRAM: two tokens of the client, two answers. Like
// Kafka it knows no channel binding.
type scram struct {
	users     *Users
	mechanism Mechanism
	nonce     string // the server's part
	exact     bool   // the client must repeat the joint nonce, and nothing else

	first      clientFirst
	credential credential
	answered   string // server-first-message; "" before
}

// errScram refuses without a reason, as Kafka does.
func (s *scram) errScram() error {
	return &authError{
		"Authentication failed during authentication due to invalid credentials with SASL mechanism " +
			s.mechanism.String(),
	}
}

func (s *scram) next(token []byte) ([]byte, string, bool, error) {
	if s.answered == "" {
		answer, err := s.begin(token)
		return answer, "", false, err
	}
	answer, err := s.finish(token)
	return answer, s.first.user, err == nil, err
}

// begin answers with the salt and the joint nonce.
func (s *scram) begin(token []byte) ([]byte, error) {
	first, ok := parseClientFirst(string(token))
	if !ok {
		return nil, s.errScram()
	}
	if first.actAs != "" && first.actAs != first.user {
		return nil, errActAs
	}
	credential, ok := s.users.credential(first.user, s.mechanism)
	if !ok {
		return nil, s.errScram()
	}
	s.first, s.credential = first, credential
	s.answered = "r=" + first.nonce + s.nonce +
		",s=" + base64.StdEncoding.EncodeToString(credential.salt) +
		",i=" + strconv.Itoa(int(credential.iterations))
	return []byte(s.answered), nil
}

// finish checks the client's proof and answers with the server's own.
func (s *scram) finish(token []byte) ([]byte, error) {
	final, ok := parseClientFinal(string(token))
	if !ok || !s.accepts(final.nonce) {
		return nil, s.errScram()
	}
	text := s.first.bare + "," + s.answered + "," + final.withoutProof
	signature := s.mechanism.mac(s.credential.storedKey, text)
	if len(final.proof) != len(signature) {
		return nil, s.errScram()
	}
	clientKey := make([]byte, len(signature))
	subtle.XORBytes(clientKey, final.proof, signature)
	h := s.mechanism.hash()()
	h.Write(clientKey)
	if !hmac.Equal(h.Sum(nil), s.credential.storedKey) {
		return nil, s.errScram()
	}
	verifier := s.mechanism.mac(s.credential.serverKey, text)
	return []byte("v=" + base64.StdEncoding.EncodeToString(verifier)), nil
}

// accepts reports whether the last message's nonce is that of this login.
func (s *scram) accepts(nonce string) bool {
	joint := s.first.nonce + s.nonce
	return nonce == joint || !s.exact && strings.HasSuffix(nonce, joint)
}

// A clientFirst is the client's first message.
type clientFirst struct {
	actAs string
	user  string
	nonce string
	bare  string // the message without its GS2 header
}

// parseClientFirst parses n,[a=actAs],[m=...,]n=user,r=nonce[,extensions].
func parseClientFirst(s string) (f clientFirst, ok bool) {
	rest, ok := strings.CutPrefix(s, "n,")
	if !ok {
		return f, false
	}
	actAs, bare, ok := strings.Cut(rest, ",")
	if !ok {
		return f, false
	}
	f.bare = bare
	if actAs != "" {
		name, ok := strings.CutPrefix(actAs, "a=")
		if f.actAs, ok = saslName(name, ok); !ok {
			return f, false
		}
	}
	attributes := strings.Split(bare, ",")
	if strings.HasPrefix(attributes[0], "m=") {
		attributes = attributes[1:]
	}
	if len(attributes) < 2 {
		return f, false
	}
	name, ok := strings.CutPrefix(attributes[0], "n=")
	if f.user, ok = saslName(name, ok); !ok {
		return f, false
	}
	f.nonce, ok = strings.CutPrefix(attributes[1], "r=")
	return f, ok && isNonce(f.nonce) && areExtensions(attributes[2:])
}

// saslName undoes the escapes of a name, which must not be empty: =2C is a
// comma and =3D an equals sign. It passes on that s was not found.
func saslName(s string, found bool) (string, bool) {
	if !found || s == "" {
		return "", false
	}
	var b strings.Builder
	for s != "" {
		before, after, escaped := strings.Cut(s, "=")
		b.WriteString(before)
		switch {
		case !escaped:
			return b.String(), true
		case strings.HasPrefix(after, "2C"):
			b.WriteByte(',')
		case strings.HasPrefix(after, "3D"):
			b.WriteByte('=')
		default:
			return "", false
		}
		s = after[2:]
	}
	return b.String(), true
}

// isNonce reports whether s is printable ASCII without commas.
func isNonce(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7e || r == ',' })
}

// areExtensions reports whether each is of the form x=value.
func areExtensions(attributes []string) bool {
	for _, a := range attributes {
		if len(a) < 3 || a[1] != '=' || a[0]|0x20 < 'a' || a[0]|0x20 > 'z' {
			return false
		}
	}
	return true
}

// A clientFinal is the client's last message.
type clientFinal struct {
	nonce        string
	proof        []byte
	withoutProof string
}

// parseClientFinal parses c=binding,r=nonce[,extensions],p=proof.
func parseClientFinal(s string) (f clientFinal, ok bool) {
	at := strings.LastIndex(s, ",p=")
	if at < 0 {
		return f, false
	}
	f.withoutProof = s[:at]
	proof, err := base64.StdEncoding.DecodeString(s[at+len(",p="):])
	if err != nil {
		return f, false
	}
	f.proof = proof
	attributes := strings.Split(f.withoutProof, ",")
	if len(attributes) < 2 || !strings.HasPrefix(attributes[0], "c=") {
		return f, false
	}
	if _, err := base64.StdEncoding.DecodeString(attributes[0][2:]); err != nil {
		return f, false
	}
	f.nonce, ok = strings.CutPrefix(attributes[1], "r=")
	return f, ok && isNonce(f.nonce) && areExtensions(attributes[2:])
}
