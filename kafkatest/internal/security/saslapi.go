// SaslHandshake and SaslAuthenticate.

package security

import (
	"errors"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SASLHandshake answers SaslHandshake 0 and 1. The mechanisms are in every
// answer, whether the chosen one is among them or not. After version 0 tokens
// come without Kafka's headers.
func (s *Session) SASLHandshake(_ *call.Call, req *kmsg.SASLHandshakeRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
	if err := s.Handshake(req.Mechanism, req.Version == 0); err != nil {
		resp.ErrorCode = err.Code
	}
	resp.SupportedMechanisms = s.config.Mechanisms
	return resp
}

// SASLAuthenticate answers SaslAuthenticate 0 to 2.
func (s *Session) SASLAuthenticate(c *call.Call, req *kmsg.SASLAuthenticateRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	answer, done, err := s.Authenticate(c.Now, req.SASLAuthBytes)
	resp.SASLAuthBytes = answer
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		resp.ErrorCode, resp.ErrorMessage = refused.Code.Code, &refused.Message
	}
	if done {
		resp.SessionLifetimeMillis = s.config.Lifetime.Milliseconds()
	}
	return resp
}
