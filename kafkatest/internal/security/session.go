// A session: what one connection has said about who it is.

package security

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A TokenHandler answers the tokens of one login, one after the other. The
// login is complete when done is true; an error refuses it.
type TokenHandler func(token []byte) (answer []byte, done bool, principal string, err error)

// A SessionConfig says how a connection may log in.
type SessionConfig struct {
	// Conn names the connection; nonces are drawn for it. There is no default.
	Conn string

	// Seed is what nonces are drawn from. If 0, it is a seed like another.
	Seed call.Seed

	// Mechanisms are those of the listener. If nil, it has no SASL: whoever
	// asks for it is told ILLEGAL_SASL_STATE.
	Mechanisms []string

	// Users may log in by PLAIN and SCRAM. There is no default.
	Users *Users

	// Handlers begin a login by any other mechanism, by its name. If nil, or
	// without the mechanism, there is none, even if Mechanisms says so.
	Handlers map[string]func() TokenHandler

	// ExactNonce wants the nonce of SCRAM's last message to be the server's, as
	// RFC 5802 has it and Kafka from 4.0 on. If false, it may have something
	// before it, as for Kafka 3.9: librdkafka before 2.6.1 repeats its own part
	// (confluentinc/librdkafka#4895).
	ExactNonce bool

	// Lifetime is how long a login lasts: connections.max.reauth.ms
	// (KIP-368). If 0, as long as the connection.
	Lifetime time.Duration
}

// A Session is the SASL state of one connection.
type Session struct {
	config    SessionConfig
	phase     phase
	raw       bool
	mechanism string // chosen
	login     login
	logins    int    // how many were begun
	principal string // who logged in last; "" before
	by        string // the mechanism by which
	expires   time.Time
}

// A phase is what a session waits for.
type phase uint8

const (
	atStart  phase = iota // a handshake
	atTokens              // tokens of the chosen mechanism
	atRest                // nothing: somebody has logged in
	atEnd                 // the connection's end: the login was refused
)

// NewSession returns the session of a connection that has said nothing yet.
func NewSession(config SessionConfig) *Session { return &Session{config: config} }

// Principal returns who has logged in, "" if nobody has.
func (s *Session) Principal() string { return s.principal }

// Open reports whether requests other than those of the login are served.
func (s *Session) Open() bool { return len(s.config.Mechanisms) == 0 || s.phase == atRest }

// Refused reports whether the login failed: the connection is to be closed
// when the answer has been sent.
func (s *Session) Refused() bool { return s.phase == atEnd }

// Raw reports whether what comes next is a token without Kafka's headers, as
// after a SaslHandshake of version 0. The answer has none either, and both
// are framed by their length.
func (s *Session) Raw() bool { return s.raw && s.phase == atTokens }

// Expired reports whether the login has lasted its lifetime: any request but a
// SaslHandshake then ends the connection (KIP-368).
func (s *Session) Expired(now time.Time) bool {
	return s.phase == atRest && !s.expires.IsZero() && !now.Before(s.expires)
}

// Handshake chooses the mechanism of the login. raw says that tokens come
// without Kafka's headers.
func (s *Session) Handshake(mechanism string, raw bool) *kerr.Error {
	mayBegin := s.phase == atStart || s.phase == atRest && s.config.Lifetime > 0
	if len(s.config.Mechanisms) == 0 || !mayBegin {
		return kerr.IllegalSaslState
	}
	if !slices.Contains(s.config.Mechanisms, mechanism) {
		s.phase = atEnd
		return kerr.UnsupportedSaslMechanism
	}
	s.login = s.begin(mechanism)
	s.logins++
	if s.login == nil {
		s.phase = atEnd
		return kerr.UnsupportedSaslMechanism
	}
	s.mechanism, s.raw, s.phase = mechanism, raw, atTokens
	return nil
}

// begin returns a login by the mechanism; nil if nothing can do it.
func (s *Session) begin(mechanism string) login {
	switch {
	case mechanism == "PLAIN":
		return plain{s.config.Users}
	case mechanism == ScramSHA256.String():
		return s.beginScram(ScramSHA256)
	case mechanism == ScramSHA512.String():
		return s.beginScram(ScramSHA512)
	case s.config.Handlers[mechanism] != nil:
		return handled(s.config.Handlers[mechanism]())
	}
	return nil
}

func (s *Session) beginScram(m Mechanism) login {
	return &scram{
		users: s.config.Users, mechanism: m, exact: s.config.ExactNonce,
		nonce: s.config.Seed.Text("scram nonce", s.config.Conn, strconv.Itoa(s.logins)),
	}
}

// handled is a login that somebody else conducts.
type handled TokenHandler

func (h handled) next(token []byte) ([]byte, string, bool, error) {
	answer, done, principal, err := h(token)
	return answer, principal, done, err
}

// A RefusedError says why a login was refused, with its code and the text that
// the client is told.
type RefusedError struct {
	Code    *kerr.Error
	Message string
}

// Error returns the code's name and the text.
func (e *RefusedError) Error() string { return e.Code.Message + ": " + e.Message }

// Authenticate takes a token and returns the answer to it. Done tells that the
// client has logged in, as Principal. After an error the connection is to be
// closed.
func (s *Session) Authenticate(now time.Time, token []byte) (answer []byte, done bool, err error) {
	if s.phase != atTokens {
		if s.phase == atStart {
			s.phase = atEnd
		}
		return nil, false, &RefusedError{kerr.IllegalSaslState, "SaslAuthenticate came without SaslHandshake before it"}
	}
	answer, user, done, err := s.login.next(token)
	if err != nil {
		s.phase = atEnd
		return nil, false, &RefusedError{kerr.SaslAuthenticationFailed, err.Error()}
	}
	if !done {
		return answer, false, nil
	}
	if err := s.admit(now, user); err != nil {
		s.phase = atEnd
		return nil, false, err
	}
	return answer, true, nil
}

// admit ends a login. Whoever logs in again must be who it was, by the same
// mechanism (KIP-368).
func (s *Session) admit(now time.Time, user string) error {
	principal := user
	if !strings.HasPrefix(user, "User:") {
		principal = "User:" + user
	}
	if s.principal != "" && (s.principal != principal || s.by != s.mechanism) {
		return &RefusedError{
			kerr.SaslAuthenticationFailed,
			"Cannot change principals during re-authentication from " + s.principal + " by " + s.by +
				" to " + principal + " by " + s.mechanism,
		}
	}
	s.phase, s.login, s.principal, s.by = atRest, nil, principal, s.mechanism
	if s.config.Lifetime > 0 {
		s.expires = now.Add(s.config.Lifetime)
	}
	return nil
}
