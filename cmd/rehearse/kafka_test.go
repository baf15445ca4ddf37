// Tests of rehearse kafka: it runs, answers, tells how to reach it, and ends.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

// A running is a command that runs until it is stopped.
type running struct {
	t     *testing.T
	stop  context.CancelFunc
	ended chan int
	lines []string // of standard output, up to the one awaited
	said  bytes.Buffer
}

// start runs a command and waits for the line of its output that begins so.
func start(t *testing.T, begins string, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, stop: stop, ended: make(chan int, 1)}
	out, in := io.Pipe()
	go func() {
		code := run(ctx, args, streams{strings.NewReader(""), in, &r.said})
		in.Close()
		r.ended <- code
	}()
	text := bufio.NewScanner(out)
	for text.Scan() {
		r.lines = append(r.lines, text.Text())
		if strings.HasPrefix(text.Text(), begins) {
			go io.Copy(io.Discard, out)
			return r
		}
	}
	t.Fatalf("%v ended with %d: %s", args, <-r.ended, &r.said)
	return nil
}

// startKafkaCommand runs rehearse kafka on a free port.
func startKafkaCommand(t *testing.T, args ...string) *running {
	t.Helper()
	return start(t, "# Ctrl-C", append([]string{"kafka"}, args...)...)
}

// end stops the command, which must end well.
func (r *running) end() { r.t.Helper(); r.endWith(exitDone) }

// endWith stops the command, which must end with this exit code.
func (r *running) endWith(want int) {
	r.t.Helper()
	r.stop()
	if code := <-r.ended; code != want {
		r.t.Errorf("exit code %d, want %d: %s", code, want, &r.said)
	}
}

// property returns a client's setting as the command printed it.
func (r *running) property(name string) string {
	r.t.Helper()
	for _, line := range r.lines {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	r.t.Fatalf("no %s in %q", name, r.lines)
	return ""
}

// doctor examines an address and returns what is said, with the exit code.
func doctor(t *testing.T, address string, args ...string) (report doctorReport, code int) {
	t.Helper()
	var out, said bytes.Buffer
	args = append([]string{"doctor", "kafka", address, "--json", "--timeout", "20s"}, args...)
	code = run(t.Context(), args, streams{nil, &out, &said})
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s: %v: %s", args, &out, err, &said)
	}
	return report, code
}

func TestKafkaRunsUntilItIsStopped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kafka.journal")
	r := startKafkaCommand(t, "--listen", "127.0.0.1:0", "--brokers", "3", "--rack", "a,b,c", "--topic", "orders:3",
		"--topic", "clicks", "--journal", file, "--json", "-v", "--no-auto-create")
	first, _, _ := strings.Cut(r.property("bootstrap.servers"), ",")
	report, code := doctor(t, first)
	if code != exitDone || len(report.Brokers) != 3 || report.Topics != 2 || report.Brokers[2].Rack != "c" {
		t.Errorf("the doctor ends with %d and says %+v", code, report)
	}
	r.end()
	_, events, err := journal.Read(open(t, file))
	if err != nil || len(events) < 10 {
		t.Errorf("a journal of %d events: %v", len(events), err)
	}
	logs := r.said.String()
	for _, want := range []string{`"msg":"ready"`, `"msg":"connect"`, `"subject":"Metadata v`, `"msg":"stopping"`} {
		if !strings.Contains(logs, want) {
			t.Errorf("the log does not say %s: %s", want, logs)
		}
	}
}

func open(t *testing.T, name string) io.Reader {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(text)
}

func TestKafkaRunsAsEveryVersion(t *testing.T) {
	for _, version := range []string{"0.8.2", "0.9", "0.10.2", "0.11", "2.8", "4.0"} {
		startKafkaCommand(t, "--listen", "127.0.0.1:0", "--kafka-version", version).end()
	}
}

