// What answers frames: scripted brokers, clusters, and a plain echo.

package kafka_test

import (
	"net"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A server answers frames at an address.
type server struct {
	name     string
	start    func(tb testing.TB) (address string)
	stateful bool // its group must be joined before a heartbeat
}

// servers are all that answer; the first is what others are compared with, the
// last the bound.
var servers = []server{
	{name: "MockBroker", start: startMockBroker},
	{name: "kfake", start: startBroker(startKfake), stateful: true},
	{name: "kafkatest", start: startBroker(startOurs), stateful: true},
	{name: "kafkatest scripted", start: startScripted},
	{name: "echo", start: startEcho},
}

func startBroker(start func(testing.TB, shape) *cluster) func(testing.TB) string {
	return func(tb testing.TB) string {
		c := start(tb, shape{brokers: 1, partitions: 1})
		tb.Cleanup(c.close)
		return c.addrs[0]
	}
}

func startMockBroker(tb testing.TB) string {
	b := sarama.NewMockBroker(quiet{tb}, 1)
	tb.Cleanup(b.Close)
	b.SetHandlerByMap(map[string]sarama.MockResponse{
		"MetadataRequest": sarama.NewMockMetadataResponse(quiet{tb}).
			SetBroker(b.Addr(), b.BrokerID()).SetLeader(topic, 0, b.BrokerID()),
		"HeartbeatRequest": sarama.NewMockHeartbeatResponse(quiet{tb}),
		"ProduceRequest":   sarama.NewMockProduceResponse(quiet{tb}),
	})
	return b.Addr()
}

// quiet keeps what the mock logs of each connection out of the output.
type quiet struct{ testing.TB }

func (quiet) Log(...any)          {}
func (quiet) Logf(string, ...any) {}

// startScripted starts a broker that is told by functions what the mock is
// told by its builders.
func startScripted(tb testing.TB) string {
	c, err := kafkatest.New(kafkatest.Config{Scripted: true, FirstID: 1, History: -1})
	check(tb, err)
	tb.Cleanup(func() { check(tb, c.Close()) })
	b := c.Broker(1)
	host, port := split(tb, b.Addr())
	b.Handle(kmsg.Metadata, func(e kafkatest.Exchange) kmsg.Response {
		return metadata(e.Request.(*kmsg.MetadataRequest), host, port)
	})
	b.Handle(kmsg.Heartbeat, func(e kafkatest.Exchange) kmsg.Response { return e.Request.ResponseKind() })
	b.Handle(kmsg.Produce, func(e kafkatest.Exchange) kmsg.Response {
		return produced(e.Request.(*kmsg.ProduceRequest))
	})
	return b.Addr()
}

func split(tb testing.TB, address string) (host string, port int32) {
	a, err := net.ResolveTCPAddr("tcp", address)
	check(tb, err)
	return a.IP.String(), int32(a.Port)
}

func metadata(req *kmsg.MetadataRequest, host string, port int32) kmsg.Response {
	r := req.ResponseKind().(*kmsg.MetadataResponse)
	b := kmsg.NewMetadataResponseBroker()
	b.NodeID, b.Host, b.Port = 1, host, port
	r.Brokers = append(r.Brokers, b)
	for _, asked := range req.Topics {
		t, p := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
		p.Leader = 1
		t.Topic, t.Partitions = asked.Topic, append(t.Partitions, p)
		r.Topics = append(r.Topics, t)
	}
	return r
}

func produced(req *kmsg.ProduceRequest) kmsg.Response {
	r := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, asked := range req.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic = asked.Topic
		for _, p := range asked.Partitions {
			done := kmsg.NewProduceResponseTopicPartition()
			done.Partition = p.Partition
			t.Partitions = append(t.Partitions, done)
		}
		r.Topics = append(r.Topics, t)
	}
	return r
}

// startEcho sends back what comes, and knows nothing of frames: no broker in
// Go that reads and writes as it does can be faster.
func startEcho(tb testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(tb, err)
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go echo(nc)
		}
	}()
	return l.Addr().String()
}

func echo(nc net.Conn) {
	defer nc.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := nc.Read(buf)
		if err != nil {
			return
		}
		if _, err := nc.Write(buf[:n]); err != nil {
			return
		}
	}
}
