// Logins: what a connection may do before it has one, and who it then is.

package kafkatest

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// strangerFrame is the largest frame of who has not logged in: Kafka's
// default of sasl.server.max.receive.size.
const strangerFrame = 512 << 10

// gssapi is the mechanism whose tokens a function of the test's answers.
const gssapi = "GSSAPI"

// newSession returns the login of a connection; nil where the listener asks
// for none.
func (x *conn) newSession() *security.Session {
	c := x.broker.cluster
	if len(x.listener.Mechanisms) == 0 {
		return nil
	}
	handlers := map[string]func() security.TokenHandler{}
	if begin := c.config.GSSAPI; begin != nil {
		handlers[gssapi] = func() security.TokenHandler { return security.TokenHandler(begin()) }
	}
	if c.state != nil {
		var session *security.Session
		c.enter(func(s *state.Cluster) { session = s.NewSession(x.name, x.listener.Mechanisms, handlers) })
		return session
	}
	return security.NewSession(security.SessionConfig{
		Conn: x.name, Seed: call.Seed(c.config.Seed), Mechanisms: x.listener.Mechanisms,
		Users: c.users, Handlers: handlers,
	})
}

// securityUsers returns the users of the Config.
func (c Config) securityUsers() (users []security.User) {
	for _, u := range c.Users {
		users = append(users, security.User(u))
	}
	return users
}

// frameLimit is the largest frame that the connection may send at present.
func (x *conn) frameLimit() int32 {
	limit := x.broker.cluster.frameLimit
	if x.session != nil && !x.session.Open() {
		return min(limit, strangerFrame)
	}
	return limit
}

// admits says why a request is not let through: nobody has logged in, or the
// login has lasted too long (KIP-368).
func (x *conn) admits(h wire.Header) error {
	if x.session == nil {
		return nil
	}
	switch kmsg.Key(h.Key) {
	case kmsg.SASLHandshake:
		return nil
	case kmsg.SASLAuthenticate, kmsg.ApiVersions:
		if !x.session.Open() {
			return nil
		}
	}
	if !x.session.Open() {
		return fmt.Errorf("%s came from a client that has not logged in", h.Name())
	}
	if x.session.Expired(time.Now()) {
		return fmt.Errorf("%s came from a client that had to log in again", h.Name())
	}
	return nil
}

// errRefused ends the connection of a client whose login was refused.
var errRefused = errors.New("the login was refused")

// seen takes notice of what a login has come to.
func (x *conn) seen() error {
	if x.session == nil {
		return nil
	}
	if name := x.session.Principal(); name != "" {
		x.principal = name
	}
	if x.session.Refused() {
		return errRefused
	}
	return nil
}

// login answers a request of the login.
func (e *exchange) login() (r kmsg.Response, answered bool) {
	x := e.conn
	if x.session == nil {
		return nil, false
	}
	switch req := e.Request.(type) {
	case *kmsg.SASLHandshakeRequest:
		x.mechanism = req.Mechanism
		answered = x.conduct(func(now time.Time) { r = x.session.SASLHandshake(&call.Call{Now: now}, req) })
	case *kmsg.SASLAuthenticateRequest:
		answered = x.conduct(func(now time.Time) { r = x.session.SASLAuthenticate(&call.Call{Now: now}, req) })
	}
	return r, answered
}

// conduct has f go on with the login, with the users to itself; without a lock
// if a function of the test's answers. It returns false if the cluster is
// closed.
func (x *conn) conduct(f func(now time.Time)) bool {
	c := x.broker.cluster
	switch {
	case x.mechanism == gssapi:
		f(time.Now())
	case c.state == nil:
		c.mu.Lock()
		defer c.mu.Unlock()
		f(time.Now())
	default:
		return c.enter(func(s *state.Cluster) { f(s.Agenda.Now()) })
	}
	return true
}

// token answers a token without Kafka's headers, as clients send it after a
// SaslHandshake of version 0. A token that is refused has no answer.
func (x *conn) token(token []byte) error {
	var answer []byte
	var err error
	if !x.conduct(func(now time.Time) { answer, _, err = x.session.Authenticate(now, token) }) {
		return errCut
	}
	if err != nil {
		return errors.Join(errRefused, err)
	}
	x.out = binary.BigEndian.AppendUint32(x.out, uint32(len(answer)))
	x.out = append(x.out, answer...)
	return x.seen()
}

// certified learns from the client's certificate who it is.
func (x *conn) certified(secured *tls.Conn) error {
	certificates := secured.ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		return nil
	}
	name := certificates[0].Subject.String() // as RFC 2253 has it, like Java's
	c := x.broker.cluster
	if c.state == nil {
		x.principal = "User:" + name
		return nil
	}
	allowed := false
	c.enter(func(s *state.Cluster) {
		var principal string
		if principal, allowed = s.PrincipalOf(name); allowed {
			x.principal = principal
		}
	})
	if !allowed {
		return fmt.Errorf("no rule of ssl.principal.mapping.rules matches %q", name)
	}
	return nil
}
