// Tests of logins, token by token.

package security_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var hashes = map[string]func() hash.Hash{"SCRAM-SHA-256": sha256.New, "SCRAM-SHA-512": sha512.New}

func users(t *testing.T, all ...security.User) *security.Users {
	t.Helper()
	u, err := security.NewUsers(7, all)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// session is one of a listener that offers everything, for alice.
func session(t *testing.T, lifetime time.Duration) *security.Session {
	t.Helper()
	return security.NewSession(security.SessionConfig{
		Conn: "conn-1", Seed: 7, Lifetime: lifetime,
		Mechanisms: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"},
		Users: users(t, security.User{Name: "alice", Password: "secret"},
			security.User{Name: "bob", Password: "x"}),
		Handlers: map[string]func() security.TokenHandler{"GSSAPI": countTo3},
	})
}

// countTo3 is a login that takes the tokens 1, 2 and 3.
func countTo3() security.TokenHandler {
	n := 0
	return func(token []byte) ([]byte, bool, string, error) {
		if n++; string(token) != strconv.Itoa(n) {
			return nil, false, "", errors.New("miscounted")
		}
		return token, n == 3, "krb", nil
	}
}

// A client knows its side of SCRAM.
type client struct {
	newHash        func() hash.Hash
	user, password string
	bare, signed   string
}

func (c *client) mac(key []byte, text string) []byte {
	h := hmac.New(c.newHash, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (c *client) first() []byte {
	c.bare = "n=" + c.user + ",r=clientnonce"
	return []byte("n,," + c.bare)
}

// final answers the server's first message.
func (c *client) final(t *testing.T, server []byte) []byte {
	t.Helper()
	return c.finalWith(t, server, strings.Split(string(server), ",")[0])
}

// finalWith is final with an attribute r of the caller's choice.
func (c *client) finalWith(t *testing.T, server []byte, nonce string) []byte {
	t.Helper()
	attributes := strings.Split(string(server), ",")
	salt, err := base64.StdEncoding.DecodeString(attributes[1][2:])
	if err != nil || !strings.HasPrefix(attributes[0], "r=clientnonce") || len(attributes[0]) < 30 {
		t.Fatalf("the server says %q", server)
	}
	iterations, _ := strconv.Atoi(attributes[2][2:])
	salted, err := pbkdf2.Key(c.newHash, c.password, salt, iterations, c.newHash().Size())
	if err != nil {
		t.Fatal(err)
	}
	withoutProof := "c=biws," + nonce
	text := c.bare + "," + string(server) + "," + withoutProof
	key := c.mac(salted, "Client Key")
	stored := c.newHash()
	stored.Write(key)
	proof := c.mac(stored.Sum(nil), text)
	for i := range proof {
		proof[i] ^= key[i]
	}
	c.signed = "v=" + base64.StdEncoding.EncodeToString(c.mac(c.mac(salted, "Server Key"), text))
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof))
}

// loginScram logs in, and returns the error of the step that refused.
func loginScram(t *testing.T, s *security.Session, mechanism, user, password string) error {
	t.Helper()
	if err := s.Handshake(mechanism, false); err != nil {
		return err
	}
	c := &client{newHash: hashes[mechanism], user: user, password: password}
	answer, done, err := s.Authenticate(time.Time{}, c.first())
	if err != nil {
		return err
	}
	if done {
		t.Fatal("the client is in without a proof")
	}
	answer, done, err = s.Authenticate(time.Time{}, c.final(t, answer))
	if err == nil && (!done || string(answer) != c.signed) {
		t.Errorf("the server proves %q, want %q", answer, c.signed)
	}
	return err
}

// loginPlain logs in by PLAIN at an instant.
func loginPlain(s *security.Session, now time.Time, token string) error {
	if err := s.Handshake("PLAIN", false); err != nil {
		return err
	}
	_, _, err := s.Authenticate(now, []byte(token))
	return err
}

func wantRefused(t *testing.T, err error, want *kerr.Error) {
	t.Helper()
	refused, ok := errors.AsType[*security.RefusedError](err)
	if !ok || refused.Code != want || refused.Message == "" {
		t.Errorf("got %v, want %s", err, want.Message)
	}
}

func TestScramLogsIn(t *testing.T) {
	for mechanism := range hashes {
		s := session(t, 0)
		if s.Open() {
			t.Error("a connection is open before anybody logged in")
		}
		if err := loginScram(t, s, mechanism, "alice", "secret"); err != nil {
			t.Fatal(err)
		}
		if s.Principal() != "User:alice" || !s.Open() || s.Refused() {
			t.Errorf("%s: principal %q", mechanism, s.Principal())
		}
	}
}

func TestScramRefuses(t *testing.T) {
	for mechanism := range hashes {
		for user, password := range map[string]string{"alice": "Secret", "nobody": "secret", "a=b": "x"} {
			s := session(t, 0)
			wantRefused(t, loginScram(t, s, mechanism, user, password), kerr.SaslAuthenticationFailed)
			if s.Principal() != "" || s.Open() || !s.Refused() {
				t.Errorf("%s: %s is %q", mechanism, user, s.Principal())
			}
		}
	}
}

func TestAProofIsForOneExchangeOnly(t *testing.T) {
	s, c := session(t, 0), &client{newHash: sha256.New, user: "alice", password: "secret"}
	s.Handshake("SCRAM-SHA-256", false)
	answer, _, _ := s.Authenticate(time.Time{}, c.first())
	final := c.final(t, answer)

	replayed := security.NewSession(security.SessionConfig{
		Conn: "conn-2", Seed: 7, Mechanisms: []string{"SCRAM-SHA-256"},
		Users: users(t, security.User{Name: "alice", Password: "secret"}),
	})
	replayed.Handshake("SCRAM-SHA-256", false)
	if again, _, _ := replayed.Authenticate(time.Time{}, c.first()); string(again) == string(answer) {
		t.Errorf("two connections are both told %q", answer)
	}
	_, _, err := replayed.Authenticate(time.Time{}, final)
	wantRefused(t, err, kerr.SaslAuthenticationFailed)
}

func TestTheLastNonceMayRepeatTheClientsBeforeKafka4(t *testing.T) {
	for _, row := range []struct {
		name   string
		exact  bool
		before string // the server's nonce
		ok     bool
	}{
		{"as it should be", true, "", true},
		{"as librdkafka had it", false, "clientnonce", true},
		{"as librdkafka had it, to Kafka 4", true, "clientnonce", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := security.NewSession(security.SessionConfig{
				Mechanisms: []string{"SCRAM-SHA-256"}, ExactNonce: row.exact,
				Users: users(t, security.User{Name: "alice", Password: "secret"}),
			})
			c := &client{newHash: sha256.New, user: "alice", password: "secret"}
			s.Handshake("SCRAM-SHA-256", false)
			answer, _, _ := s.Authenticate(time.Time{}, c.first())
			nonce := strings.Split(string(answer), ",")[0][len("r="):]
			_, done, err := s.Authenticate(time.Time{}, c.finalWith(t, answer, "r="+row.before+nonce))
			if done != row.ok || (err == nil) != row.ok {
				t.Errorf("got %t, %v", done, err)
			}
		})
	}
	s, c := session(t, 0), &client{newHash: sha256.New, user: "alice", password: "secret"}
	s.Handshake("SCRAM-SHA-256", false)
	answer, _, _ := s.Authenticate(time.Time{}, c.first())
	_, _, err := s.Authenticate(time.Time{}, c.finalWith(t, answer, "r=clientnonce"))
	wantRefused(t, err, kerr.SaslAuthenticationFailed) // without the server's part
}

