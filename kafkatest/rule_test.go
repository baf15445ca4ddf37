// Rules: as text, by their conditions, and what they do to connections.

package kafkatest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ruleTexts are rules that print as they are read.
var ruleTexts = []string{
	"before Produce topic=orders partition=0 nth=3: error NOT_LEADER_OR_FOLLOWER",
	"after EndTxn every=2: close",
	"before Fetch client=app chance=0.1: delay 200ms",
	"before Fetch client=\"my app\" chance=0.1 seed=7: delay 200ms, throttle 1s",
	"before Metadata,FindCoordinator broker=1 first=2: reset",
	"after Fetch topic=orders partition=0,2: records corrupt",
	"before: silence",
	"before listener=SSL principal=User:alice after=3: blackhole",
	"before JoinGroup group=billing versions=0-4: error REBALANCE_IN_PROGRESS, half",
	"after InitProducerID txn=t1: frame truncate 10",
	"after ApiVersions: frame length 2147483647",
	"after ApiVersions: frame correlation",
	"after ApiVersions versions=3: frame garble",
	"after Fetch: records magic",
	"after Fetch: records half",
	"after Fetch: records twice",
}

func TestARulePrintsAsItIsRead(t *testing.T) {
	for _, text := range ruleTexts {
		r, err := kafkatest.ParseRule(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if r.String() != text {
			t.Errorf("%s\nprints as %s", text, r)
		}
		back, err := kafkatest.ParseRule(r.String())
		if err != nil || back.String() != r.String() {
			t.Errorf("%s: read again: %v, %v", text, back, err)
		}
	}
}

func TestAWrongRuleSaysWhereAndWhatIsAllowed(t *testing.T) {
	rows := []struct {
		text   string
		column int
		want   string
	}{
		{"", 1, "begins with before or after"},
		{"during Fetch: close", 1, `not "during"`},
		{"before Fetsch: close", 8, `no API "Fetsch"`},
		{"before Fetch,Fetsch: close", 14, `no API "Fetsch"`},
		{"before Fetch topik=a: close", 14, "there are after, broker, chance, client"},
		{"before Fetch partition=0: close", 14, "partition needs topic"},
		{"before Fetch topic=a partition=-1: close", 32, "want partitions"},
		{"before Fetch nth=0: close", 18, "want a number, at least 1"},
		{"before Fetch nth=1 every=2: close", 20, "nth and every exclude each other"},
		{"before Fetch chance=2: close", 21, "want a chance between 0 and 1"},
		{"before Fetch seed=2: close", 14, "seed needs chance"},
		{"before Fetch versions=9-3: close", 23, "want versions"},
		{"before Fetch topic=a topic=b: close", 22, "topic is there twice"},
		{"before Fetch topic=\"a: close", 20, "quotes are not closed"},
		{"before Fetch", 13, "a colon is missing"},
		{"before Fetch:", 14, "an action is missing"},
		{"before Fetch: close,", 21, "an action is missing"},
		{"before Fetch: shut", 15, `no action "shut"; there are blackhole, close`},
		{"before Fetch: error OOPS", 15, `no error "OOPS"`},
		{"before Fetch: delay soon", 15, `"soon" is not a duration`},
		{"before Fetch: close now", 15, "takes nothing behind it"},
		{"before Fetch: close, close", 22, "close is there twice"},
		{"before Fetch: frame backwards", 15, "want frame correlation"},
		{"before Fetch: records backwards", 15, "want records corrupt"},
	}
	for _, row := range rows {
		_, err := kafkatest.ParseRule(row.text)
		var e *kafkatest.RuleError
		if !errors.As(err, &e) || e.Column != row.column || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v, want column %d and %q", row.text, err, row.column, row.want)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, text := range ruleTexts {
		f.Add(text)
	}
	f.Add("before topic=\"\\xff\" client=: delay 1h")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := kafkatest.ParseRule(text)
		if err != nil {
			var e *kafkatest.RuleError
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		back, err := kafkatest.ParseRule(r.String())
		if err != nil || back.String() != r.String() {
			t.Errorf("%q prints as %q, which is read as %q, %v", text, r, back, err)
		}
	})
}

// apply adds a rule by its text.
func apply(t *testing.T, c *kafkatest.Cluster, text string) (remove func()) {
	t.Helper()
	r, err := kafkatest.ParseRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return c.Apply(r)
}

