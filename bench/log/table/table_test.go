// Tables from benchmarks' output.

package main

import (
	"errors"
	"strings"
	"testing"
)

const output = `goos: linux
cpu: A Processor
load: 0.10 before round 1
BenchmarkReplicated/1_KiB_from_64/JetStream-2 	 100	 20 MB/s	 4000000 p50-ns	 19000000 p99-ns	 20000000 p99.9-ns	 16202 records/s
BenchmarkReplicated/1_KiB_from_64/ours-2 	 100	 60 MB/s	 900100 p50-ns	 2000000 p99-ns	 20000000 p99.9-ns	 60000 records/s
BenchmarkReplicated/64_KiB_from_1/ours-2 	 100	 60 MB/s	 900100 p50-ns	 2000000 p99-ns	 20000000 p99.9-ns	 900 records/s
PASS
BenchmarkReplicated/1_KiB_from_64/ours-2 	 100	 60 MB/s	 900100 p50-ns	 4000000 p99-ns	 20000000 p99.9-ns	 66000 records/s
BenchmarkReplicated/1_KiB_from_64/ours-8 	 100	 60 MB/s	 900100 p50-ns	 4000000 p99-ns	 20000000 p99.9-ns	 70000 records/s
BenchmarkCatchUp/1_KiB/ours-2 	 1	 900000000 ns/op	 200 MB/s
`

func TestSubjectsStandSideBySide(t *testing.T) {
	m, err := read(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	got := m.print()
	for _, want := range []string{
		"goos: linux, cpu: A Processor, load: 0.10 before round 1\n",
		"|Replicated, GOMAXPROCS=2|JetStream|ours|\n|-|-:|-:|\n",
		"|1 KiB from 64|16,200 ±0 % (4 ms; 19 ms; 20 ms)|63,000 ±5 % (900 µs; 3 ms; 20 ms)|\n",
		"|64 KiB from 1||900 = 60 MB/s ±0 % (900 µs; 2 ms; 20 ms)|\n",
		"|Replicated, GOMAXPROCS=8|ours|\n",
		"|CatchUp, GOMAXPROCS=2|ours|\n|-|-:|\n|1 KiB|200 MB/s ±0 %|\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the tables lack %q:\n%s", want, got)
		}
	}
}

func TestInputWithoutBenchmarksIsAnError(t *testing.T) {
	if _, err := read(strings.NewReader("PASS\nok\n")); err == nil {
		t.Error("no error for an input without a benchmark")
	}
}

func TestAnUnreadableInputIsAnError(t *testing.T) {
	broken := errors.New("broken")
	if _, err := read(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("the error is %v; want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