func TestScramActsForNobodyElse(t *testing.T) {
	s := session(t, 0)
	s.Handshake("SCRAM-SHA-256", false)
	_, _, err := s.Authenticate(time.Time{}, []byte("n,a=bob,n=alice,r=abc"))
	wantRefused(t, err, kerr.SaslAuthenticationFailed)
}

func TestPlain(t *testing.T) {
	for _, row := range []struct {
		name, token string
		ok          bool
	}{
		{"right", "\x00alice\x00secret", true},
		{"right, and named twice", "alice\x00alice\x00secret", true},
		{"wrong password", "\x00alice\x00Secret", false},
		{"unknown user", "\x00nobody\x00secret", false},
		{"for another", "bob\x00alice\x00secret", false},
		{"no user", "\x00\x00secret", false},
		{"no password", "\x00alice\x00", false},
		{"one part too many", "\x00alice\x00secret\x00", false},
		{"nothing", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := session(t, 0)
			err := loginPlain(s, time.Time{}, row.token)
			if !row.ok {
				wantRefused(t, err, kerr.SaslAuthenticationFailed)
				return
			}
			if err != nil || s.Principal() != "User:alice" {
				t.Errorf("got %v, %q", err, s.Principal())
			}
		})
	}
}

func TestAnotherMechanismIsConductedByAHandler(t *testing.T) {
	s := session(t, 0)
	if err := s.Handshake("GSSAPI", true); err != nil || !s.Raw() {
		t.Fatalf("got %v, raw %t", err, s.Raw())
	}
	for i := 1; i <= 3; i++ {
		answer, done, err := s.Authenticate(time.Time{}, fmt.Append(nil, i))
		if err != nil || done != (i == 3) || string(answer) != strconv.Itoa(i) {
			t.Fatalf("token %d: %q, %t, %v", i, answer, done, err)
		}
	}
	if s.Principal() != "User:krb" || s.Raw() {
		t.Errorf("principal %q, raw %t", s.Principal(), s.Raw())
	}

	s = session(t, 0)
	s.Handshake("GSSAPI", false)
	_, _, err := s.Authenticate(time.Time{}, []byte("2"))
	wantRefused(t, err, kerr.SaslAuthenticationFailed)
}

