// Medians, ratios and verdicts from benchmarks' output.

package main

import (
	"errors"
	"strings"
	"testing"
)

const output = `goos: linux
cpu: A Processor
BenchmarkStream/copied_twice-2 	 100	 2846 ns/op	23025.17 MB/s
BenchmarkStream/loopback-2 	 100	 22795 ns/op	2800 MB/s
BenchmarkStream/vnet-2 	 100	 22795 ns/op	28000 MB/s	 0 B/op	 0 allocs/op
PASS
goos: linux
cpu: A Processor
BenchmarkStream/loopback-2 	 100	 22795 ns/op	3200 MB/s
BenchmarkStream/vnet-2 	 100	 22795 ns/op	38400 MB/s
BenchmarkLatency/vnet/bubble-2  	 6	 1300000 events/s
BenchmarkLatency/vnet/bubble-2  	 6	 1100000 events/s
BenchmarkLatency/vnet/bubble-2  	 6	 1400000 events/s
BenchmarkIdle/10000/loopback-2  	 6	 500.0 B/pair
BenchmarkIdle/10000/vnet-2  	 6	 751.0 B/pair
BenchmarkStep/rest_alone/bubble-2  	 6	 450.4 ns/op
BenchmarkStep/vnet+journal/bubble  	 6	 2950.4 ns/op
BenchmarkGRPCRecord/0_B/plain-2  	 6	 40000 ns/op
BenchmarkGRPCRecord/0_B/rpcreplay-2  	 6	 44000 ns/op
BenchmarkGRPCRecord/0_B/grpcreplay-2  	 6	 42000 ns/op
BenchmarkGRPCReplay/100_in_order/rpcreplay-2  	 6	 6000 ns/op
BenchmarkGRPCReplay/100_in_order/grpcreplay-2  	 6	 1500 ns/op
BenchmarkGRPCReplay/100_identical/grpcreplay-2  	 6	 2500 ns/op
BenchmarkKafkaLife/TCP/kfake-2  	 6	 3000000 ns/op
BenchmarkKafkaLife/TCP/kafkatest-2  	 6	 2400000 ns/op
BenchmarkKafkaProduce/memory,_100_B/kfake-2  	 6	 3000000 records/s
BenchmarkKafkaProduce/memory,_100_B/kafkatest-2  	 6	 3300000 records/s
BenchmarkKafkaTrips/Metadata_v1,_1_connection/MockBroker-2  	 6	 40000 trips/s
BenchmarkKafkaTrips/Metadata_v1,_1_connection/kfake-2  	 6	 50000 trips/s
BenchmarkKafkaTrips/Metadata_v1,_1_connection/kafkatest-2  	 6	 70000 trips/s
BenchmarkKafkaTrips/Metadata_v1,_4_connections/kafkatest-2  	 6	 77000 trips/s
`

func TestTheTableHasMediansAndRatios(t *testing.T) {
	got := table(t, output)
	for _, want := range []string{
		"goos: linux, cpu: A Processor\n",
		"|Stream|MB/s|±|× loopback|",
		"|copied twice|23,000|0 %|7.68|",
		"|loopback|3,000|7 %|1.00|",
		"|vnet|33,200|16 %|11.1|",
		"|10000/vnet|751|0 %|1.50|",
		"|0 B/grpcreplay|42,000|0 %|1.05|",
		"|100 in order/grpcreplay|1,500|0 %|0.25|",
		"|KafkaLife|ns/op|±|× kfake|",
		"|TCP/kafkatest|2,400,000|0 %|0.80|",
		"|Metadata v1, 1 connection/kafkatest|70,000|0 %|1.75|",
		"|Metadata v1, 4 connections/kafkatest|77,000|0 %||",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
}

func TestGoalsAreMetMissedOrNotMeasured(t *testing.T) {
	got := table(t, output)
	for _, want := range []string{
		"|stream throughput over loopback's|≥ 10 times|11|met|",
		"|an idle pair of 10,000|≤ 750 B|751|missed|",
		"|a journalled step, without the rest itself|≤ 5,000 ns|2,500|met|",
		"|round trips over loopback's|≥ 20 times|not measured||",
		"|events with latency, 50 pairs in a bubble|≥ 1,200,000 events/s|1,300,000|met in 2 of 3 rounds|",
		"|kafkatest over kfake, in the row where it leads least|≥ 1 times|1.1|met|",
		"|a round trip over MockBroker's, in the row where it leads least|≥ 1.5 times|1.75|met|",
		"|the same of a scripted broker|≥ 1.5 times|not measured||",
		"|trips on four connections over those on one, likewise|≥ 1 times|1.1|met|",
		"|a test's life on TCP|≤ 3,000,000 ns|2,400,000|met|",
		"|recording an empty call over a plain one|≤ 1.1 times|1.05|met|",
		"|a replayed call, in the row where it is slowest|≤ 2,000 ns|2,500|missed|",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the goals lack %q:\n%s", want, got)
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

func table(t *testing.T, input string) string {
	t.Helper()
	m, err := read(strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := m.print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
