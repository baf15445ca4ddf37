// kcat, which is librdkafka at the command line.

package kafka_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func kcat(t testing.TB, addrs []string, args ...string) program {
	t.Helper()
	base := []string{"-b", strings.Join(addrs, ","), "-X", "client.id=kcat", "-m", "30"}
	return program{path: installed(t, "kcat"), args: append(base, args...)}
}

func TestKcatListsBrokersAndTopics(t *testing.T) {
	c := run(t, "--topic", "t:2")
	var seen struct {
		Brokers []struct{ ID int }
		Topics  []struct {
			Topic      string
			Partitions []struct {
				Leader   int
				Replicas []struct{ ID int }
			}
		}
	}
	must(t, json.Unmarshal([]byte(kcat(t, c).output(t, "-L", "-J")), &seen))
	equal(t, "brokers", fmt.Sprint(seen.Brokers), "[{0} {1} {2}]")
	equal(t, "topics", len(seen.Topics), 1)
	equal(t, "partitions", len(seen.Topics[0].Partitions), 2)
	equal(t, "replicas", len(seen.Topics[0].Partitions[0].Replicas), 3)
}

func TestKcatProducesAndConsumesInEveryCodec(t *testing.T) {
	c := run(t)
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, acks := range []string{"0", "1", "all"} {
			t.Run(codec+" acks "+acks, func(t *testing.T) {
				t.Parallel()
				topic, values := "t-"+codec+"-"+acks, texts("v", 100)
				producer := kcat(t, c, "-P", "-X", "topic.compression.codec="+codec, "-X", "topic.acks="+acks)
				producer.stdin = strings.Join(values, "\n")
				producer.output(t, "-t", topic)
				out := kcat(t, c).output(t, "-C", "-e", "-q", "-o", "beginning", "-t", topic)
				sameStrings(t, strings.Fields(out), values)
			})
		}
	}
}

func TestKcatCarriesKeysHeadersAndNothing(t *testing.T) {
	c := run(t, "--topic", "t:1")
	producer := kcat(t, c, "-P", "-t", "t", "-K", ":", "-Z", "-H", "a=1", "-H", "b=2", "-X", "enable.idempotence=true")
	producer.stdin = "k:v\nk2:"
	producer.output(t)
	out := kcat(t, c).output(t, "-C", "-e", "-q", "-t", "t", "-f", `%o %k %s %S %h\n`)
	equal(t, "records", out, "0 k v 1 a=1,b=2\n1 k2  -1 a=1,b=2\n")
}

func TestKcatQueriesOffsetsByTime(t *testing.T) {
	c := run(t, "--topic", "t:1")
	producer := kcat(t, c, "-P", "-t", "t")
	producer.stdin = "a\nb\nc"
	producer.output(t)
	equal(t, "earliest", kcat(t, c).output(t, "-Q", "-t", "t:0:-2"), "t [0] offset 0\n")
	equal(t, "latest", kcat(t, c).output(t, "-Q", "-t", "t:0:-1"), "t [0] offset 3\n")
	equal(t, "since 1970", kcat(t, c).output(t, "-Q", "-t", "t:0:1"), "t [0] offset 0\n")
	equal(t, "from the end", kcat(t, c).output(t, "-C", "-e", "-q", "-t", "t", "-o", "-2"), "b\nc\n")
	equal(t, "since 1970", kcat(t, c).output(t, "-C", "-e", "-q", "-t", "t", "-o", "s@1"), "a\nb\nc\n")
}

func TestKcatConsumesInAGroup(t *testing.T) {
	c := run(t, "--topic", "t:4")
	values := texts("v", 40)
	producer := kcat(t, c, "-P", "-t", "t")
	producer.stdin = strings.Join(values, "\n")
	producer.output(t)
	for _, strategy := range []string{"range", "roundrobin", "cooperative-sticky"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			group := []string{
				"-q", "-c", "20", "-X", "auto.offset.reset=earliest", "-X", "partition.assignment.strategy=" + strategy,
				"-G", "g-" + strategy, "t",
			}
			first := strings.Fields(kcat(t, c).output(t, group...))
			second := strings.Fields(kcat(t, c).output(t, group...))
			sameStrings(t, slices.Concat(first, second), values)
		})
	}
}

func TestKcatKeepsOffsetsItself(t *testing.T) {
	c := run(t, "--topic", "t:1")
	producer := kcat(t, c, "-P", "-t", "t")
	producer.stdin = "a\nb\nc"
	producer.output(t)
	stored := []string{
		"-C", "-q", "-t", "t", "-p", "0", "-o", "stored", "-X", "group.id=g",
		"-X", "topic.auto.offset.reset=earliest", "-X", "topic.auto.commit.enable=true",
	}
	equal(t, "first", kcat(t, c).output(t, append(stored, "-c", "2")...), "a\nb\n")
	equal(t, "then", kcat(t, c).output(t, append(stored, "-e")...), "c\n")
}

func TestKcatTransacts(t *testing.T) {
	c := run(t, "--topic", "t:2")
	producer := kcat(t, c, "-P", "-t", "t", "-X", "transactional.id=tx")
	producer.stdin = "a\nb\nc"
	producer.output(t)
	out := kcat(t, c).output(t, "-C", "-e", "-q", "-t", "t", "-o", "beginning", "-X", "isolation.level=read_committed")
	sameStrings(t, strings.Fields(out), []string{"a", "b", "c"})
}

func TestKcatComesInByEveryListener(t *testing.T) {
	p := newPKI(t)
	for _, w := range waysIn {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			set := []string{
				"security.protocol=" + w.protocol, "sasl.username=alice", "sasl.password=secret",
				"ssl.ca.location=" + p.ca,
				"ssl.certificate.location=" + p.cert, "ssl.key.location=" + p.key,
			}
			if w.mechanism != "" {
				set = append(set, "sasl.mechanism="+w.mechanism)
			}
			producer := kcat(t, run(t, w.flags(p)...), "-P", "-t", "t")
			for _, s := range set {
				producer.args = append(producer.args, "-X", s)
			}
			producer.stdin = "v"
			producer.output(t)
		})
	}
}

func TestKcatSpeaksEveryPersona(t *testing.T) {
	for _, version := range []string{"0.8.2", "0.9", "0.10.2", "0.11", "1.1", "2.4", "2.8", "3.9", "4.0", "4.1"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := run(t, "--topic", "t:1", "--kafka-version", version)
			// Brokers before 0.10 tell no versions: librdkafka must be told.
			old := []string{}
			if strings.HasPrefix(version, "0.8") || strings.HasPrefix(version, "0.9") {
				old = []string{"-X", "api.version.request=false", "-X", "broker.version.fallback=" + version + ".0"}
			}
			producer := kcat(t, c, append(old, "-P", "-t", "t")...)
			producer.stdin = "a\nb"
			producer.output(t)
			equal(t, "records", kcat(t, c, old...).output(t, "-C", "-e", "-q", "-t", "t", "-o", "beginning"), "a\nb\n")
		})
	}
}
