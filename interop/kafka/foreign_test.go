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

	"github.com/rehearse-go/rehearse/kafkatest"
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

// A way is how a program is told to come in.
type way struct {
	listener  string
	protocol  string
	mechanism string
}

// waysIn are those that every client below knows.
var waysIn = map[string]way{
	"plain":                  {"PLAINTEXT", "PLAINTEXT", ""},
	"TLS":                    {"SSL", "SSL", ""},
	"mutual TLS":             {"MTLS", "SSL", ""},
	"PLAIN":                  {"SASL_PLAINTEXT", "SASL_PLAINTEXT", "PLAIN"},
	"SCRAM-SHA-256":          {"SASL_PLAINTEXT", "SASL_PLAINTEXT", "SCRAM-SHA-256"},
	"SCRAM-SHA-512":          {"SASL_PLAINTEXT", "SASL_PLAINTEXT", "SCRAM-SHA-512"},
	"SCRAM-SHA-512 over TLS": {"SASL_SSL", "SASL_SSL", "SCRAM-SHA-512"},
}

// environment tells a script all it needs to come in.
func (w way) environment(c *kafkatest.Cluster, p *pki) []string {
	return []string{
		"BOOTSTRAP=" + strings.Join(ways(c, w.listener), ","), "PROTOCOL=" + w.protocol, "MECHANISM=" + w.mechanism,
		"USERNAME=alice", "PASSWORD=secret", "CA=" + p.ca, "CERT=" + p.cert, "KEY=" + p.key,
	}
}

// everyScenario runs a script once for each scenario and once for each way in.
// The script is told the scenario as its argument, and fails if anything is not
// as it should be.
func everyScenario(t *testing.T, p program, scenarios ...string) {
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			c := start(t, kafkatest.Config{Brokers: 3, SuperUsers: []string{"User:ANONYMOUS"}})
			p := p
			p.env = []string{"BOOTSTRAP=" + strings.Join(c.Addrs(), ","), "PROTOCOL=PLAINTEXT", "MECHANISM="}
			p.output(t, scenario)
		})
	}
	t.Run("ways in", func(t *testing.T) {
		t.Parallel()
		keys := newPKI(t)
		c := guarded(t, keys, kafkatest.Config{Brokers: 3})
		for name, w := range waysIn {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := p
				p.env = w.environment(c, keys)
				p.output(t, "produce")
			})
		}
	})
}
