// Tests of rehearse record, and of what replays from it.

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestWhatIsRecordedIsReplayed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "pay.journal")
	r := record(t, serveEcho(t, echo{adds: "!"}), file, "--initial", write(t, t.TempDir(), "i", "seed 7"))
	cc := dialGRPC(t, r.property("address"), nil)
	live := []string{ask(t, cc, "one"), ask(t, cc, "fail"), ask(t, cc, "two")}
	r.end()
	r.says("recorded 3 calls into " + file)
	if text := readText(t, file); !strings.Contains(text, `initial "seed 7"`) || !strings.Contains(text, "cost=2") {
		t.Errorf("the recording is %s", text)
	}

	r = replay(t, file)
	cc = dialGRPC(t, r.property("address"), nil)
	for i, text := range []string{"one", "fail", "two"} {
		if got := ask(t, cc, text); got != live[i] {
			t.Errorf("%s is answered by %q, want %q", text, got, live[i])
		}
	}
	r.end()
	r.says("answered 3 calls from " + file)
}

func TestSecretsAreNotRecorded(t *testing.T) {
	const secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
	file := filepath.Join(t.TempDir(), "pay.journal")
	r := record(t, serveEcho(t, echo{}), file, "--redact-header", "x-shop", "--redact-allow", "x-shop,authorization")
	cc := dialGRPC(t, r.property("address"), nil)
	ask(t, cc, "mine is "+secret, "authorization", "Bearer 1234", "x-shop", "hidden", "x-other", "away")
	r.end()
	text := readText(t, file)
	for _, s := range []string{secret, "Bearer 1234", "hidden", "away"} {
		if strings.Contains(text, s) {
			t.Errorf("%s is in %s", s, text)
		}
	}
	if code, out, said := command(t, "trace", "scan", file); code != exitDone {
		t.Errorf("a scan ends with %d: %s%s", code, out, said)
	}
}

func TestTheModes(t *testing.T) {
	file := recorded(t, "one", "two")
	before := readText(t, file)
	old, changed := serveEcho(t, echo{}), serveEcho(t, echo{adds: "!"})
	for _, c := range []struct {
		mode, to string
		asked    []string
		answers  []string
		code     int
		says     string
	}{
		{"none", changed, []string{"two", "three"}, []string{"two", "FailedPrecondition"}, exitDifferent,
			"1 call had no answer in the recording"},
		{"once", changed, []string{"one"}, []string{"one"}, exitDone, "answered 1 call"},
		{"spy", changed, []string{"two", "three"}, []string{"two", "three!"}, exitDone, "is left as it was"},
		{"verify", old, []string{"one", "two"}, []string{"one", "two"}, exitDone, "answered 2 calls as recorded"},
		{"verify", changed, []string{"one", "two"}, []string{"one!", "two!"}, exitDifferent,
			`recorded nothing, now "!"`},
		{"all", changed, nil, nil, exitDone, "nothing was called: " + file + " is left as it was"},
	} {
		r := record(t, c.to, file, "--mode", c.mode)
		cc := dialGRPC(t, r.property("address"), nil)
		for i, text := range c.asked {
			if got := ask(t, cc, text); !strings.HasPrefix(got, c.answers[i]) {
				t.Errorf("%s: %s is answered by %q, want %q", c.mode, text, got, c.answers[i])
			}
		}
		r.endWith(c.code)
		r.says(c.says)
		if readText(t, file) != before {
			t.Errorf("%s changed the file", c.mode)
		}
	}
	r := record(t, changed, file, "--mode", "new")
	cc := dialGRPC(t, r.property("address"), nil)
	if got := ask(t, cc, "one") + ask(t, cc, "three"); got != "onethree!" {
		t.Errorf("new: %s", got)
	}
	r.end()
	r.says("added what was new: " + file + " has 3 calls")
}

