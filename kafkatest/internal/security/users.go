// Users: their passwords and SCRAM credentials.

package security

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"maps"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
)

// A User may log in with a password, by every mechanism that takes one.
type User struct {
	Name, Password string
}

// A Mechanism of SCRAM, by its number on the wire (KIP-554).
type Mechanism int8

// The mechanisms of SCRAM.
const (
	ScramSHA256 Mechanism = 1
	ScramSHA512 Mechanism = 2
)

// mechanisms are those of SCRAM, in order.
var mechanisms = []Mechanism{ScramSHA256, ScramSHA512}

func (m Mechanism) known() bool { return slices.Contains(mechanisms, m) }

// String returns the mechanism's name in SASL.
func (m Mechanism) String() string {
	if m == ScramSHA512 {
		return "SCRAM-SHA-512"
	}
	return "SCRAM-SHA-256"
}

func (m Mechanism) hash() func() hash.Hash {
	if m == ScramSHA512 {
		return sha512.New
	}
	return sha256.New
}

func (m Mechanism) mac(key []byte, text string) []byte {
	h := hmac.New(m.hash(), key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// The bounds of iterations in Kafka.
const (
	minIterations = 4096
	maxIterations = 16384
)

// A credential is what a server keeps of a password (RFC 5802, 3).
type credential struct {
	salt       []byte
	iterations int32
	storedKey  []byte
	serverKey  []byte
}

func newCredential(m Mechanism, salt, salted []byte, iterations int32) credential {
	h := m.hash()()
	h.Write(m.mac(salted, "Client Key"))
	return credential{
		salt: slices.Clone(salt), iterations: iterations,
		storedKey: h.Sum(nil), serverKey: m.mac(salted, "Server Key"),
	}
}

// An account is all that is known of a user. A missing credential of a user
// with a password is made when it is first needed: it takes a millisecond.
type account struct {
	password    string
	hasPassword bool
	credentials map[Mechanism]credential
	removed     map[Mechanism]bool
}

func (a *account) has(m Mechanism) bool {
	_, made := a.credentials[m]
	return made || a.hasPassword && !a.removed[m]
}

// Users are all users of a cluster.
type Users struct {
	seed     call.Seed
	accounts map[string]*account
}

// NewUsers returns users that may log in by PLAIN and SCRAM. Their salts come
// from the seed.
func NewUsers(seed call.Seed, users []User) (*Users, error) {
	u := &Users{seed: seed, accounts: map[string]*account{}}
	for _, user := range users {
		if user.Name == "" {
			return nil, &Error{"a user has no name"}
		}
		if err := u.set(user); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// set gives a user, new or known, a password. Credentials made from another
// are gone.
func (u *Users) set(user User) error {
	if user.Name == "" || user.Password == "" {
		return &Error{"user " + user.Name + " has no name or no password"}
	}
	u.accounts[user.Name] = &account{
		password: user.Password, hasPassword: true,
		credentials: map[Mechanism]credential{}, removed: map[Mechanism]bool{},
	}
	return nil
}

// names returns the names of all users, sorted.
func (u *Users) names() []string { return slices.Sorted(maps.Keys(u.accounts)) }

// credential returns the user's credential, or false.
func (u *Users) credential(name string, m Mechanism) (credential, bool) {
	a := u.accounts[name]
	if a == nil || !a.has(m) {
		return credential{}, false
	}
	if c, made := a.credentials[m]; made {
		return c, true
	}
	salt := u.seed.UUID("scram salt", m.String(), name)
	// It fails only where FIPS forbids such a key, which this is not.
	salted, err := pbkdf2.Key(m.hash(), a.password, salt[:], minIterations, m.hash()().Size())
	if err != nil {
		return credential{}, false
	}
	c := newCredential(m, salt[:], salted, minIterations)
	a.credentials[m] = c
	return c, true
}

// iterations is what can be told of a credential without making it.
func (u *Users) iterations(name string, m Mechanism) int32 {
	if c, made := u.accounts[name].credentials[m]; made {
		return c.iterations
	}
	return minIterations
}

// put replaces or adds a credential.
func (u *Users) put(name string, m Mechanism, c credential) {
	a := u.accounts[name]
	if a == nil {
		a = &account{credentials: map[Mechanism]credential{}, removed: map[Mechanism]bool{}}
		u.accounts[name] = a
	}
	a.credentials[m] = c
}

// remove takes a credential away. A user left with nothing is none.
func (u *Users) remove(name string, m Mechanism) {
	a := u.accounts[name]
	delete(a.credentials, m)
	a.removed[m] = true
	if !a.hasPassword && len(a.credentials) == 0 {
		delete(u.accounts, name)
	}
}
