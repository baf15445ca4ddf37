// What is measured: clusters that a test starts in its own process.

package kafka_test

import (
	"context"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/vnet"
)

// topic is what all clients produce to and consume from.
const topic = "orders"

// A shape is what a cluster is asked to be.
type shape struct {
	brokers, partitions int
	memory              bool // on a network in memory rather than on loopback
}

// A cluster is one that runs.
type cluster struct {
	addrs []string
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	close func()
}

// A subject starts clusters of one kind.
type subject struct {
	name  string
	start func(tb testing.TB, s shape) *cluster
}

// subjects are the clusters with a state; the first is what ours is compared
// with.
var subjects = []subject{{"kfake", startKfake}, {"kafkatest", startOurs}}

func startKfake(tb testing.TB, s shape) *cluster {
	opts := []kfake.Opt{kfake.NumBrokers(s.brokers), kfake.SeedTopics(int32(s.partitions), topic)}
	dial := new(net.Dialer).DialContext
	if s.memory {
		network, ports := new(kfake.VirtualNetwork), []int(nil)
		for i := range s.brokers {
			ports = append(ports, 9092+i)
		}
		opts = append(opts, kfake.ListenFn(network.Listen), kfake.Ports(ports...))
		dial = network.DialContext
	}
	c, err := kfake.NewCluster(opts...)
	check(tb, err)
	return &cluster{c.ListenAddrs(), dial, c.Close}
}

func startOurs(tb testing.TB, s shape) *cluster {
	config := kafkatest.Config{Brokers: s.brokers, Topics: map[string]int{topic: s.partitions}}
	dial := new(net.Dialer).DialContext
	var network *vnet.Network
	if s.memory {
		network = vnet.New(vnet.Config{})
		config.Listen = network.Host("kafka").Listen
		dial = network.Host("app").Dial
	}
	c, err := kafkatest.New(config)
	check(tb, err)
	return &cluster{c.Addrs(), dial, func() {
		check(tb, c.Close())
		if network != nil {
			check(tb, network.Close())
		}
	}}
}

// client is a kgo client of the cluster. Nothing of it waits on purpose, and
// it leaves the records as they are, so that the brokers weigh most.
func (c *cluster) client(tb testing.TB, opts ...kgo.Opt) *kgo.Client {
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(c.addrs...), kgo.Dialer(c.dial), kgo.DefaultProduceTopic(topic), kgo.DisableClientMetrics(),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(100_000),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}, opts...)
	client, err := kgo.NewClient(opts...)
	check(tb, err)
	return client
}

// consuming has a client consume the topic.
func consuming() kgo.Opt { return kgo.ConsumeTopics(topic) }

// records are so many of that size, on the topic.
func records(count, size int) []*kgo.Record {
	rs, value := make([]*kgo.Record, count), make([]byte, size)
	for i := range rs {
		rs[i] = &kgo.Record{Value: value}
	}
	return rs
}

// consume reads so many records.
func consume(tb testing.TB, client *kgo.Client, count int) {
	for count > 0 {
		fetches := client.PollFetches(tb.Context())
		if errs := fetches.Errors(); len(errs) > 0 {
			tb.Fatal(errs[0].Err)
		}
		count -= fetches.NumRecords()
	}
	if count < 0 {
		tb.Fatalf("%d records more than were produced", -count)
	}
}

func check(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}
