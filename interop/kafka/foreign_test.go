// Clients that are programs of their own: what each is given, and how it is run.

package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program is a client that is run, not linked.
type program struct {
	path  string
	args  []string // before those of a run
	env   []string // besides those of the test
	stdin string
}

// installed finds a program, or skips the test where there is none.
func installed(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// python finds a Python that has a package, or skips the test.
func python(t testing.TB, module string) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import "+module).Run() == nil {
			return name
		}
	}
	t.Skipf("no python3 has the package %s", module)
	return ""
}

// node finds Node.js and the packages it is to run, or skips the test.
func node(t testing.TB) string {
	t.Helper()
	path := installed(t, "node")
	if _, err := os.Stat(filepath.Join("node", "node_modules", "kafkajs")); err != nil {
		t.Skip("the packages of the directory node are not installed: run npm ci there")
	}
	return path
}

// output runs the program and returns what it printed. It fails the test if
// the program fails.
func (p program) output(t testing.TB, args ...string) string {
	t.Helper()
	out, err := p.run(t, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(p.path), strings.Join(args, " "), err, out)
	}
	return out
}

func (p program) run(t testing.TB, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, append(append([]string{}, p.args...), args...)...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdin = strings.NewReader(p.stdin)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	if err != nil {
		err = errors.Join(err, ctx.Err(), errors.New(complaints.String()))
	}
	return out.String(), err
}

// A way is how a program comes in.
type way struct {
	name, protocol, mechanism string
	mutual                    bool
}

// waysIn are those that every client below knows.
var waysIn = []way{
	{"plain", "PLAINTEXT", "", false},
	{"TLS", "SSL", "", false},
	{"mutual TLS", "SSL", "", true},
	{"PLAIN", "SASL_PLAINTEXT", "PLAIN", false},
	{"SCRAM-SHA-256", "SASL_PLAINTEXT", "SCRAM-SHA-256", false},
	{"SCRAM-SHA-512", "SASL_PLAINTEXT", "SCRAM-SHA-512", false},
	{"SCRAM-SHA-512 over TLS", "SASL_SSL", "SCRAM-SHA-512", false},
}

// flags have rehearse kafka open such a way.
func (w way) flags(p *pki) []string {
	args := []string{"--listen", w.protocol + "://127.0.0.1:0"}
	if strings.Contains(w.protocol, "SSL") {
		args = append(args, "--tls-cert", p.serverCert, "--tls-key", p.serverKey)
	}
	if w.mutual {
		args = append(args, "--tls-ca", p.ca)
	}
	if w.mechanism != "" {
		args = append(args, "--user", "alice:secret")
	}
	return args
}

// environment tells a script all it needs to come in.
func (w way) environment(addrs []string, p *pki) []string {
	return []string{
		"BOOTSTRAP=" + strings.Join(addrs, ","), "PROTOCOL=" + w.protocol, "MECHANISM=" + w.mechanism,
		"USERNAME=alice", "PASSWORD=secret", "CA=" + p.ca, "CERT=" + p.cert, "KEY=" + p.key,
	}
}

// everyScenario runs a script once for each scenario and once for each way in,
// each against a cluster of its own. The script is told the scenario as its
// argument, and fails if anything is not as it should be.
func everyScenario(t *testing.T, p program, scenarios ...string) {
	keys := newPKI(t)
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			p := p
			p.env = waysIn[0].environment(run(t, "--super-user", "User:ANONYMOUS"), keys)
			p.output(t, scenario)
		})
	}
	for _, w := range waysIn {
		t.Run("comes in by "+w.name, func(t *testing.T) {
			t.Parallel()
			p := p
			p.env = w.environment(run(t, w.flags(keys)...), keys)
			p.output(t, "produce")
		})
	}
}