func TestEachFormIsWrittenAndReplayed(t *testing.T) {
	for _, c := range []struct{ name, form, begins string }{
		{"a.journal", "", "rehearse grpc recording 1\n"},
		{"a.bin", "", "rehearse tape"}, {"a.bin.gz", "", "rehearse tape"},
		{"a.replay", "", "RPCReplay"}, {"b.journal", "compressed", "rehearse tape"},
		{"b.bin", "text", "rehearse grpc recording 1\n"},
	} {
		file := filepath.Join(t.TempDir(), c.name)
		var args []string
		if c.form != "" {
			args = []string{"--form", c.form}
		}
		r := record(t, serveEcho(t, echo{}), file, args...)
		ask(t, dialGRPC(t, r.property("address"), nil), "one")
		r.end()
		if text := readText(t, file); !strings.HasPrefix(text, c.begins) {
			t.Errorf("%s begins with %.20q", c.name, text)
		}
		r = replay(t, file)
		if got := ask(t, dialGRPC(t, r.property("address"), nil), "one"); got != "one" {
			t.Errorf("%s answers %q", c.name, got)
		}
		r.end()
	}
}

func TestTypesComeFromDescriptorsAndProtoFiles(t *testing.T) {
	dir := files(t, map[string]string{
		"pay/v1/pay.proto": `syntax = "proto3"; package pay.v1; import "pay/v1/types.proto";
			service Pay { rpc Get(Req) returns (Req); }`,
		"pay/v1/types.proto": `syntax = "proto3"; package pay.v1; message Req { string account = 1; }`,
		"alone/alone.proto": `syntax = "proto3"; package pay.v1;
			service Pay { rpc Get(R) returns (R); } message R { string n = 1; }`,
		"bad.proto": `syntax = "proto3"; message {`,
	})
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, ss grpc.ServerStream) error {
		m := new(wrapperspb.StringValue)
		if err := ss.RecvMsg(m); err != nil {
			return err
		}
		return ss.SendMsg(m)
	}))
	to := serveGRPC(t, s)
	file := filepath.Join(dir, "pay.journal")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "→ text `\\n\\x0242`"},
		{[]string{"--proto", "pay/v1/pay.proto", "-I", dir}, `→ {"account": "42"}`},
		{[]string{"--proto", dir + "/pay/v1/pay.proto", "--include", dir}, `→ {"account": "42"}`},
		{[]string{"--proto", dir + "/alone/alone.proto"}, `→ {"n": "42"}`},
	} {
		r := record(t, to, file, c.args...)
		m := wrapperspb.String("42")
		if err := dialGRPC(t, r.property("address"), nil).Invoke(t.Context(), "/pay.v1.Pay/Get", m, m); err != nil {
			t.Fatal(err)
		}
		r.end()
		if text := readText(t, file); len(c.args) > 0 && !strings.Contains(text, c.want) {
			t.Errorf("%v: the recording is %s, want ...%s...", c.args, text, c.want)
		}
		note := "note: the types of pay.v1.Pay/Get are not known"
		if noted := strings.Contains(r.said.String(), note); noted != (c.args == nil) {
			t.Errorf("%v: it says %s", c.args, &r.said)
		}
	}
	refused(t, "bad.proto:1:", "record", "--to", to, "-o", file, "--proto", dir+"/bad.proto")
	refused(t, "name the roots of imports by -I", "record", "--to", to, "-o", file, "--proto", dir+"/pay/v1/pay.proto")
	refused(t, "no set of file descriptors", "record", "--to", to, "-o", file, "--descriptors", dir+"/bad.proto")
	refused(t, "--include . says where", "record", "--to", to, "-o", file, "-I", ".")
}

