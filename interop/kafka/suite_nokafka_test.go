// The suite of no-kafka, which speaks as clients did in the days of Kafka 0.9.

package kafka_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// The suite has its addresses built in, as kafka-go's.
func TestNoKafkasOwnSuite(t *testing.T) {
	node, dir := installed(t, "node"), filepath.Join("nokafka", "node_modules")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the packages of the directory nokafka are not installed: run npm ci --ignore-scripts there")
	}
	if !inOwnNetwork() {
		again(t)
		return
	}
	raiseLoopback(t)
	start(t, kafkatest.Config{
		Topics:   map[string]int{"kafka-test-topic": 3},
		Settings: map[string]string{"auto.create.topics.enable": "false"},
		Listeners: []kafkatest.Listener{
			{Bind: "127.0.0.1:9092"}, {Bind: "127.0.0.1:9093", TLS: newPKI(t).serverTLS(false)},
		},
	})
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("..", "mocha", "bin", "_mocha"),
		"--require", "test/globals", "--timeout", "20000", "--reporter", "json-stream", "test")
	cmd.Dir = filepath.Join(dir, "no-kafka")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	passed := mochaPasses(t, out)
	if err := cmd.Wait(); err != nil || passed == 0 {
		t.Errorf("%d passed: %v", passed, err)
	}
	t.Logf("no-kafka: %d passed", passed)
}

// mochaPasses reads the events of Mocha's reporter json-stream, among what the
// client logs, and returns how many tests passed. Each that fails is an error.
func mochaPasses(t *testing.T, from io.Reader) (passed int) {
	t.Helper()
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var kind string
		var about struct{ FullTitle, Err string }
		if json.Unmarshal(lines.Bytes(), &[]any{&kind, &about}) != nil {
			continue
		}
		switch kind {
		case "pass":
			passed++
		case "fail":
			t.Errorf("%s: %s", about.FullTitle, about.Err)
		}
	}
	must(t, lines.Err())
	return passed
}