func TestARuleReadFromTextDecides(t *testing.T) {
	j := new(journal.Journal)
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true, Journal: j})
	c.Broker(0).Handle(kmsg.Heartbeat, kafkatest.Sequence(kmsg.NewPtrHeartbeatResponse()))
	const text = "before Heartbeat group=billing nth=2: error UNKNOWN_MEMBER_ID"
	remove := apply(t, c, text)
	b := dial(t, c.Broker(0))
	var got []int16
	for _, group := range []string{"billing", "other", "billing", "billing"} {
		got = append(got, ask[*kmsg.HeartbeatResponse](b, heartbeat(group), 3).ErrorCode)
	}
	if want := []int16{0, 0, kerr.UnknownMemberID.Code, 0}; !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
	if s := c.RuleStats(); len(s) != 1 || s[0].Name != text || s[0].Fired != 1 {
		t.Errorf("stats %v", s)
	}
	remove()
	remove()
	fired := slices.Collect(journal.Select(j.Events(1), func(e journal.Event) bool { return e.Kind == "kafka.rule" }))
	if len(fired) != 1 || fired[0].Note("rule") != text || fired[0].Note("verdict") != "error UNKNOWN_MEMBER_ID" {
		t.Errorf("the journal has %v", fired)
	}
}

func TestConditionsChooseExchanges(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 2}, Brokers: 2})
	without := kafkatest.Start(t, kafkatest.Config{Scripted: true, Brokers: 2})
	byID := metadata()
	byID.Topics = []kmsg.MetadataRequestTopic{{TopicID: topicID(t, c, "orders")}}
	rows := []struct {
		name string
		when rule.When[kafkatest.Exchange]
		req  kmsg.Request
		v    int16
		want bool
	}{
		{"the API", kafkatest.On(kmsg.Fetch, kmsg.Metadata), metadata("x"), 9, true},
		{"another API", kafkatest.On(kmsg.Fetch), metadata("x"), 9, false},
		{"a version", kafkatest.Versions(kmsg.Metadata, 3, 9), metadata("x"), 9, true},
		{"a later version", kafkatest.Versions(kmsg.Metadata, 3, 8), metadata("x"), 9, false},
		{"a topic by name", kafkatest.Topic("orders"), metadata("bills", "orders"), 9, true},
		{"a topic by id", kafkatest.Topic("orders"), byID, 12, true},
		{"a topic among all", kafkatest.Topic("orders"), metadata(), 9, true},
		{"no such topic", kafkatest.Topic("order"), metadata("orders"), 9, false},
		{"a partition", kafkatest.Topic("orders", 1), produce(1, "orders"), 9, true},
		{"another partition", kafkatest.Topic("orders", 2), produce(1, "orders"), 9, false},
		{"a group", kafkatest.OfGroup("g"), heartbeat("g"), 3, true},
		{"another group", kafkatest.OfGroup("h"), heartbeat("g"), 3, false},
		{"one of many groups", kafkatest.OfGroup("name"), filled(int16(kmsg.DescribeGroups), 5), 5, true},
		{"a coordinator's group", kafkatest.OfGroup("g"), coordinatorOf(0, "g"), 3, true},
		{"not a transaction's group", kafkatest.OfGroup("g"), coordinatorOf(1, "g"), 3, false},
		{"a coordinator's transaction", kafkatest.TxnID("g"), coordinatorOf(1, "g"), 4, true},
		{"a transactional id", kafkatest.TxnID("name"), filled(int16(kmsg.EndTxn), 4), 4, true},
		{"a resource", kafkatest.Topic("name"), filled(int16(kmsg.DescribeConfigs), 4), 4, true},
		{"the client", kafkatest.Client("app"), heartbeat("g"), 3, true},
		{"the principal", kafkatest.Principal("User:ANONYMOUS"), heartbeat("g"), 3, true},
		{"the listener", kafkatest.Via("PLAINTEXT"), heartbeat("g"), 3, true},
		{"another listener", kafkatest.Via("SSL"), heartbeat("g"), 3, false},
		{"the broker", kafkatest.FromBroker(0), heartbeat("g"), 3, true},
		{"another broker", kafkatest.FromBroker(1), heartbeat("g"), 3, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := c
			if row.req.Key() != int16(kmsg.Metadata) {
				c = without
			}
			held := make(chan bool, 1)
			remove := c.Before(func(e kafkatest.Exchange) (kafkatest.Verdict, bool) {
				held <- row.when(e)
				return kafkatest.Verdict{Cut: kafkatest.Close}, true
			})
			defer remove()
			b := dial(t, c.Broker(0))
			b.send(row.req, row.v)
			if got := <-held; got != row.want {
				t.Errorf("holds: %v, want %v", got, row.want)
			}
			b.wantClosed()
		})
	}
}

