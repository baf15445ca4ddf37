// The clients' own integration suites, run against a stand-in.

package kafka_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// whole asks for the whole of each suite; without it, CI's few minutes are
// spent on the part that asks most of a cluster.
var whole = os.Getenv("REHEARSE_SUITES") == "whole"

// A suite is the tests of somebody else's packages.
type suite struct {
	packages []string
	env      []string
	run      string            // the tests that are run; all if ""
	args     []string          // further arguments of go test
	known    map[string]string // tests that fail, and why that is not ours to mend
}

// outcomes are what became of a suite's tests, those at the top only.
type outcomes struct {
	passed, failed, skipped []string
	output                  map[string]string // of those that failed
}

func (o outcomes) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", len(o.passed), len(o.failed), len(o.skipped))
}

// runSuite runs a suite and fails the test for each of its failures that is
// not known, and for each known one that passes.
func runSuite(t *testing.T, s suite) outcomes {
	t.Helper()
	args := []string{"test", "-json", "-count=1", "-timeout=15m", "-vet=off"}
	if s.run != "" {
		args = append(args, "-run", s.run)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(append(args, s.args...), s.packages...)...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	o := readOutcomes(t, out)
	err = cmd.Wait() // fails if a test fails, which is judged below
	t.Logf("%s: %v", strings.Join(s.packages, " "), o)
	if len(o.passed) == 0 {
		t.Fatalf("nothing passed: %v\n%s", err, o.output[""])
	}
	for _, name := range o.failed {
		if s.known[name] == "" {
			t.Errorf("%s failed:\n%s", name, o.output[name])
		} else {
			t.Logf("%s failed, as is known: %s", name, s.known[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		if slices.Contains(o.passed, name) {
			t.Logf("%s passed, though it is known to fail: %s", name, s.known[name])
		}
	}
	return o
}

// readOutcomes reads what go test -json says.
func readOutcomes(t *testing.T, from io.Reader) outcomes {
	t.Helper()
	o := outcomes{output: map[string]string{}}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		must(t, json.Unmarshal(lines.Bytes(), &e))
		top, _, within := strings.Cut(e.Test, "/")
		switch e.Action {
		case "output":
			if len(o.output[top]) < 100_000 {
				o.output[top] += e.Output
			}
		case "pass", "fail", "skip":
			if within || top == "" {
				continue
			}
			o.add(e.Action, top)
		}
	}
	must(t, lines.Err())
	return o
}

func (o *outcomes) add(action, test string) {
	switch action {
	case "pass":
		o.passed = append(o.passed, test)
	case "fail":
		o.failed = append(o.failed, test)
	case "skip":
		o.skipped = append(o.skipped, test)
	}
}

// suiteCluster is what franz-go's suite wants of a cluster.
func suiteCluster(t *testing.T) *kafkatest.Cluster {
	return start(t, kafkatest.Config{
		Brokers:  3,
		Settings: map[string]string{"group.consumer.heartbeat.interval.ms": "1000", "group.consumer.min.heartbeat.interval.ms": "1000"},
		Users:    []kafkatest.User{{Name: "alice", Password: "secret"}},
		Listeners: []kafkatest.Listener{
			{}, {Mechanisms: mechanisms},
		},
	})
}

// shareGroups are the tests of KIP-932, which is not served.
const shareGroups = "^TestShare|^TestGroupShare"

func TestFranzGosOwnSuite(t *testing.T) {
	c := suiteCluster(t)
	s := suite{
		packages: []string{"github.com/twmb/franz-go/pkg/kgo"},
		args:     []string{"-skip", shareGroups},
		env: []string{
			"KGO_SEEDS=" + strings.Join(c.Addrs(), ","), "KGO_TEST_RF=3", "KGO_LOG_LEVEL=none",
			"KGO_TEST_SCRAM=alice:secret", "KGO_TEST_SCRAM_SEEDS=" + strings.Join(ways(c, "SASL_PLAINTEXT"), ","),
		},
	}
	if !whole {
		s.env = append(s.env, "KGO_TEST_RECORDS=20000", "KGO_TEST_MAX_TOPIC_PARTS=6")
	}
	runSuite(t, s)
}

// kafka-go's suite has its addresses built in, so it is run in a network
// namespace of its own, by this test binary run again.
func TestKafkaGosOwnSuite(t *testing.T) {
	s := suite{
		packages: []string{
			"github.com/segmentio/kafka-go", "github.com/segmentio/kafka-go/sasl", "github.com/segmentio/kafka-go/topics",
		},
		env:   []string{"KAFKA_SKIP_NETTEST=1", "KAFKA_VERSION=3.7.0"},
		args:  []string{"-p=1"},
		known: map[string]string{},
	}
	if !inOwnNetwork() {
		again(t)
		return
	}
	raiseLoopback(t)
	start(t, kafkatest.Config{
		FirstID: 1,
		Settings: map[string]string{
			"message.max.bytes": "200000000", "socket.request.max.bytes": "300000000",
			"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"allow.everyone.if.no.acl.found": "true",
		},
		Users: []kafkatest.User{{Name: "adminplain", Password: "admin-secret"}},
		Listeners: []kafkatest.Listener{
			{Bind: "127.0.0.1:9092", Advertise: "localhost"},
			{Bind: "127.0.0.1:9093", Advertise: "localhost", Mechanisms: mechanisms},
		},
	})
	runSuite(t, s)
}

// again runs this test alone once more, in a network namespace of its own.
func again(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), ownNetwork+"=1")
	isolate(cmd)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("in a network of its own: %v", err)
	}
}

// ownNetwork is set in the environment of a test that runs in a network
// namespace of its own.
const ownNetwork = "REHEARSE_OWN_NETWORK"

func inOwnNetwork() bool { return os.Getenv(ownNetwork) != "" }
