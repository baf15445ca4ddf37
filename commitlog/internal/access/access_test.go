// Who may do what, by the default rules, the original's, and others.

package access_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog/internal/access"
)

// flat is a model without roles.
const flat = `[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && \
    r.act == p.act
`

// denying is a model of rules that allow and rules that deny.
const denying = `[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = keyMatch(r.sub, p.sub) && r.act == p.act
`

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTheRulesDecide(t *testing.T) {
	for _, c := range []struct {
		name, model, policy string
		allowed, denied     []string // "subject action"
	}{
		{"by default", "", "",
			[]string{"root produce", "root consume", "peer replicate"},
			[]string{"nobody produce", "nobody consume", "root replicate", "peer produce", "n0 replicate", " produce"}},
		{"by the original's", flat, "p, root, *, produce\np, root, *, consume\n",
			[]string{"root produce", "root consume"}, []string{"nobody produce", "root replicate"}},
		{"by roles", "", "p, writer, *, produce\ng, alice, writer\ng, n0, peer\r\n\r\np, peer, *, replicate\r\n",
			[]string{"alice produce", "n0 replicate"}, []string{"bob produce", "alice replicate"}},
		{"by denial", denying, "p, *, *, consume, allow\np, mallory, *, consume, deny\n",
			[]string{"bob consume"}, []string{"mallory consume", "bob produce"}},
		{"by quoted and spaced fields", flat, "# c\n\n  p ,\"o,u\", * , produce  \np, , *, consume",
			[]string{"o,u produce"}, []string{"u produce", " consume"}},
		{"by none", flat, "\n", nil, []string{"root produce"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := access.Config{}
			if c.model != "" {
				config.Model = []byte(c.model)
			}
			if c.policy != "" {
				config.Policy = []byte(c.policy)
			}
			r := must(access.New(config))
			for range 2 { // the second time from memory
				for _, q := range c.allowed {
					subject, action, _ := strings.Cut(q, " ")
					if err := r.Authorize(subject, "*", action); err != nil {
						t.Error(err)
					}
				}
				for _, q := range c.denied {
					subject, action, _ := strings.Cut(q, " ")
					err := r.Authorize(subject, "*", action)
					want := fmt.Sprintf("%s not permitted to %s to *", subject, action)
					if s := status.Convert(err); s.Code() != codes.PermissionDenied || s.Message() != want {
						t.Errorf("%q: %v, want %q", q, err, want)
					}
				}
			}
		})
	}
}

func TestWithoutRulesAllIsDeniedOrAllIsAllowed(t *testing.T) {
	if err := access.Deny.Authorize("root", "*", access.Produce); status.Code(err) != codes.PermissionDenied {
		t.Errorf("Deny: %v", err)
	}
	if err := access.Loopback.Authorize("", "*", access.Produce); err != nil {
		t.Errorf("Loopback: %v", err)
	}
}

