// The package as its documentation shows it.

package kafkatest_test

import (
	"bufio"
	"fmt"
	"net"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// codeOf asks for a topic's metadata, as any client would, and returns the name
// of the error that it is told.
func codeOf(addr, topic string) string {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer nc.Close()
	req := metadata(topic)
	req.SetVersion(9)
	if _, err := nc.Write(wire.AppendRequest(nil, wire.Header{}, req)); err != nil {
		return err.Error()
	}
	frame, err := wire.ReadFrame(bufio.NewReader(nc), 1<<20)
	if err != nil {
		return err.Error()
	}
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	if _, err := wire.ParseResponse(frame, resp); err != nil {
		return err.Error()
	}
	if failed := kerr.TypedErrorForCode(resp.Topics[0].ErrorCode); failed != nil {
		return failed.Message
	}
	return "served"
}

func Example() {
	c, err := kafkatest.New(kafkatest.Config{Brokers: 3, Topics: map[string]int{"orders": 3}})
	if err != nil {
		panic(err)
	}
	defer c.Close()

	// The first request for the topic fails, the others are served.
	c.Fail(kmsg.Metadata, kafkatest.Topic("orders").First(), kerr.LeaderNotAvailable)
	fmt.Println(codeOf(c.Addr(), "orders"))
	fmt.Println(codeOf(c.Addr(), "orders"))

	// What a test wants to see it need not consume.
	orders := c.Partition("orders", 0)
	orders.Append(kafkatest.Record{Value: []byte("book")}, kafkatest.Record{Value: []byte("pen")})
	for offset, r := range orders.Records(0) {
		fmt.Println(offset, string(r.Value))
	}
	// Output:
	// LEADER_NOT_AVAILABLE
	// served
	// 0 book
	// 1 pen
}

// A broker that knows nothing but what it is told.
func ExampleBroker_Handle() {
	c, err := kafkatest.New(kafkatest.Config{Scripted: true})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	b := c.Broker(0)
	b.Handle(kmsg.Metadata, b.AsLeader(map[string]int{"orders": 1}))
	fmt.Println(codeOf(b.Addr(), "orders"))
	fmt.Println(codeOf(b.Addr(), "bills"))
	// Output:
	// served
	// UNKNOWN_TOPIC_OR_PARTITION
}

// A rule of one's own sees the request and, afterwards, the answer.
func ExampleCluster_After() {
	c, err := kafkatest.New(kafkatest.Config{Topics: map[string]int{"orders": 1}})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	c.After(func(e kafkatest.Exchange) (kafkatest.Verdict, bool) {
		if r, ok := e.Reply.(*kmsg.MetadataResponse); ok {
			r.Topics[0].ErrorCode = kerr.TopicAuthorizationFailed.Code
		}
		return kafkatest.Verdict{}, false
	})
	fmt.Println(codeOf(c.Addr(), "orders"))
	// Output:
	// TOPIC_AUTHORIZATION_FAILED
}

func ExampleParseRule() {
	r, err := kafkatest.ParseRule("before Produce topic=orders nth=3: error NOT_LEADER_OR_FOLLOWER")
	fmt.Println(r, err)
	_, err = kafkatest.ParseRule("before Produce topic=orders: error OOPS")
	fmt.Println(err.(*kafkatest.RuleError).Column, err.(*kafkatest.RuleError).Msg)
	// Output:
	// before Produce topic=orders nth=3: error NOT_LEADER_OR_FOLLOWER <nil>
	// 30 no error "OOPS"; want a name of Kafka's, such as NOT_LEADER_OR_FOLLOWER
}

// Conditions are those of package rule.
func ExampleVerdict() {
	v := kafkatest.Verdict{Err: kerr.CoordinatorLoadInProgress, Throttle: 1e9}
	when := kafkatest.On(kmsg.JoinGroup).And(kafkatest.OfGroup("billing")).Every(2)
	_ = rule.Then(when, v) // for Cluster.Before
	fmt.Println(v)
	// Output:
	// throttle 1s, error COORDINATOR_LOAD_IN_PROGRESS
}
