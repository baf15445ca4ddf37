// Tests from within: SCRAM's published example, and decoders under fuzzing.

package security

import (
	"crypto/pbkdf2"
	"encoding/base64"
	"strings"
	"testing"
)

// The exchange is that of RFC 7677, section 3.
func TestTheExampleOfRFC7677(t *testing.T) {
	salt, _ := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	salted, err := pbkdf2.Key(ScramSHA256.hash(), "pencil", salt, 4096, 32)
	if err != nil {
		t.Fatal(err)
	}
	users, _ := NewUsers(1, nil)
	users.put("user", ScramSHA256, newCredential(ScramSHA256, salt, salted, 4096))
	s := &scram{users: users, mechanism: ScramSHA256, nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"}

	answer, _, done, err := s.next([]byte("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"))
	const first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	if err != nil || done || string(answer) != first {
		t.Fatalf("got %q, %t, %v", answer, done, err)
	}
	answer, user, done, err := s.next([]byte("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="))
	if err != nil || !done || user != "user" || string(answer) != "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" {
		t.Fatalf("got %q, %q, %t, %v", answer, user, done, err)
	}
}

func TestClientFirstMessages(t *testing.T) {
	for _, row := range []struct {
		message     string
		ok          bool
		actAs, user string
	}{
		{"n,,n=user,r=abc", true, "", "user"},
		{"n,a=me,n=user,r=abc", true, "me", "user"},
		{"n,,n=a=2Cb=3Dc,r=abc", true, "", "a,b=c"},
		{"n,,m=x,n=user,r=abc,t=1,u=2", true, "", "user"},
		{"y,,n=user,r=abc", false, "", ""},
		{"p=tls-unique,,n=user,r=abc", false, "", ""},
		{"n,x,n=user,r=abc", false, "", ""},
		{"n,a=,n=user,r=abc", false, "", ""},
		{"n,,n=,r=abc", false, "", ""},
		{"n,,n=a=2c,r=abc", false, "", ""},
		{"n,,n=a=,r=abc", false, "", ""},
		{"n,,n=user", false, "", ""},
		{"n,,m=x", false, "", ""},
		{"n,,n=user,r=", false, "", ""},
		{"n,,n=user,r=a b", false, "", ""},
		{"n,,n=user,r=abc,", false, "", ""},
		{"n,,n=user,r=abc,1=x", false, "", ""},
		{"n,,r=abc,n=user", false, "", ""},
		{"n,", false, "", ""},
		{"", false, "", ""},
	} {
		t.Run(row.message, func(t *testing.T) {
			f, ok := parseClientFirst(row.message)
			if ok != row.ok || ok && (f.user != row.user || f.actAs != row.actAs || f.nonce != "abc") {
				t.Errorf("got %+v, %t", f, ok)
			}
		})
	}
}

func TestClientFinalMessages(t *testing.T) {
	for message, want := range map[string]bool{
		"c=biws,r=abc,p=AAAA":     true,
		"c=biws,r=abc,x=1,p=AAAA": true,
		"c=biws,r=abc,p=A":        false,
		"c=b!,r=abc,p=AAAA":       false,
		"c=biws,p=AAAA":           false,
		"r=abc,c=biws,p=AAAA":     false,
		"c=biws,r=abc":            false,
		"p=AAAA":                  false,
		"c=biws,r=abc,x,p=AAAA":   false,
		"":                        false,
	} {
		if f, ok := parseClientFinal(message); ok != want || ok && f.nonce != "abc" {
			t.Errorf("%q: %+v, %t", message, f, ok)
		}
	}
}

func FuzzScram(f *testing.F) {
	users, err := NewUsers(1, []User{{Name: "user", Password: "pencil"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("n,,n=user,r=abc", "c=biws,r=abcxyz,p=AAAA")
	f.Add("n,a=user,m=1,n=a=2Cb=3D,r=abc,x=1", "c=,r=,p=")
	f.Add("", ",p=")
	f.Fuzz(func(t *testing.T, first, final string) {
		s := &scram{users: users, mechanism: ScramSHA512, nonce: "xyz"}
		if _, _, done, err := s.next([]byte(first)); done || (err == nil) == (s.answered == "") {
			t.Fatalf("done %t after the first message, %v", done, err)
		}
		s.answered = "r=abcxyz,s=AAAA,i=4096"
		if _, _, done, err := s.next([]byte(final)); done || err == nil {
			t.Fatalf("%q proves a password nobody knows", final)
		}
	})
}

func FuzzSaslName(f *testing.F) {
	for _, s := range []string{"user", "a=2Cb", "=3D", "=", "=2", "a=3d"} {
		f.Add(s)
	}
	escape := strings.NewReplacer("=", "=3D", ",", "=2C")
	f.Fuzz(func(t *testing.T, s string) {
		if name, ok := saslName(s, true); ok && !strings.Contains(s, ",") && escape.Replace(name) != s {
			t.Errorf("%q is %q, which would be written %q", s, name, escape.Replace(name))
		}
		if name, ok := saslName(escape.Replace(s), true); s != "" && (!ok || name != s) {
			t.Errorf("%q became %q", s, name)
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"\x00user\x00secret", "me\x00user\x00secret", "\x00\x00", "", "\x00a\x00b\x00c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		actAs, user, password, err := parsePlain(token)
		if err == nil && (user == "" || password == "" || actAs+"\x00"+user+"\x00"+password != string(token)) {
			t.Errorf("%q became %q, %q, %q", token, actAs, user, password)
		}
	})
}

func FuzzMapping(f *testing.F) {
	f.Add("DEFAULT", "CN=alice")
	f.Add(`RULE:^CN=(.*?),OU=ops$/$1@ops/L, RULE:^CN=(.*?)$/$1/U ,DEFAULT`, "CN=Alice,OU=ops")
	f.Add(`RULE:a\/b(c)/$1$2\$\\x/`, "a/bc")
	f.Add("RULE://", "")
	f.Fuzz(func(t *testing.T, rules, name string) {
		m, err := ParseMapping(rules)
		if err != nil {
			return
		}
		if p, ok := m.Principal(name); ok && !strings.HasPrefix(p, "User:") {
			t.Errorf("%q makes %q of %q", rules, p, name)
		}
	})
}