func TestWhatIsWrongIsSaidWithItsLine(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(flat, old) {
			panic(old)
		}
		return strings.Replace(flat, old, new, 1)
	}
	for _, c := range []struct{ model, policy, want string }{
		{change("[matchers]", "[matcher]"), "", "the model:7: no section is called [matcher]"},
		{change("m = r", "m2 = r"), "", `the model:8: nothing in [matchers] is called "m2"`},
		{change("m = r.sub ", "m = r.user "), "", "the model:8: the matcher speaks of r.user"},
		{change("m = r.sub ", "m = f(r.sub) "), "", "the model:8: the matcher fails: Undefined function f"},
		{change("m = r", "m = (r"), "", "the model:8: the matcher fails: Unbalanced parenthesis"},
		{change("    r.act == p.act\n", ""), "", "the model:8: the matcher fails"},
		{change("    r.act == p.act\n", "\\"), "", "the model:8: the last line ends"},
		{change("r = sub, obj, act", "r = sub, act"), "", "the model:2: a request has 2 fields"},
		{change("r = sub, obj, act", "sub, obj, act"), "", "the model:2: want a section"},
		{change("r = sub, obj, act", "r = # sub"), "", "the model:2: want a section"},
		{change("p = sub, obj, act", "p = sub, obj, act\np = sub"), "", "the model:5: p is defined again; first in"},
		{change("e = some(where (p.eft == allow))", "e = all"), "", `the model:6: the effect "all"`},
		{change("some(where (p.eft == allow))", "subjectPriority(p.eft) || deny"), "", `the model:6: the effect`},
		{change("[request_definition]\n", ""), "", `the model:1: "r" stands before the first section`},
		{change("[policy_effect]", "[role_definition]\ng = _\n[policy_effect]"), "", `the model:6: a role is`},
		{change("[policy_effect]", "[role_definition]\ng = _, _, (_, _)\n[policy_effect]"), "", `the model:6: a role`},
		{"[request_definition]\nr = sub, obj, act\n", "", "the model: missing required sections"},
		{strings.Repeat("# 345678\n", 8000), "", "the model: a model of 72000 bytes"},
		{"#" + strings.Repeat(" x", 4000), "", "the model:1: the line has 8001 bytes"},
		{flat, "p, root, *, produce\np, root, *\n", `the policy:2: 2 fields after "p"; the model wants 3: sub, obj, act`},
		{flat, "\n# c\ng, alice, root\n", `the policy:3: a rule of kind "g"`},
		{flat, ", root, *, produce", `the policy:1: a rule of kind ""`},
		{flat, "p2, root, *, produce", `the policy:1: a rule of kind "p2"`},
		{flat, "logger, root, *, produce", `the policy:1: a rule of kind "logger"`},
		{flat, "p, \"root, *, produce", `the policy:1: fields separated by commas`},
		{flat, "root may produce", `the policy:1: a rule of kind "root may produce"`},
		{denying, "p, root, *, produce, yes", `the policy:1: a rule's effect is "yes"`},
	} {
		_, err := access.New(access.Config{Model: []byte(c.model), Policy: []byte(c.policy)})
		if err == nil || !strings.HasPrefix(err.Error(), "access: "+c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if _, err := access.New(access.Config{PolicyFile: "a", Policy: []byte{}}); err == nil {
		t.Error("a file and its contents are both taken")
	}
}

// A disk is files in memory, written at the bubble's time.
type disk struct{ fstest.MapFS }

func (d disk) Stat(name string) (fs.FileInfo, error) { return d.MapFS.Stat(name) }
func (d disk) write(name, body string) {
	d.MapFS[name] = &fstest.MapFile{Data: []byte(body), ModTime: time.Now()}
}

func TestChangedRulesAreInForceWithinASecondIfTheyAreSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := disk{fstest.MapFS{}}
		d.write("model.conf", flat)
		d.write("policy.csv", "p, root, *, produce\n")
		r := must(access.New(access.Config{
			ModelFile: "model.conf", PolicyFile: "policy.csv", FS: d,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}))
		expect := func(root, bob bool, failures int) {
			t.Helper()
			time.Sleep(time.Second) // virtual
			if got := r.Authorize("root", "*", "produce") == nil; got != root {
				t.Errorf("root is allowed: %v", got)
			}
			if got := r.Authorize("bob", "*", "produce") == nil; got != bob {
				t.Errorf("bob is allowed: %v", got)
			}
			if got := strings.Count(log.String(), "level=ERROR"); got != failures {
				t.Errorf("%d failures were told, want %d:\n%s", got, failures, &log)
			}
		}
		expect(true, false, 0)
		d.write("policy.csv", "p, bob, *, produce\np, ro")
		expect(true, false, 1)
		if !strings.Contains(log.String(), "policy.csv:2: ") {
			t.Errorf("the line is not told:\n%s", &log)
		}
		d.write("policy.csv", "p, bob, *, produce\n")
		expect(false, true, 1)
		d.write("model.conf", denying)
		expect(false, true, 2)
		d.write("policy.csv", "p, root, *, produce, allow\n")
		expect(true, false, 2)
		delete(d.MapFS, "model.conf")
		expect(true, false, 3)
	})
}

func TestAMissingFileIsSaid(t *testing.T) {
	_, err := access.New(access.Config{ModelFile: "model.conf", FS: disk{fstest.MapFS{}}})
	if err == nil || !strings.Contains(err.Error(), "model.conf") {
		t.Error(err)
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	r := must(access.New(access.Config{}))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 300 { // more subjects than are remembered
				if r.Authorize(fmt.Sprintf("nobody%d-%d", i, j), "*", "produce") == nil {
					t.Error("nobody may produce")
				}
				if err := r.Authorize("root", "*", "produce"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkAuthorize(b *testing.B) {
	r := must(access.New(access.Config{}))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := r.Authorize("root", "*", "produce"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func FuzzNew(f *testing.F) {
	f.Add([]byte(flat), []byte("p, root, *, produce\n"), "root", "produce")
	f.Add([]byte(denying), []byte("p, *, *, consume, deny\n"), "root", "consume")
	f.Add(access.DefaultModel, access.DefaultPolicy, "peer", "replicate")
	f.Add([]byte(strings.Replace(flat, "r.sub ==", "regexMatch(r.sub, p.sub) && r.obj ==", 1)),
		[]byte("p, (, *, produce"), "a", "b")
	f.Add([]byte(strings.Replace(flat, "r.sub ==", strings.Repeat("(", 3000)+"r.sub ==", 1)), []byte{}, "a", "b")
	f.Fuzz(func(t *testing.T, model, policy []byte, subject, action string) {
		r, err := access.New(access.Config{Model: model, Policy: policy})
		if err != nil {
			if strings.Contains(err.Error(), "goroutine") {
				t.Errorf("a stack in an error: %v", err)
			}
			return
		}
		first := r.Authorize(subject, "*", action)
		if again := r.Authorize(subject, "*", action); (first == nil) != (again == nil) {
			t.Errorf("first %v, then %v", first, again)
		}
	})
}
