// Hostile input: strangers, lies about lengths, requests that were tampered with.

package kafkatest_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestStrangersAreCutOffAndRecordedWhileOthersAreServed(t *testing.T) {
	rows := []struct{ name, sent, want string }{
		{"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"},
		{"two gigabytes", "\x7f\xff\xff\xff", "more than the"},
		{"a negative length", "\xff\xff\xff\xff", "a frame of -1 bytes"},
		{"no header", "\x00\x00\x00\x02\x00\x00", "ends within"},
		{"an API that there is not", "\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x01\xff\xff", "API key 32767"},
		{"a version that there is not", "\x00\x00\x00\x0a\x00\x03\x7f\xff\x00\x00\x00\x01\xff\xff", "Metadata v32767"},
		{"a body that is none",
			"\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x7f\xff\xff\xff", "cannot be decoded"},
	}
	j := new(journal.Journal)
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 1}, Journal: j})
	other := dial(t, c.Broker(0))
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			from := j.Last() + 1
			b := dial(t, c.Broker(0))
			if _, err := io.WriteString(b.nc, row.sent); err != nil {
				t.Fatal(err)
			}
			b.wantClosed()
			told := slices.ContainsFunc(slices.Collect(j.Events(from)), func(e journal.Event) bool {
				return e.Kind == "kafka.bad" && strings.Contains(e.Note("error"), row.want)
			})
			if !told {
				t.Errorf("the journal does not say %q: %v", row.want, slices.Collect(j.Events(from)))
			}
			ask[*kmsg.MetadataResponse](other, metadata("orders"), 9)
		})
	}
}

func TestVersionsBeyondAllAreAnsweredWithThoseToAskIn(t *testing.T) {
	for _, scripted := range []bool{false, true} {
		j := new(journal.Journal)
		b := dial(t, kafkatest.Start(t, kafkatest.Config{Scripted: scripted, Journal: j}).Broker(0))
		sent := "\x00\x00\x00\x0a\x00\x12\x00\x63\x00\x00\x00\x01\xff\xff" // ApiVersions v99
		if _, err := io.WriteString(b.nc, sent); err != nil {
			t.Fatal(err)
		}
		b.correlation = 1
		r, err := b.receive(kmsg.NewPtrApiVersionsRequest())
		if err != nil {
			t.Fatal(err)
		}
		versions := r.(*kmsg.ApiVersionsResponse)
		if versions.ErrorCode != kerr.UnsupportedVersion.Code || len(versions.ApiKeys) != 1 ||
			versions.ApiKeys[0].ApiKey != int16(kmsg.ApiVersions) || versions.ApiKeys[0].MaxVersion < 3 {
			t.Errorf("scripted %v: answered %+v", scripted, versions)
		}
		ask[*kmsg.ApiVersionsResponse](b, kmsg.NewPtrApiVersionsRequest(), 3)
	}
}

func TestAnAnnouncedFrameCostsNoMemoryBeforeItComes(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		b := dial(t, c.Broker(0))
		if _, err := b.nc.Write(binary.BigEndian.AppendUint32(nil, 90<<20)); err != nil {
			t.Fatal(err)
		}
	}
	ask[*kmsg.MetadataResponse](dial(t, c.Broker(0)), metadata(), 9)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("20 announced frames of 90 MiB took %d MiB", used>>20)
	}
}

func TestAThousandSilentConnectionsDisturbNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left at its end
		m := new(memory)
		c, err := kafkatest.New(kafkatest.Config{Listen: m.listen, Topics: map[string]int{"orders": 1}})
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			m.dial(t, 0)
		}
		if r := ask[*kmsg.MetadataResponse](speak(t, m.dial(t, 0)), metadata("orders"), 9); len(r.Topics) != 1 {
			t.Errorf("answered %+v", r)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnswersThatNobodyReadsAreNotGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, j := new(memory), new(journal.Journal)
		c, err := kafkatest.New(kafkatest.Config{Listen: m.listen, Topics: map[string]int{"orders": 1}, Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		value := bytes.Repeat([]byte("v"), 500_000)
		if _, err := c.Partition("orders", 0).Append(kafkatest.Record{Value: value}); err != nil {
			t.Fatal(err)
		}
		b := speak(t, m.dial(t, 0))
		var pipeline []byte
		for range 50 {
			pipeline = wire.AppendRequest(pipeline, wire.Header{ClientID: &b.id}, fetchAll("orders"))
		}
		go func() { _, _ = b.nc.Write(pipeline) }() // it ends with the cluster
		synctest.Wait()
		answered := 0
		for e := range j.Events(1) {
			if e.Kind == "kafka.response" {
				answered++
			}
		}
		if answered != 1 {
			t.Errorf("%d fetches were answered, and none read", answered)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// fetchAll asks for all that partition 0 of a topic has.
func fetchAll(topic string) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.SessionEpoch = 11, 1<<30, -1
	t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	t.Topic, p.PartitionMaxBytes = topic, 1<<30
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// seedFrames are the frames' payloads that mutation begins with: every request
// of every version, filled and empty.
func seedFrames() (frames [][]byte) {
	client := "app"
	for req := range everyRequest() {
		empty := kmsg.RequestForKey(req.Key())
		empty.SetVersion(req.GetVersion())
		for _, r := range []kmsg.Request{req, empty} {
			frames = append(frames, wire.AppendRequest(nil, wire.Header{Correlation: 1, ClientID: &client}, r)[4:])
		}
	}
	return frames
}

// deliver sends the payload as a frame on a connection of its own, and reads
// what comes until the connection is silent or ends.
func deliver(tb testing.TB, m *memory, payload []byte) {
	nc := m.dial(tb, 0)
	if nc == nil {
		return
	}
	go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(nc)) }()
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
	_, _ = nc.Write(frame)
	_ = nc.Close()
}

// hostileCluster is a cluster with something in it to be broken.
func hostileCluster(tb testing.TB) (*kafkatest.Cluster, *memory) {
	m := new(memory)
	c, err := kafkatest.New(kafkatest.Config{
		Listen: m.listen, Topics: map[string]int{"name": 3, "orders": 1}, Brokers: 2,
		Settings: map[string]string{"auto.create.topics.enable": "true"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c, m
}

func TestRequestsThatWereTamperedWithDoNoHarm(t *testing.T) {
	c, m := hostileCluster(t)
	for i, payload := range seedFrames() {
		deliver(t, m, payload)
		for n := range 6 {
			cut := 8 + (i*7+n*31)%max(1, len(payload)-8)
			deliver(t, m, payload[:min(cut, len(payload))])
			changed := slices.Clone(payload)
			for at := 10 + n; at < len(changed); at += 11 {
				changed[at] ^= byte(1 << (n + at%3))
			}
			deliver(t, m, changed)
		}
	}
	ask[*kmsg.ApiVersionsResponse](speak(t, m.dial(t, 0)), kmsg.NewPtrApiVersionsRequest(), 0)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, p := range c.Problems() {
		t.Error(p)
	}
}

func FuzzServer(f *testing.F) {
	for _, payload := range seedFrames() {
		f.Add(payload)
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("\x00\x15\x00\x020000\x00\x03000\x00\x000000\xff\xff\xff00000")) // a great many tagged fields
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, m := hostileCluster(t)
		deliver(t, m, payload)
		deliver(t, m, payload) // again, now that it has done what it does
		ask[*kmsg.ApiVersionsResponse](speak(t, m.dial(t, 0)), kmsg.NewPtrApiVersionsRequest(), 0)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		for _, p := range c.Problems() {
			t.Error(p)
		}
	})
}
