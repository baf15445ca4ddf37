// Three brokers, three members, nine thousand records: one story in every run.

package kafka_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/vnettest"
)

// virtual starts a cluster whose brokers are the hosts kafka0, kafka1, ...
func virtual(t *vnettest.T, config kafkatest.Config) *kafkatest.Cluster {
	t.Helper()
	config.Listeners = []kafkatest.Listener{{Bind: "kafka{id}:9092", Advertise: "kafka{id}:9092"}}
	config.Journal = t.Journal
	config.Listen = func(ctx context.Context, network, address string) (net.Listener, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(host, "kafka") { // a broker that rises again comes back where it was
			return t.Host(hostOf(t, host)).Listen(ctx, network, address)
		}
		return t.Host(host).Listen(ctx, network, ":"+port)
	}
	c, err := kafkatest.New(config)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

// hostOf is the broker's host of an address.
func hostOf(t *vnettest.T, address string) string {
	for i := range 9 {
		if h := t.Host(fmt.Sprint("kafka", i)); h.IP4().String() == address {
			return fmt.Sprint("kafka", i)
		}
	}
	t.Fatalf("no broker has the address %s", address)
	return ""
}

// onHost is a kgo client on a host.
func onHost(t *vnettest.T, host string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ClientID(host), kgo.SeedBrokers("kafka0:9092"), kgo.Dialer(t.Host(host).Dial), kgo.ProducerLinger(0),
		kgo.DisableClientMetrics(),
	}, opts...)...)
	must(t, err)
	t.Cleanup(client.Close)
	return client
}

// threeMembers has three members of a group consume nine thousand records of
// nine partitions, then leave one after the other.
func threeMembers(t *vnettest.T) {
	virtual(t, three("t", 9))
	const n = 9000
	got := newTally(n)
	ctx, stop := context.WithCancel(t.Context())
	var consuming sync.WaitGroup
	var members []*kgo.Client
	for i := range 3 {
		m := onHost(t, fmt.Sprint("member", i), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"))
		m.PauseFetchTopics("t") // until all have joined: kgo drops the fetches under way when a group rebalances
		members = append(members, m)
		consuming.Go(func() {
			defer m.Close() // which commits and leaves
			for ctx.Err() == nil {
				m.PollFetches(ctx).EachRecord(func(r *kgo.Record) { got.add(string(r.Value)) })
			}
		})
		time.Sleep(10 * time.Second) // one joins after the other // virtual
	}
	for _, m := range members {
		m.ResumeFetchTopics("t")
	}
	produceStory(t, texts("v", n))
	<-got.full
	for _, m := range members {
		m.PauseFetchTopics("t") // so that no fetch is in the cluster's hands when its connection ends
	}
	time.Sleep(10 * time.Second) // everything is committed // virtual
	stop()
	consuming.Wait()
	equal(t, "values", len(got.counts), n)
}

// produceStory produces values to nine partitions in turn.
func produceStory(t *vnettest.T, values []string) {
	producer := onHost(t, "producer", kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(len(values)),
		kgo.ManualFlushing())
	produce := func(from int, values []string) {
		for i, value := range values {
			r := &kgo.Record{Topic: "t", Partition: int32((from + i) % 9), Value: []byte(value), Timestamp: time.Now()}
			producer.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		must(t, producer.Flush(t.Context()))
	}
	// With the first record kgo learns its producer id, which it asks for with a
	// mutex held, and the topic's partitions. Then all others are batched alike.
	produce(0, values[:1])
	produce(1, values[1:])
	producer.Close()
}

func TestThreeMembersShareNineThousandRecordsInVirtualTime(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) { threeMembers(t) })
}

func TestTheSameStoryIsTheSameInShapeEveryTime(t *testing.T) {
	vnettest.Repeat(t, vnettest.Config{Held: true}, vnettest.InShape, func(t *vnettest.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			threeMembers(t)
		}()
		for {
			select {
			case <-done:
				return
			default:
				t.Drain(time.Second)
			}
		}
	})
}

// A member that falls silent is missed after its session's ten minutes, and
// a transaction that nobody ends is aborted after its hour: in no time.
func TestTimeoutsOfMinutesPassInVirtualTime(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		config := three("t", 2)
		config.Settings = map[string]string{
			"group.max.session.timeout.ms": "600000", "transaction.max.timeout.ms": "3600000",
		}
		virtual(t, config)
		// kgo's commits wait for its joins by a mutex, which would stop the bubble's clock.
		member := []kgo.Opt{
			kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit(),
			kgo.SessionTimeout(10 * time.Minute), kgo.RebalanceTimeout(15 * time.Minute),
		}
		silent := onHost(t, "silent", member...)
		begin := time.Now()
		produceOn(t, onHost(t, "producer"), "first")
		silent.PollFetches(t.Context())
		heal := t.Part("silent")
		defer heal()
		heir := onHost(t, "heir", member...)
		heir.PollFetches(t.Context())
		if waited := time.Since(begin); waited < 9*time.Minute || waited > 12*time.Minute {
			t.Errorf("the silent member was missed after %v", waited)
		}

		begin = time.Now()
		open := onHost(t, "transactor", kgo.TransactionalID("tx"), kgo.TransactionTimeout(time.Hour))
		must(t, open.BeginTransaction())
		produceOn(t, open, "lost")
		admin := kadm.NewClient(onHost(t, "admin"))
		for {
			listed, err := admin.ListTransactions(t.Context(), nil, []string{"Ongoing"})
			must(t, err)
			if len(listed) == 0 {
				break
			}
			time.Sleep(time.Minute) // virtual
		}
		if waited := time.Since(begin); waited < time.Hour || waited > 62*time.Minute {
			t.Errorf("the transaction was aborted after %v", waited)
		}
	})
}

func produceOn(t *vnettest.T, client *kgo.Client, value string) {
	t.Helper()
	must(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte(value)}).FirstErr())
}