func TestRecordRefusesWhatWillNotDo(t *testing.T) {
	dir := t.TempDir()
	taken := freeListener(t)
	defer taken.Close()
	good := []string{"record", "--to", "127.0.0.1:1", "-o", filepath.Join(dir, "a.journal")}
	hostile := write(t, dir, "hostile.journal", "rehearse grpc recording 99\n")
	for _, c := range []struct {
		args []string
		why  string
	}{
		{[]string{"record"}, "Give --to HOST:PORT"},
		{[]string{"record", "--to", "a:1"}, "Give -o FILE"},
		{[]string{"record", "--to", "https://a:1", "-o", "x"}, "without https://"},
		{[]string{"record", "--to", "localhost", "-o", "x"}, "--to localhost: want HOST:PORT"},
		{[]string{"record", "--to", "a:1", "-o", dir}, "it is a directory"},
		{append(good, "--mode", "sometimes"), "want all, new, once, none, verify or spy"},
		{append(good, "--mode", "none"), "a.journal: no such file or directory: record it first, by --mode all"},
		{append(good, "--mode", "verify"), "a.journal: no such file or directory: record it first, by --mode all"},
		{append(good, "--listen", "127.0.0.1"), "want HOST:PORT"},
		{append(good, "--listen", ":0"), "--allow-remote"},
		{append(good, "--listen", taken.Addr().String()), "is taken: stop what listens there, or choose another port"},
		{append(good, "--cert", "c.pem"), "--cert and --key belong together"},
		{append(good, "--ca", "none.pem"), "--ca: none.pem: no such file"},
		{append(good, "--tls=false", "--ca", "none.pem"), "do not go together"},
		{append(good, "--ca", "c.pem", "--insecure-skip-verify"), "take one of them"},
		{append(good, "--listen-key", "k.pem"), "--listen-cert and --listen-key belong together"},
		{append(good, "--listen-client-ca", "k.pem"), "must meet one too"},
		{append(good, "--redact-token", "("), "error parsing regexp"},
		{append(good, "--ignore", "a..b"), "--ignore: path"},
		{append(good, "--limit-message", "many"), "want one such as 500KiB"},
		{append(good, "--initial", "none"), "--initial none: no such file"},
		{append(good, "--config", "none.yaml"), "none.yaml: no such file"},
		{append(good, "extra"), `unknown command "extra"`},
		{[]string{"record", "--to", "a:1", "-o", hostile, "--mode", "once"}, "hostile.journal: line 1"},
	} {
		refused(t, c.why, c.args...)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFileSaysWhatFlagsDoNot(t *testing.T) {
	dir := t.TempDir()
	to := serveEcho(t, echo{})
	file := filepath.Join(dir, "a.journal")
	config := write(t, dir, "record.yaml", "to: "+to+"\noutput: nowhere.journal\nmatch: {metadata: tenant}\n"+
		"redact: {headers: [x-shop]}\nlimits: {file: 1MiB}\n"+
		"rules:\n  - /grpc.testing.TestService/* nth=2: error ABORTED\n")
	r := start(t, "# Ctrl-C", "record", "-c", config, "-o", file)
	cc := dialGRPC(t, r.property("address"), nil)
	if got := ask(t, cc, "one") + ask(t, cc, "two"); got != "oneAborted by a rule" {
		t.Errorf("answers: %s", got)
	}
	r.end()
	for _, want := range []string{"match metadata tenant", "x-shop"} {
		if text := readText(t, file); !strings.Contains(text, want) {
			t.Errorf("the recording has no %s: %s", want, text)
		}
	}
	bad := write(t, dir, "bad.yaml", "too: a\nmode: some\nlimits: {file: x}\nrules: [nothing]\n")
	code, _, said := command(t, "record", "-c", bad)
	for _, want := range []string{`bad.yaml:1:1: unknown key "too"`, ":2:7:", ":3:16:", ":4:9: rule"} {
		if code != exitUsage || !strings.Contains(said, want) {
			t.Errorf("exit code %d: %s, want ...%s...", code, said, want)
		}
	}
}

func TestAServiceThatIsNotThereYetIsWaitedFor(t *testing.T) {
	l := freeListener(t)
	to := l.Addr().String()
	l.Close()
	file := filepath.Join(t.TempDir(), "a.journal")
	r := record(t, to, file)
	got := ask(t, dialGRPC(t, r.property("address"), nil), "one")
	r.end()
	r.says("note: --to " + to + " does not answer yet")
	if !strings.HasPrefix(got, "Unavailable") {
		t.Errorf("the answer is %s", got)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestAMessageThatIsTooLargeFailsTheRecordingAndKeepsTheOldOne(t *testing.T) {
	file := recorded(t, "one")
	before := readText(t, file)
	r := record(t, serveEcho(t, echo{}), file, "--limit-message", "20B")
	if got := ask(t, dialGRPC(t, r.property("address"), nil), strings.Repeat("x", 100)); len(got) != 100 {
		t.Errorf("the answer is %s", got)
	}
	r.endWith(exitUsage)
	r.says("bytes, more than 20: give --limit-message")
	if readText(t, file) != before {
		t.Error("the old recording is gone")
	}
}

func TestWhatWasMadeUnderWayIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.journal")
	r := record(t, serveEcho(t, echo{}), file)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pingPong(t, ctx, dialGRPC(t, r.property("address"), nil))
	r.end()
	_, out, _ := command(t, "trace", "show", file)
	if !strings.Contains(out, "# in flight at its end 1 call") {
		t.Errorf("it shows %s", out)
	}
}
