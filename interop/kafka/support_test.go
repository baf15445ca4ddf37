// The support matrix: what is served, and which clients asked for it.

package kafka_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// matrixFile holds the matrix.
const matrixFile = "../../docs/kafka-support.md"

// update reports whether the matrix is to be written from what the clients of
// this run asked. vnettest defines the flag.
func update() bool { return flag.Lookup("rehearse.update").Value.String() == "true" }

// clients are the columns of the matrix, by client id.
var clients = []struct{ id, name string }{
	{"franz-go", "franz-go"}, {"sarama", "Sarama"}, {"kafka-go", "kafka-go"}, {"kcat", "kcat"},
	{"librdkafka", "librdkafka"}, {"kafka-python", "kafka-python"}, {"kafkajs", "kafkajs"},
	{"platformatic", "@platformatic/kafka"},
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	removeCommand()
	if code == 0 && update() {
		if err := writeMatrix(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// A served is one API with the versions that are served.
type served struct{ key, lowest, highest int16 }

// advertised asks a cluster what it serves.
func advertised(ctx context.Context) ([]served, error) {
	c, err := kafkatest.New(kafkatest.Config{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	r, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	var all []served
	for _, k := range r.ApiKeys {
		all = append(all, served{k.ApiKey, k.MinVersion, k.MaxVersion})
	}
	slices.SortFunc(all, func(a, b served) int { return cmp.Compare(a.key, b.key) })
	return all, nil
}

// row is the beginning of an API's line.
func (s served) row() string {
	return fmt.Sprintf("| %d | %s | %s |", s.key, kmsg.NameForKey(s.key), versions(s.lowest, s.highest))
}

func versions(lowest, highest int16) string {
	if lowest == highest {
		return fmt.Sprint(lowest)
	}
	return fmt.Sprintf("%d–%d", lowest, highest)
}

// writeMatrix writes what the clients of this run asked for.
func writeMatrix() error {
	all, err := advertised(context.Background())
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(matrixHead)
	b.WriteString("| Key | API | Served |")
	for _, c := range clients {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	b.WriteString("\n| --- | --- | --- |" + strings.Repeat(" --- |", len(clients)) + "\n")
	for _, s := range all {
		b.WriteString(s.row())
		for _, c := range clients {
			fmt.Fprintf(&b, " %s |", askedBy(c.id, s.key))
		}
		b.WriteString("\n")
	}
	return os.WriteFile(matrixFile, []byte(b.String()), 0o644)
}

// askedBy is the versions of an API that a client asked for, in this run.
func askedBy(client string, key int16) string {
	used.Lock()
	defer used.Unlock()
	var asked []int16
	for _, u := range slices.Collect(maps.Keys(used.asked)) {
		if u.client == client && u.key == key {
			asked = append(asked, u.version)
		}
	}
	slices.Sort(asked)
	var parts []string
	for i := 0; i < len(asked); {
		j := i
		for j+1 < len(asked) && asked[j+1] == asked[j]+1 {
			j++
		}
		parts = append(parts, versions(asked[i], asked[j]))
		i = j + 1
	}
	return cmp.Or(strings.Join(parts, ", "), "–")
}

// The clients' columns are as of the last run with -rehearse.update; what is
// served must be true at any time.
func TestTheSupportMatrixSaysWhatIsServed(t *testing.T) {
	if update() {
		t.Skip("it is being written")
	}
	text, err := os.ReadFile(matrixFile)
	must(t, err)
	all, err := advertised(t.Context())
	must(t, err)
	rows := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| ") && line[2] >= '0' && line[2] <= '9' {
			rows++
		}
	}
	equal(t, "APIs in the matrix", rows, len(all))
	for _, s := range all {
		if !strings.Contains(string(text), s.row()) {
			t.Errorf("docs/kafka-support.md lacks %q; run the tests of interop/kafka with -rehearse.update", s.row())
		}
	}
}

const matrixHead = `# What is served, and who asked for it

## Clients' own suites

Whole test suites that others wrote, against kafkatest. Those marked *always* run in every check of the project, those
marked *whole* with ` + "`" + `make interop` + "`" + `; the others were run by hand, once, in November 2026, some with their container layer
replaced.

| Suite | Passed | Run | What did not |
| --- | --- | --- | --- |
| franz-go, package kgo, v1.22 | 149 of 149 | always (fewer records), whole | 3 skip themselves: they want an older broker, share groups, OAUTHBEARER; the tests of share groups (KIP-932, not served) are left out |
| segmentio/kafka-go v0.4.51, with sasl and topics | 156 of 157 | always | TestReaderConsumerGroup looks offsets up by a ConsumerGroup that cannot connect, and panics, with any cluster |
| no-kafka 3.4.4, a client of Kafka 0.9 | 89 of 89 | always | – |
| Sarama v1.61 functional tests | 57 of 57 | whole | one is left out: a member's Metadata waits behind its own fetches, longer than its session |
| Watermill v3.0.6 conformance (Sarama) | 8 of 8 | whole | – |
| Shopify/sarama v1.38 functional tests | 36 of 36 | by hand | – |
| confluent-kafka-go v2.11.1 (librdkafka), classic and KIP-848 groups | 43 of 45 | by hand | two want a broker slow enough for what they flush to be under way; another uses librdkafka's own mock |
| OpenTelemetry kafkareceiver v0.165 (franz-go), instead of kfake | 91 of 91 | by hand | – |
| optiopay/kafka v2.1.1 integration | 5 of 5 | by hand | – |

## APIs and versions

This table is written by the tests of interop/kafka, which run each client unmodified against kafkatest. *Served* is what
ApiVersions advertises without a Config.Version; under each client stand the versions that it asked for in those tests,
and got an answer that it could use. A dash is none.

`