func TestKafkaTellsItsHealth(t *testing.T) {
	h, err := kafkaConfig{Health: "127.0.0.1:0"}.serveHealth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	for _, c := range []struct {
		path  string
		ready bool
		code  int
	}{
		{"/healthz", false, 200}, {"/readyz", false, 503}, {"/readyz", true, 200}, {"/", true, 404},
	} {
		h.ready.Store(c.ready)
		if w := get(h.handler(), http.MethodGet, c.path); w.Code != c.code {
			t.Errorf("%s, ready %v: %d, want %d", c.path, c.ready, w.Code, c.code)
		}
	}
}

func TestAPortThatIsTakenIsExplained(t *testing.T) {
	r := startKafkaCommand(t, "--listen", "127.0.0.1:0")
	defer r.end()
	address := r.property("bootstrap.servers")
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"kafka", "--listen", address}, streams{nil, &out, &said})
	want := address + " is taken: a Kafka broker answers there already"
	if code != exitUsage || !strings.Contains(said.String(), want) || !strings.Contains(said.String(), "--listen") {
		t.Errorf("exit code %d: %s", code, &said)
	}
}

func TestFlagsWinOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	text := "brokers: 2\nseed: 5\nlisteners: PLAINTEXT://127.0.0.1:1\ntopics: {a: 1, b:}\n" +
		"settings: {x: 1}\nusers: {u: p}\nauto-create: false\nlog: requests\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(envListeners, "PLAINTEXT://127.0.0.1:2")
	t.Setenv(envAdvertised, "PLAINTEXT://kafka:3")
	yes := true
	c, err := layered(file, kafkaConfig{Seed: 6, Topics: map[string]kafkaTopic{"b": {Partitions: 4}}, JSON: &yes})
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case c.Brokers != 2, c.Seed != 6, c.Listeners[0].Port != 2, len(c.Listeners) != 1, c.Advertise[0].Host != "kafka":
		t.Errorf("%+v", c)
	case c.Topics["a"].Partitions != 1, c.Topics["b"].Partitions != 4, c.Settings["x"] != "1", c.Users["u"] != "p":
		t.Errorf("%+v", c)
	case c.AutoCreate == nil, *c.AutoCreate, !isTrue(c.JSON), c.level() != logRequests:
		t.Errorf("%+v", c)
	}
}

func TestTopicsOfTheFileHaveTheirConfigs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	text := "listeners: [{host: 127.0.0.1}]\n" +
		"topics:\n  kept: {partitions: 2, configs: {cleanup.policy: compact}}\n  plain:\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readKafkaConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	config := c.cluster()
	if config.Topics["kept"] != 2 || config.Topics["plain"] != 1 ||
		config.TopicConfigs["kept"]["cleanup.policy"] != "compact" {
		t.Errorf("topics %v, configs %v", config.Topics, config.TopicConfigs)
	}
	startKafkaCommand(t, "--config", file).end()
}

func TestEachListenerHasWhatItsProtocolNeeds(t *testing.T) {
	for _, c := range []struct {
		listener kafkaListener
		config   kafkaConfig
		protocol protocol
	}{
		{kafkaListener{}, kafkaConfig{}, "PLAINTEXT"},
		{kafkaListener{}, kafkaConfig{TLS: kafkaTLS{SelfSigned: "d"}}, "SSL"},
		{kafkaListener{}, kafkaConfig{Users: map[string]string{"a": "b"}}, "SASL_PLAINTEXT"},
		{kafkaListener{}, kafkaConfig{Users: map[string]string{"a": "b"}, TLS: kafkaTLS{Cert: "c"}}, "SASL_SSL"},
		{kafkaListener{Name: "SSL"}, kafkaConfig{}, "SSL"},
		{kafkaListener{Name: "IN"}, kafkaConfig{Protocols: map[string]protocol{"IN": "SASL_SSL"}}, "SASL_SSL"},
	} {
		if p, err := c.config.protocolOf(c.listener); err != nil || p != c.protocol {
			t.Errorf("%+v: %s, %v, want %s", c.listener, p, err, c.protocol)
		}
	}
}

func TestWhatAShellWouldTakeApartIsQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"secret": "secret", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "/p/ca.pem": "/p/ca.pem",
	} {
		if got := shellQuoted(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
