// What stands in a recording is found, and told without telling it.

package redact_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// leaky is a recording with a secret in each place that may have one.
func leaky(t testing.TB) *tape.Tape {
	s := testSet(t)
	entry := typed(t, s, "vault.v1.Entry")
	tp := &tape.Tape{Head: tape.Head{Initial: []byte("x\x00 " + github()), Comments: []string{"see " + github()}}}
	tp.Add(&tape.Call{Number: 3, Method: "/vault.v1.Vault/Put", Comments: []string{webToken},
		Pairs: []tape.Pair{{Key: "authorization", Value: "Bearer abc"}}, Events: []tape.Event{
			{Kind: tape.Send, Message: parse(t, s, entry,
				`child { clientSecret: "hunter2" friend { name: "`+github()+`" } }`)},
			{Kind: tape.Header, Pairs: []tape.Pair{{Key: "set-cookie", Value: "abc"}, {Key: "x", Value: "y"}}},
			{Kind: tape.Recv, Message: parse(t, s, typed(t, s, "vault.v1.Plain"), `note: "`+github()+`"`)},
			{Kind: tape.Recv, Message: []byte("\x0a\x03abc")},
			{Kind: tape.End, Pairs: []tape.Pair{{Key: "k-bin", Value: "\xff" + github()}}, Status: tape.Status{
				Code: 2, Message: "no " + github(), Details: []tape.Any{{Type: "a/b.C", Value: []byte(github())}},
			}},
		}})
	tp.Add(&tape.Call{Number: 4, Method: "/vault.v1.Vault/Put", Codec: "json", Events: []tape.Event{
		{Kind: tape.Send, Message: []byte(`{"title": "` + github() + `"}`)},
	}})
	return tp
}

func TestAScanFindsWhatStillStands(t *testing.T) {
	r := redactor(t, redact.Rules{Off: true}, nil)
	long := "gh" + "p_… (40 bytes)"
	want := []redact.Finding{
		{"the initial state", "a GitHub token", long},
		{"the comments at the top", "a GitHub token", long},
		{"call 3, comments", "a JSON Web Token", fmt.Sprintf("%d bytes", len(webToken))},
		{"call 3, request metadata: authorization", "a secret by its name", "3 bytes"},
		{"call 3, request 1: child.clientSecret", "a secret by its name", "7 bytes"},
		{"call 3, request 1: child.friend.name", "a GitHub token", long},
		{"call 3, header: set-cookie", "a secret by its name", "3 bytes"},
		{"call 3, answer 1: note", "a GitHub token", long},
		{"call 3, trailer: k-bin", "a GitHub token", long},
		{"call 3, status", "a GitHub token", long},
		{"call 3, status", "a GitHub token", long},
		{"call 4, request 1", "a GitHub token", long},
	}
	if got := r.Scan(leaky(t), testSet(t)); !reflect.DeepEqual(got, want) {
		t.Errorf("it found\n%v, want\n%v", lines(got), lines(want))
	}
}

func lines(found []redact.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s | %s | %s\n", f.Where, f.What, f.Sample)
	}
	return b.String()
}

func TestAScanOfWhatWasRedactedFindsNothing(t *testing.T) {
	s := testSet(t)
	r := redactor(t, redact.Rules{}, s)
	clean := &tape.Tape{}
	for _, c := range leaky(t).Calls() {
		c.Comments = nil
		c.Pairs = r.Pairs(c.Pairs)
		for i := range c.Events {
			e := &c.Events[i]
			md := s.Output(c.Method)
			if e.Kind == tape.Send {
				md = s.Input(c.Method)
			}
			if c.Codec != "" {
				md = nil
			}
			e.Message, e.Pairs, e.Status = r.Message(md, e.Message), r.Pairs(e.Pairs), r.Status(e.Status)
		}
		clean.Add(c)
	}
	if found := r.Scan(clean, nil); len(found) > 0 {
		t.Errorf("it found\n%s", lines(found))
	}
}

func TestAScanOfAFileTellsTheLine(t *testing.T) {
	r := redactor(t, redact.Rules{Tokens: []string{`sid=(\d+)`}}, nil)
	got := r.ScanText([]byte("one\nsid=123\n  " + github() + "\n\n" + github()))
	want := []redact.Finding{
		{"line 2", `what /sid=(\d+)/ matches`, "3 bytes"},
		{"line 3", "a GitHub token", "gh" + "p_… (40 bytes)"},
		{"line 5", "a GitHub token", "gh" + "p_… (40 bytes)"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it found\n%v, want\n%v", lines(got), lines(want))
	}
	if got := r.ScanText([]byte("\x00\n" + github())); len(got) != 1 || got[0].Where != "byte 2" {
		t.Errorf("it found\n%v", lines(got))
	}
	if got := r.ScanText([]byte(strings.Repeat(github()+" ", 3000))); len(got) != 1000 {
		t.Errorf("it found %d", len(got))
	}
}

func TestAPseudonymIsAnHMAC(t *testing.T) {
	for _, n := range []int{0, 1, 16, 64, 65, 200} {
		for _, size := range []int{1, 55, 64, 300} {
			key, value := []byte(some(n)), some(size)
			r, err := redact.New(redact.Rules{}, nil, key)
			if err != nil {
				t.Fatal(err)
			}
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(value))
			want := "redacted-" + hex.EncodeToString(mac.Sum(nil)[:8])
			if got := r.Pairs([]tape.Pair{{Key: "cookie", Value: value}})[0].Value; got != want {
				t.Errorf("with a salt of %d bytes, %d bytes became %q, want %q", n, size, got, want)
			}
		}
	}
}

func TestARedactorServesManyAtOnce(t *testing.T) {
	s := testSet(t)
	r := redactor(t, redact.Rules{}, s)
	entry := typed(t, s, "vault.v1.Entry")
	in := parse(t, s, entry, `clientSecret: "x" detail { [a.b/vault.v1.Entry] { clientSecret: "x" } }`)
	var group sync.WaitGroup
	out := make([]string, 8)
	for i := range out {
		group.Go(func() { out[i] = string(r.Message(entry, in)) })
	}
	group.Wait()
	for _, o := range out {
		if o != out[0] || o == string(in) {
			t.Errorf("one got %q, another %q", out[0], o)
		}
	}
}
