// SASL PLAIN (RFC 4616).

package security

import (
	"bytes"
	"crypto/subtle"
)

// A login is one SASL exchange under way. It fails with an *authError.
type login interface {
	// next takes the client's token. When done, user has logged in.
	next(token []byte) (answer []byte, user string, done bool, err error)
}

// An authError refuses a login, and says to the client what it may know.
type authError struct {
	message string
}

func (e *authError) Error() string { return e.message }

// plain takes one token: who to act as, who logs in, and the password,
// separated by zero bytes.
type plain struct {
	users *Users
}

func (p plain) next(token []byte) ([]byte, string, bool, error) {
	actAs, user, password, err := parsePlain(token)
	if err != nil {
		return nil, "", false, err
	}
	a := p.users.accounts[user]
	switch {
	case a == nil || !a.hasPassword || subtle.ConstantTimeCompare([]byte(a.password), []byte(password)) == 0:
		return nil, "", false, &authError{"Authentication failed: Invalid username or password"}
	case actAs != "" && actAs != user:
		return nil, "", false, errActAs
	}
	return []byte{}, user, true, nil
}

var errActAs = &authError{
	"Authentication failed: Client requested an authorization id that is different from username",
}

func parsePlain(token []byte) (actAs, user, password string, err error) {
	parts := bytes.Split(token, []byte{0})
	switch {
	case len(parts) != 3:
		return "", "", "", &authError{"Authentication failed: Invalid SASL/PLAIN response: three parts are expected"}
	case len(parts[1]) == 0:
		return "", "", "", &authError{"Authentication failed: username not specified"}
	case len(parts[2]) == 0:
		return "", "", "", &authError{"Authentication failed: password not specified"}
	}
	return string(parts[0]), string(parts[1]), string(parts[2]), nil
}