func TestMechanismsAreInEveryAnswer(t *testing.T) {
	s := session(t, 0)
	for _, row := range []struct {
		mechanism string
		want      int16
	}{
		{"PLAIN", 0},
		{"PLAIN", kerr.IllegalSaslState.Code}, // a login is under way
	} {
		req := kmsg.NewSASLHandshakeRequest()
		req.Version, req.Mechanism = 1, row.mechanism
		resp := s.SASLHandshake(&call.Call{}, &req).(*kmsg.SASLHandshakeResponse)
		if resp.ErrorCode != row.want || len(resp.SupportedMechanisms) != 5 || s.Raw() {
			t.Errorf("got %d, %q", resp.ErrorCode, resp.SupportedMechanisms)
		}
	}
	for _, mechanism := range []string{"CRAM-MD5", "OAUTHBEARER", ""} { // the second has no handler
		s := session(t, 0)
		req := kmsg.NewSASLHandshakeRequest()
		req.Mechanism = mechanism
		resp := s.SASLHandshake(&call.Call{}, &req).(*kmsg.SASLHandshakeResponse)
		if resp.ErrorCode != kerr.UnsupportedSaslMechanism.Code || !slices.Contains(resp.SupportedMechanisms, "PLAIN") {
			t.Errorf("%s: got %d, %q", mechanism, resp.ErrorCode, resp.SupportedMechanisms)
		}
		if !s.Refused() {
			t.Errorf("%s: the connection goes on", mechanism)
		}
	}
}

func TestAuthenticateOverTheWire(t *testing.T) {
	s := session(t, time.Minute)
	s.Handshake("PLAIN", false)
	req := kmsg.NewSASLAuthenticateRequest()
	req.Version, req.SASLAuthBytes = 2, []byte("\x00alice\x00secret")
	resp := s.SASLAuthenticate(&call.Call{}, &req).(*kmsg.SASLAuthenticateResponse)
	if resp.ErrorCode != 0 || resp.SessionLifetimeMillis != 60_000 || resp.SASLAuthBytes == nil {
		t.Errorf("got %+v", resp)
	}
	resp = s.SASLAuthenticate(&call.Call{}, &req).(*kmsg.SASLAuthenticateResponse)
	if resp.ErrorCode != kerr.IllegalSaslState.Code || resp.ErrorMessage == nil || resp.SessionLifetimeMillis != 0 {
		t.Errorf("a second time: %+v", resp)
	}
	if s.Refused() {
		t.Error("asking twice ends the login")
	}
}

func TestATokenWithoutAHandshakeEndsTheConnection(t *testing.T) {
	s := session(t, 0)
	_, _, err := s.Authenticate(time.Time{}, []byte("\x00alice\x00secret"))
	wantRefused(t, err, kerr.IllegalSaslState)
	if !s.Refused() {
		t.Error("it goes on")
	}
}

func TestAListenerWithoutSaslRefusesIt(t *testing.T) {
	s := security.NewSession(security.SessionConfig{})
	if !s.Open() {
		t.Error("it wants a login")
	}
	if err := s.Handshake("PLAIN", false); err != kerr.IllegalSaslState {
		t.Errorf("got %v", err)
	}
}

func TestALoginLastsItsLifetime(t *testing.T) {
	s, now := session(t, time.Minute), time.Unix(1000, 0)
	if err := loginPlain(s, now, "\x00alice\x00secret"); err != nil {
		t.Fatal(err)
	}
	if s.Expired(now.Add(time.Minute-1)) || !s.Expired(now.Add(time.Minute)) {
		t.Error("it lasts longer or shorter than a minute")
	}
	later := now.Add(50 * time.Second)
	if err := loginPlain(s, later, "\x00alice\x00secret"); err != nil {
		t.Fatal(err)
	}
	if s.Expired(now.Add(time.Minute)) || !s.Expired(later.Add(time.Minute)) {
		t.Error("the second login does not last a minute")
	}
}

func TestWhoeverLogsInAgainIsTheSame(t *testing.T) {
	s := session(t, time.Minute)
	loginPlain(s, time.Time{}, "\x00alice\x00secret")
	wantRefused(t, loginPlain(s, time.Time{}, "\x00bob\x00x"), kerr.SaslAuthenticationFailed)
	if !s.Refused() || s.Principal() != "User:alice" {
		t.Errorf("it goes on as %q", s.Principal())
	}
	s = session(t, time.Minute)
	loginPlain(s, time.Time{}, "\x00alice\x00secret")
	wantRefused(t, loginScram(t, s, "SCRAM-SHA-256", "alice", "secret"), kerr.SaslAuthenticationFailed)
}

func TestWithoutALifetimeNobodyLogsInTwice(t *testing.T) {
	s := session(t, 0)
	loginPlain(s, time.Time{}, "\x00alice\x00secret")
	if err := s.Handshake("PLAIN", false); err != kerr.IllegalSaslState || s.Refused() || !s.Open() {
		t.Errorf("got %v", err)
	}
}
