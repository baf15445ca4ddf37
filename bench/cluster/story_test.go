// One operation is one whole test of an example: a cluster from its start to its end.

package cluster_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// stories are the tests of examples that are measured, and what befalls their
// clusters.
var stories = []struct{ name, example, test string }{
	// Three nodes elect, write, part, fail over, heal, crash and start again.
	{"raft", "raft", "TestAListOutlivesItsLeader"},
	// Likewise three of raft, serf and gRPC with mutual TLS.
	{"agents", "agents", "TestTheLogOutlivesItsLeader"},
	// One server crashes three times.
	{"etcd", "etcd", "TestWhatWasPutOutlivesACrash"},
	// Twenty seeds, a minute each.
	{"sweep", "kv", "TestNoPutThatWasAcknowledgedIsLost"},
}

// BenchmarkCluster runs each story b.N times in one process of the example's
// test binary, so that the process's start is shared among them. In a bubble
// the minutes that a story takes are virtual; on loopback they are real.
func BenchmarkCluster(b *testing.B) {
	for _, s := range stories {
		binary := build(b, s.example)
		for _, mode := range []string{"bubble", "loopback"} {
			if mode == "loopback" && s.name == "sweep" {
				continue // it would take its twenty minutes
			}
			b.Run(s.name+"/"+mode, func(b *testing.B) {
				run := exec.CommandContext(b.Context(), binary,
					"-test.run=^"+s.test+"$", "-test.count="+strconv.Itoa(b.N), "-test.timeout=0")
				run.Dir = filepath.Dir(binary)
				run.Env = append(os.Environ(), "REHEARSE_MODE="+mode)
				if out, err := run.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			})
		}
	}
}

// build builds the test binary of an example.
func build(b *testing.B, example string) string {
	b.Helper()
	module, err := exec.CommandContext(b.Context(), "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		b.Fatal(err)
	}
	examples := filepath.Join(strings.TrimSpace(string(module)), "..", "examples")
	binary := filepath.Join(b.TempDir(), example+".test")
	compile := exec.CommandContext(b.Context(), "go", "test", "-C", examples, "-c", "-o", binary, "./"+example)
	if out, err := compile.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return binary
}
