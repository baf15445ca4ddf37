// The clients' own integration suites, run against a stand-in.

package kafka_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A suite is the tests of somebody else's package.
type suite struct {
	pkg   string
	tags  string // with which it is built
	dir   string // where the package lies; filled in
	env   []string
	run   string            // the tests that are run; if "", all
	skip  string            // the tests that are not run
	alone bool              // each test is a run of its own, since some panic
	known map[string]string // tests that fail, and why that is not ours to mend
}

// outcomes are what became of a suite's tests, those at the top only.
type outcomes struct {
	mu                      sync.Mutex
	passed, failed, skipped []string
	output                  map[string]string
}

func (o *outcomes) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", len(o.passed), len(o.failed), len(o.skipped))
}

// runSuite runs a suite and fails the test for each of its failures that is
// not known, and for each that is known and does not fail any more.
func runSuite(t *testing.T, s suite) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "suite.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-tags="+s.tags, "-o", binary, s.pkg)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", s.pkg, err, out)
	}
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", s.pkg).Output()
	must(t, err)
	s.dir = strings.TrimSpace(string(dir))
	o := &outcomes{output: map[string]string{}}
	if s.alone {
		s.runEach(t, binary, o)
	} else {
		s.runTests(t, binary, s.run, o)
	}
	t.Logf("%s: %v", s.pkg, o)
	if len(o.passed) == 0 {
		t.Errorf("nothing passed:\n%s", o.output[""])
	}
	for _, name := range o.failed {
		if s.known[name] == "" {
			t.Errorf("%s failed:\n%s", name, o.output[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		if slices.Contains(o.passed, name) {
			t.Errorf("%s passed, though it is known to fail: %s", name, s.known[name])
		}
	}
}

// atOnce is how many tests of a suite are run at the same time, where each is
// a run of its own: they wait most of the time.
const atOnce = 6

// runEach runs every test of a suite by itself.
func (s suite) runEach(t *testing.T, binary string, o *outcomes) {
	t.Helper()
	list, err := s.command(t, binary, "-test.list=^Test").Output()
	must(t, err)
	turns := make(chan bool, atOnce)
	var running sync.WaitGroup
	for _, name := range strings.Fields(string(list)) {
		turns <- true
		running.Go(func() {
			s.runTests(t, binary, "^"+name+"$", o)
			<-turns
		})
	}
	running.Wait()
}

// runTests runs the tests of a suite that have such a name.
func (s suite) runTests(t *testing.T, binary, pattern string, o *outcomes) {
	args := []string{"tool", "test2json", binary, "-test.v=test2json", "-test.timeout=10m", "-test.run=" + pattern}
	if s.skip != "" {
		args = append(args, "-test.skip="+s.skip)
	}
	out, err := s.command(t, "go", args...).CombinedOutput() // what fails is in the output
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Error(err)
	}
	o.read(out)
}

func (s suite) command(t *testing.T, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	return cmd
}

// read takes in what test2json says; other lines are complaints of the run.
func (o *outcomes) read(out []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range bytes.Lines(out) {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			o.output[""] += string(line)
			continue
		}
		top, _, within := strings.Cut(e.Test, "/")
		if e.Action == "output" && len(o.output[top]) < 100_000 {
			o.output[top] += e.Output
		}
		if !within && top != "" {
			o.add(e.Action, top)
		}
	}
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
		Brokers: 3,
		Settings: map[string]string{
			"group.consumer.heartbeat.interval.ms": "1000", "group.consumer.min.heartbeat.interval.ms": "1000",
		},
		Users: []kafkatest.User{{Name: "alice", Password: "secret"}},
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
		pkg:  "github.com/twmb/franz-go/pkg/kgo",
		skip: shareGroups,
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
	if !inOwnNetwork() {
		again(t)
		return
	}
	raiseLoopback(t)
	c := start(t, kafkatest.Config{
		FirstID: 1,
		Settings: map[string]string{
			"message.max.bytes": "200000000", "socket.request.max.bytes": "300000000",
			// Kafka's default; the suite makes topics while the first member waits.
			"group.initial.rebalance.delay.ms": "3000",
			"authorizer.class.name":            "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"allow.everyone.if.no.acl.found":   "true",
		},
		Users: []kafkatest.User{{Name: "adminplain", Password: "admin-secret"}},
		Listeners: []kafkatest.Listener{
			{Bind: "127.0.0.1:9092", Advertise: "localhost"},
			{Bind: "127.0.0.1:9093", Advertise: "localhost", Mechanisms: mechanisms},
		},
	})
	for mechanism, password := range map[kadm.ScramMechanism]string{
		kadm.ScramSha256: "admin-secret-256", kadm.ScramSha512: "admin-secret-512",
	} {
		user := kadm.UpsertSCRAM{User: "adminscram", Mechanism: mechanism, Iterations: 4096, Password: password}
		done, err := newKadm(t, c.Addrs()).AlterUserSCRAMs(soon(t), nil, []kadm.UpsertSCRAM{user})
		must(t, errors.Join(err, done.Error()))
	}
	for pkg, known := range kafkaGoSuites {
		runSuite(t, suite{
			pkg: pkg, alone: true, env: []string{"KAFKA_SKIP_NETTEST=1", "KAFKA_VERSION=3.7.0"}, known: known,
		})
	}
}

// kafkaGoSuites are kafka-go's packages that want a cluster, with the tests
// that fail and why.
var kafkaGoSuites = map[string]map[string]string{
	"github.com/segmentio/kafka-go": {
		"TestReaderConsumerGroup": "its getOffsets makes a ConsumerGroup that cannot connect, and panics",
	},
	"github.com/segmentio/kafka-go/sasl":   {},
	"github.com/segmentio/kafka-go/topics": {},
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
