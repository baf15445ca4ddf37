// Logging in to a broker: SASL PLAIN and SCRAM, from the client's side.

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A loginError is a login that was refused, or could not be tried.
type loginError struct {
	offered []string // the mechanisms, if the broker told
	cause   error
}

func (e *loginError) Error() string { return "login: " + e.cause.Error() }
func (e *loginError) Unwrap() error { return e.cause }

// offered asks which mechanisms a listener has: it names them all when asked
// for one that there is not. A listener without login answers with an error.
func (k *kafkaClient) offered() ([]string, error) {
	h, err := k.handshake("NONE")
	if err != nil {
		return nil, err
	}
	err = kerr.ErrorForCode(h.ErrorCode)
	if errors.Is(err, kerr.UnsupportedSaslMechanism) {
		return h.SupportedMechanisms, nil
	}
	return nil, err
}

func (k *kafkaClient) handshake(mechanism string) (*kmsg.SASLHandshakeResponse, error) {
	r := kmsg.NewPtrSASLHandshakeRequest()
	r.Mechanism = mechanism
	answer, err := k.request(r)
	if err != nil {
		return nil, err
	}
	return answer.(*kmsg.SASLHandshakeResponse), nil
}

// login logs in. The client has greeted before.
func (k *kafkaClient) login(a access) error {
	h, err := k.handshake(a.mechanism)
	if err != nil {
		return &loginError{nil, err}
	}
	if err := kerr.ErrorForCode(h.ErrorCode); err != nil {
		return &loginError{h.SupportedMechanisms, err}
	}
	switch a.mechanism {
	case "PLAIN":
		_, err = k.authenticate([]byte("\x00" + a.user + "\x00" + a.password))
	case "SCRAM-SHA-256":
		err = k.scram(a, sha256.New)
	case "SCRAM-SHA-512":
		err = k.scram(a, sha512.New)
	default:
		err = fmt.Errorf("%s is not known here", a.mechanism)
	}
	if err != nil {
		return &loginError{h.SupportedMechanisms, err}
	}
	return nil
}

// best returns the best mechanism among those offered that this client knows.
func best(offered []string) (string, bool) {
	for _, m := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"} {
		if slices.Contains(offered, m) {
			return m, true
		}
	}
	return "", false
}

func (k *kafkaClient) authenticate(token []byte) ([]byte, error) {
	r := kmsg.NewPtrSASLAuthenticateRequest()
	r.SASLAuthBytes = token
	answer, err := k.request(r)
	if err != nil {
		return nil, err
	}
	a := answer.(*kmsg.SASLAuthenticateResponse)
	if err := kerr.ErrorForCode(a.ErrorCode); err != nil {
		if a.ErrorMessage != nil {
			err = fmt.Errorf("%w (%s)", err, *a.ErrorMessage)
		}
		return nil, err
	}
	return a.SASLAuthBytes, nil
}

// maxIterations bounds the work a broker may ask for.
const maxIterations = 1 << 20

// scram logs in as RFC 5802 has it, and checks that the broker, too, knows the
// password.
func (k *kafkaClient) scram(a access, h func() hash.Hash) error {
	nonce := rand.Text()
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(a.user)
	bare := "n=" + name + ",r=" + nonce
	first, err := k.authenticate([]byte("n,," + bare))
	if err != nil {
		return err
	}
	fields := scramFields(first)
	salt, err := base64.StdEncoding.DecodeString(fields["s"])
	n, notNumber := strconv.Atoi(fields["i"])
	if err != nil || notNumber != nil || n < 1 || n > maxIterations || !strings.HasPrefix(fields["r"], nonce) {
		return fmt.Errorf("the broker's challenge %q is not SCRAM's", first)
	}
	salted, err := pbkdf2.Key(h, a.password, salt, n, h().Size())
	if err != nil {
		return err
	}
	final := "c=biws,r=" + fields["r"]
	message := bare + "," + string(first) + "," + final
	clientKey := sign(h, salted, "Client Key")
	digest := h()
	digest.Write(clientKey)
	proof := sign(h, digest.Sum(nil), message)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	last, err := k.authenticate([]byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)))
	if err != nil {
		return err
	}
	want := sign(h, sign(h, salted, "Server Key"), message)
	got, err := base64.StdEncoding.DecodeString(scramFields(last)["v"])
	if err != nil || !bytes.Equal(want, got) {
		return errors.New("the broker does not know the password: its own proof is wrong")
	}
	return nil
}

func scramFields(text []byte) map[string]string {
	fields := map[string]string{}
	for field := range strings.SplitSeq(string(text), ",") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	return fields
}

func sign(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