func topicID(t *testing.T, c *kafkatest.Cluster, name string) [16]byte {
	t.Helper()
	return ask[*kmsg.MetadataResponse](dial(t, c.Broker(0)), metadata(name), 12).Topics[0].TopicID
}

func coordinatorOf(kind int8, key string) *kmsg.FindCoordinatorRequest {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = kind, key, []string{key}
	return req
}

func TestAVerdictDoesToTheConnectionWhatItSays(t *testing.T) {
	for _, row := range []struct {
		text string
		look func(t *testing.T, b *client)
	}{
		{"before Heartbeat: close", func(t *testing.T, b *client) { b.wantClosed() }},
		{"before Heartbeat: reset", func(t *testing.T, b *client) { b.wantClosed() }},
		{"after Heartbeat: close", func(t *testing.T, b *client) { b.wantClosed() }},
		{"after Heartbeat: half", func(t *testing.T, b *client) {
			if _, err := b.receive(heartbeat("g")); !ended(err) {
				t.Errorf("%v, want half a frame", err)
			}
		}},
		{"after Heartbeat: frame correlation", func(t *testing.T, b *client) {
			if _, err := b.receive(heartbeat("g")); err == nil || ended(err) {
				t.Errorf("%v, want another correlation id", err)
			}
		}},
		{"after Heartbeat: frame length 2147483647", func(t *testing.T, b *client) {
			if _, err := b.receive(heartbeat("g")); err == nil || !strings.Contains(err.Error(), "2147483647") {
				t.Errorf("%v, want a frame of 2 GiB", err)
			}
		}},
		{"before Heartbeat: silence", func(t *testing.T, b *client) {
			ask[*kmsg.ApiVersionsResponse](b, kmsg.NewPtrApiVersionsRequest(), 0)
		}},
	} {
		t.Run(row.text, func(t *testing.T) {
			c := kafkatest.Start(t, kafkatest.Config{Scripted: true})
			c.Broker(0).Handle(kmsg.Heartbeat, kafkatest.Sequence(kmsg.NewPtrHeartbeatResponse()))
			apply(t, c, row.text)
			b := dial(t, c.Broker(0))
			b.send(heartbeat("g"), 3)
			row.look(t, b)
		})
	}
}

func TestAThrottleIsTold(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 1}})
	apply(t, c, "before Metadata: throttle 1500ms")
	r := ask[*kmsg.MetadataResponse](dial(t, c.Broker(0)), metadata(), 9)
	if r.ThrottleMillis != 1500 || len(r.Topics) != 1 {
		t.Errorf("answered %+v", r)
	}
}

func TestARequestIsHeldUntilItIsReleased(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 1}})
	release, asked := make(chan struct{}), make(chan struct{})
	c.Before(func(e kafkatest.Exchange) (kafkatest.Verdict, bool) {
		close(asked)
		return kafkatest.Verdict{Until: release}, true
	})
	b, req := dial(t, c.Broker(0)), metadata()
	b.send(req, 9)
	<-asked
	b.nc.SetReadDeadline(time.Now())
	if _, err := b.in.Peek(1); err == nil {
		t.Error("answered while held")
	}
	b.nc.SetReadDeadline(time.Time{})
	close(release)
	if _, err := b.receive(req); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsWhatARuleHolds(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{Topics: map[string]int{"orders": 1}})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	c.Before(func(e kafkatest.Exchange) (kafkatest.Verdict, bool) {
		close(asked)
		return kafkatest.Verdict{Until: make(chan struct{}), Delay: time.Hour}, true
	})
	dial(t, c.Broker(0)).send(metadata(), 9)
	<-asked
	c.Close()
	if p := c.Problems(); len(p) != 0 {
		t.Errorf("problems %q", p)
	}
}
