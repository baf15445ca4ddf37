// Clusters in virtual time: on a virtual network, in a bubble.

package kafkatest_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vnettest"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// onNetwork starts a cluster on the host kafka of a virtual network.
func onNetwork(t *vnettest.T, config kafkatest.Config) *kafkatest.Cluster {
	config.Listen = t.Network.Host("kafka").Listen
	config.Listeners = []kafkatest.Listener{{Bind: ":9092"}}
	config.Journal, config.Seed = t.Journal, t.Seed
	return kafkatest.Start(t, config)
}

// reach connects the host app to a broker by its port.
func reach(t *vnettest.T, broker int) *client {
	t.Helper()
	nc, err := t.Network.Host("app").Dial(context.Background(), "tcp", fmt.Sprintf("kafka:%d", 9092+broker))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // until the broker has accepted it
	return speak(t, nc)
}

func TestAClusterOnAHostIsAdvertisedByItsName(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := kafkatest.Start(t, kafkatest.Config{Brokers: 2, Listen: t.Network.Host("kafka").Listen})
		app := t.Network.Host("app")
		nc, err := app.Dial(t.Context(), "tcp", c.Addr())
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range ask[*kmsg.MetadataResponse](speak(t, nc), metadata(), 9).Brokers {
			address := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
			if b.Host != "kafka" || address != c.Addrs()[i] {
				t.Errorf("broker %d is advertised as %s, and is at %s", i, address, c.Addrs()[i])
			}
			nc, err := app.Dial(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			nc.Close()
		}
	})
}

func TestRealSocketsInABubbleAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		if c := kafkatest.Start(r, kafkatest.Config{}); c != nil || len(r.errors) != 1 ||
			!strings.Contains(r.errors[0], "set Config.Listen") {
			t.Errorf("started %v, said %q", c, r.errors)
		}
	})
}

func TestAFetchWaitsItsTimeAndNoLonger(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{Topics: map[string]int{"orders": 2}})
		b, req := reach(t, 0), fetchFrom("orders", 0)
		req.MaxWaitMillis, req.MinBytes = 600_000, 1
		began := time.Now()
		if r := ask[*kmsg.FetchResponse](b, req, 12); len(r.Topics[0].Partitions[0].RecordBatches) != 0 {
			t.Errorf("answered %+v", r)
		}
		if waited := time.Since(began).Round(time.Second); waited != 10*time.Minute {
			t.Errorf("waited %v, want ten minutes", waited)
		}
		began = time.Now()
		b.send(req, 12)
		time.AfterFunc(time.Minute, func() { _, _ = c.Partition("orders", 0).Append(kafkatest.Record{}) })
		if _, err := b.receive(req); err != nil || time.Since(began).Round(time.Second) != time.Minute {
			t.Errorf("answered after %v, %v; want a minute", time.Since(began), err)
		}
	})
}

func TestAMemberThatFallsSilentIsLost(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{Topics: map[string]int{"orders": 1}})
		b := reach(t, 0)
		join := kmsg.NewPtrJoinGroupRequest()
		join.Group, join.ProtocolType, join.SessionTimeoutMillis = "billing", "consumer", 30_000
		join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0}}}
		ask[*kmsg.JoinGroupResponse](b, join, 0)
		began := time.Now()
		if err := c.Group("billing").AwaitAssigned(t.Context(), 0); err != nil {
			t.Error(err)
		}
		if lost := time.Since(began).Round(time.Second); lost < 30*time.Second || lost > time.Minute {
			t.Errorf("lost after %v, want 30 s", lost)
		}
	})
}

func TestLatencyIsOfABrokerOrOfItsAPIs(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{Brokers: 2, Topics: map[string]int{"orders": 1}})
		c.Broker(0).Latency(time.Second)
		c.Broker(0).Latency(time.Minute, kmsg.Metadata)
		rows := []struct {
			broker int
			req    kmsg.Request
			want   time.Duration
		}{
			{0, kmsg.NewPtrApiVersionsRequest(), time.Second},
			{0, metadata(), time.Minute},
			{1, metadata(), 0},
		}
		for _, row := range rows {
			b, began := reach(t, row.broker), time.Now()
			if _, err := b.try(row.req, 0); err != nil || time.Since(began).Round(time.Millisecond) != row.want {
				t.Errorf("broker %d: %v, %v; want %v", row.broker, time.Since(began), err, row.want)
			}
		}
	})
}

func TestLatencyAndDelayAreCutShortByClose(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{Brokers: 2})
		c.Broker(0).Latency(time.Hour)
		c.Before(rule.Then(kafkatest.FromBroker(1), kafkatest.Verdict{Delay: time.Hour}))
		for n := range 2 {
			reach(t, n).send(metadata(), 9)
		}
		synctest.Wait()
		began := time.Now()
		c.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestADelayedAnswerComesWhenARuleSays(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{})
		r, err := kafkatest.ParseRule("before Metadata first=1: delay 200ms, error LEADER_NOT_AVAILABLE")
		if err != nil {
			t.Fatal(err)
		}
		c.Apply(r)
		b, began := reach(t, 0), time.Now()
		ask[*kmsg.MetadataResponse](b, metadata("orders"), 9)
		if took := time.Since(began); took < 200*time.Millisecond || took > 250*time.Millisecond {
			t.Errorf("took %v, want 200 ms", took)
		}
	})
}

func TestTheSameSeedMakesTheSameBytes(t *testing.T) {
	vnettest.Repeat(t, vnettest.Config{}, vnettest.Throughout, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{Brokers: 3, Topics: map[string]int{"orders": 3}})
		c.Before(rule.Then(kafkatest.On(kmsg.Produce).Chance(0.3, t.Seed), kafkatest.Fail(kerr.NotEnoughReplicas)))
		for n := range 3 {
			b := reach(t, n)
			ask[*kmsg.MetadataResponse](b, metadata(), 9)
			for range 20 {
				ask[*kmsg.ProduceResponse](b, produceTo("orders", 0, 1, 2), 9)
			}
		}
	})
}

func TestIdleClientsAreAwaited(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := onNetwork(t, kafkatest.Config{Topics: map[string]int{"orders": 1}})
		b, began := reach(t, 0), time.Now()
		go func() {
			for range 3 {
				_, _ = b.try(metadata(), 9)
				time.Sleep(5 * time.Second) // virtual
			}
		}()
		if err := c.AwaitIdle(t.Context(), 10*time.Second); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 20*time.Second || took > 30*time.Second {
			t.Errorf("idle after %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.AwaitIdle(ctx, time.Hour); err == nil || !strings.Contains(err.Error(), "do nothing for 1h") {
			t.Error(err)
		}
	})
}
