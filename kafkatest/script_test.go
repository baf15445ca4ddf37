// Scripted brokers: what they answer, and what they say when it was not expected.

package kafkatest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A recorder is a test that another test looks at.
type recorder struct {
	testing.TB
	cleanups     []func()
	errors, logs []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool              { return len(r.errors) > 0 }
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) Logf(f string, a ...any)   { r.logs = append(r.logs, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...) }

// finish ends the test, as package testing does.
func (r *recorder) finish() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

// scripted starts a scripted cluster of one broker for a test that succeeds.
func scripted(t *testing.T) *kafkatest.Broker {
	return kafkatest.Start(t, kafkatest.Config{Scripted: true}).Broker(0)
}

func heartbeat(group string) *kmsg.HeartbeatRequest {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group = group
	return req
}

func heartbeatReply(err *kerr.Error) *kmsg.HeartbeatResponse {
	resp := kmsg.NewPtrHeartbeatResponse()
	resp.ErrorCode = err.Code
	return resp
}

func TestRepliesAreQueuedByTheirAPI(t *testing.T) {
	b := scripted(t)
	b.Reply(heartbeatReply(kerr.UnknownMemberID), kmsg.NewPtrMetadataResponse(), heartbeatReply(kerr.IllegalGeneration))
	c := dial(t, b)
	if r := ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 4); r.ErrorCode != kerr.UnknownMemberID.Code {
		t.Errorf("first heartbeat: code %d", r.ErrorCode)
	}
	if r := ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 0); r.ErrorCode != kerr.IllegalGeneration.Code {
		t.Errorf("second heartbeat: code %d", r.ErrorCode)
	}
	ask[*kmsg.MetadataResponse](c, metadata(), 9)
}

func TestAQueueOfRepliesHasNoBound(t *testing.T) {
	b := scripted(t)
	const many = 2000
	for range many {
		b.Reply(kmsg.NewPtrHeartbeatResponse())
	}
	c := dial(t, b)
	for range many {
		ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 3)
	}
}

func TestWhateverComesNextIsAnsweredInOrder(t *testing.T) {
	b := scripted(t)
	b.ReplyNext(kmsg.NewPtrMetadataResponse(), heartbeatReply(kerr.RebalanceInProgress))
	c := dial(t, b)
	ask[*kmsg.ApiVersionsResponse](c, kmsg.NewPtrApiVersionsRequest(), 0)
	ask[*kmsg.MetadataResponse](c, metadata(), 5)
	if r := ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 3); r.ErrorCode != kerr.RebalanceInProgress.Code {
		t.Errorf("heartbeat: code %d", r.ErrorCode)
	}
}

func TestAReplyMayBeForARequestOfOneKind(t *testing.T) {
	b := scripted(t)
	b.Handle(kmsg.Heartbeat, kafkatest.Sequence(kmsg.NewPtrHeartbeatResponse()))
	b.ReplyWhen(kafkatest.OfGroup("billing").Nth(2), heartbeatReply(kerr.UnknownMemberID))
	c := dial(t, b)
	var got []int16
	for _, group := range []string{"other", "billing", "other", "billing", "billing"} {
		got = append(got, ask[*kmsg.HeartbeatResponse](c, heartbeat(group), 3).ErrorCode)
	}
	if want := []int16{0, 0, 0, kerr.UnknownMemberID.Code, 0}; !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
}

func TestTheLastOfASequenceRepeats(t *testing.T) {
	b := scripted(t)
	b.Handle(kmsg.Heartbeat,
		kafkatest.Sequence(heartbeatReply(kerr.RebalanceInProgress), kmsg.NewPtrHeartbeatResponse()))
	c := dial(t, b)
	var got []int16
	for range 4 {
		got = append(got, ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 4).ErrorCode)
	}
	if want := []int16{kerr.RebalanceInProgress.Code, 0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
}

func TestASequenceMayBeSharedByConnections(t *testing.T) {
	b := scripted(t)
	b.Handle(kmsg.Heartbeat, kafkatest.Sequence(kmsg.NewPtrHeartbeatResponse()))
	var wg sync.WaitGroup
	for version := range int16(5) {
		c := dial(t, b)
		wg.Go(func() {
			for range 50 {
				if _, err := c.try(heartbeat("g"), version); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTheVersionOfAnAnswerIsCorrected(t *testing.T) {
	b := scripted(t)
	r := kmsg.NewPtrMetadataResponse()
	r.Version = 3
	b.Handle(kmsg.Metadata, func(kafkatest.Exchange) kmsg.Response { return r })
	c := dial(t, b)
	for version := range int16(14) {
		ask[*kmsg.MetadataResponse](c, metadata(), version)
	}
	if r.Version != 3 {
		t.Errorf("the handler's own answer was changed to version %d", r.Version)
	}
}

func TestANilAnswerIsSilenceAndTheNextIsServed(t *testing.T) {
	b := scripted(t)
	b.Handle(kmsg.Heartbeat, kafkatest.Sequence(nil, heartbeatReply(kerr.UnknownMemberID)))
	c := dial(t, b)
	c.send(heartbeat("g"), 3)
	if r := ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 3); r.ErrorCode != kerr.UnknownMemberID.Code {
		t.Errorf("code %d", r.ErrorCode)
	}
}

func TestAnUnexpectedRequestFailsTheTest(t *testing.T) {
	r := &recorder{}
	b := kafkatest.Start(r, kafkatest.Config{Scripted: true}).Broker(0)
	b.Handle(kmsg.Metadata, b.AsLeader(map[string]int{"orders": 1}))
	for range 2 {
		c := dial(t, b)
		c.send(produce(1, "orders"), 9)
		c.wantClosed()
	}
	r.finish()
	want := `unexpected Produce v9 about orders/0, orders/1 from client "app": nothing was told about it; ` +
		`the broker was told Metadata (a handler); answer it by Broker.Handle(kmsg.Produce, ...)`
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], want) || !strings.Contains(r.errors[0], "(2 times)") {
		t.Errorf("reported %q,\nwant %q", r.errors, want)
	}
	if !slices.ContainsFunc(r.logs, func(s string) bool { return strings.Contains(s, "seed 1") }) {
		t.Errorf("the seed is not printed: %q", r.logs)
	}
}

func TestTheNearestExpectationIsTold(t *testing.T) {
	rows := []struct {
		name string
		tell func(*kafkatest.Broker)
		want string
	}{
		{"a queue at its end", func(b *kafkatest.Broker) { b.Reply(kmsg.NewPtrHeartbeatResponse()) },
			"1 reply to it, and no more, had been queued"},
		{"another order", func(b *kafkatest.Broker) {
			b.ReplyNext(kmsg.NewPtrHeartbeatResponse(), kmsg.NewPtrMetadataResponse())
		}, "it came where the next reply is to Metadata"},
		{"a condition", func(b *kafkatest.Broker) {
			b.ReplyWhen(kafkatest.OfGroup("g").First(), kmsg.NewPtrHeartbeatResponse(), kmsg.NewPtrHeartbeatResponse())
		}, "1 reply under a condition that did not hold"},
		{"an answer to something else", func(b *kafkatest.Broker) {
			b.Handle(kmsg.Heartbeat, func(e kafkatest.Exchange) kmsg.Response {
				if len(e.ClientID) > 0 && e.Conn == "broker 0 conn 1" {
					return kmsg.NewPtrSyncGroupResponse()
				}
				return kmsg.NewPtrHeartbeatResponse()
			})
		}, "it was to be answered with an answer to SyncGroup"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := &recorder{}
			c := kafkatest.Start(r, kafkatest.Config{Scripted: true})
			row.tell(c.Broker(0))
			for range 2 {
				_, _ = dial(t, c.Broker(0)).try(heartbeat("g"), 3)
			}
			r.finish()
			if len(r.errors) == 0 || !strings.Contains(r.errors[0], row.want) {
				t.Errorf("reported %q, want %q", r.errors, row.want)
			}
		})
	}
}

func TestRepliesThatNobodyAskedForFailTheTest(t *testing.T) {
	r := &recorder{}
	b := kafkatest.Start(r, kafkatest.Config{Scripted: true}).Broker(0)
	b.Reply(kmsg.NewPtrHeartbeatResponse(), kmsg.NewPtrHeartbeatResponse())
	b.ReplyNext(nil)
	b.ReplyWhen(kafkatest.On(kmsg.Fetch), nil)
	r.finish()
	want := []string{
		"kafkatest: broker 0: 2 replies to Heartbeat never asked for",
		"kafkatest: broker 0: 1 reply to whatever comes next never asked for, the first of them silence",
		"kafkatest: broker 0: 1 reply under a condition never asked for",
	}
	if !slices.Equal(r.errors, want) {
		t.Errorf("reported %q, want %q", r.errors, want)
	}
}

func TestARuleThatNeverFiredIsLogged(t *testing.T) {
	r := &recorder{}
	c := kafkatest.Start(r, kafkatest.Config{})
	c.Fail(kmsg.Produce, nil, kerr.NotLeaderForPartition)
	r.finish()
	if len(r.errors) != 0 || len(r.logs) != 1 || !strings.Contains(r.logs[0], "rule 1: never asked") {
		t.Errorf("errors %q, logs %q", r.errors, r.logs)
	}
}

func TestAfterCloseNothingPanics(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{Scripted: true})
	if err != nil {
		t.Fatal(err)
	}
	b := c.Broker(0)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	b.Reply(kmsg.NewPtrHeartbeatResponse())
	b.ReplyNext(nil)
	b.Handle(kmsg.Fetch, kafkatest.Sequence())
	b.Stop()
	b.Kill()
	if err := b.Restart(); err == nil {
		t.Error("a broker of a closed cluster was started")
	}
	if len(b.History())+len(c.History()) != 0 || len(c.Problems()) == 0 {
		t.Errorf("problems %q", c.Problems())
	}
}

func TestCloseDoesNotWaitForAHandlerThatWaitsForTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(memory)
		c, err := kafkatest.New(kafkatest.Config{Scripted: true, Listen: m.listen})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		c.Broker(0).Handle(kmsg.Heartbeat, func(kafkatest.Exchange) kmsg.Response {
			<-release
			return nil
		})
		speak(t, m.dial(t, 0)).send(heartbeat("g"), 3)
		synctest.Wait()
		began := time.Now()
		if err := c.Close(); err != nil || time.Since(began) > time.Second {
			t.Errorf("Close took %v, %v", time.Since(began), err)
		}
		close(release)
		if p := c.Problems(); len(p) != 1 || !strings.Contains(p[0], "did not return") {
			t.Errorf("problems %q", p)
		}
	})
}

func TestAHandlerMayWaitForTheEndOfItsBroker(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{Scripted: true})
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{})
	c.Broker(0).Handle(kmsg.Heartbeat, func(e kafkatest.Exchange) kmsg.Response {
		close(entered)
		<-e.Context().Done()
		return nil
	})
	dial(t, c.Broker(0)).send(heartbeat("g"), 3)
	<-entered
	c.Close()
	if p := c.Problems(); len(p) != 0 {
		t.Errorf("problems %q", p)
	}
}

func TestAHandlerMayUseItsBroker(t *testing.T) {
	b := scripted(t)
	b.Handle(kmsg.Heartbeat, func(kafkatest.Exchange) kmsg.Response {
		b.Reply(heartbeatReply(kerr.UnknownMemberID))
		b.Handle(kmsg.Heartbeat, nil)
		b.History()
		return kmsg.NewPtrHeartbeatResponse()
	})
	c := dial(t, b)
	if r := ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 3); r.ErrorCode != 0 {
		t.Errorf("code %d", r.ErrorCode)
	}
	if r := ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 3); r.ErrorCode != kerr.UnknownMemberID.Code {
		t.Errorf("code %d", r.ErrorCode)
	}
}

func TestOneConnectionsHandlerDoesNotHoldUpAnothers(t *testing.T) {
	b := scripted(t)
	entered, release := make(chan struct{}), make(chan struct{})
	b.Handle(kmsg.Heartbeat, func(e kafkatest.Exchange) kmsg.Response {
		if e.Conn == "broker 0 conn 1" {
			close(entered)
			<-release
		}
		return kmsg.NewPtrHeartbeatResponse()
	})
	first, req := dial(t, b), heartbeat("g")
	first.send(req, 3)
	<-entered
	ask[*kmsg.HeartbeatResponse](dial(t, b), heartbeat("g"), 3)
	close(release)
	if _, err := first.receive(req); err != nil {
		t.Error(err)
	}
}

func TestWhatWasAnsweredIsSentBeforeAHandlerIsAsked(t *testing.T) {
	b := scripted(t)
	release := make(chan struct{})
	b.Handle(kmsg.Heartbeat, func(kafkatest.Exchange) kmsg.Response {
		<-release
		return kmsg.NewPtrHeartbeatResponse()
	})
	c := dial(t, b)
	first, second := kmsg.NewPtrApiVersionsRequest(), heartbeat("g")
	second.Version = 3
	both := wire.AppendRequest(nil, wire.Header{Correlation: 1}, first)
	both = wire.AppendRequest(both, wire.Header{Correlation: 2}, second)
	if _, err := c.nc.Write(both); err != nil {
		t.Fatal(err)
	}
	c.correlation = 1
	if _, err := c.receive(first); err != nil {
		t.Error(err)
	}
	close(release)
	c.correlation = 2
	if _, err := c.receive(second); err != nil {
		t.Error(err)
	}
}

func TestAHandlerTakesTheStatesPlace(t *testing.T) {
	b := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 1}}).Broker(0)
	b.Handle(kmsg.Metadata, kafkatest.Sequence(kmsg.NewPtrMetadataResponse()))
	c := dial(t, b)
	if r := ask[*kmsg.MetadataResponse](c, metadata(), 9); len(r.Topics) != 0 {
		t.Errorf("answered %+v", r)
	}
	b.Handle(kmsg.Metadata, nil)
	if r := ask[*kmsg.MetadataResponse](c, metadata(), 9); len(r.Topics) != 1 {
		t.Errorf("answered %+v", r)
	}
}

func TestABrokerNamesItself(t *testing.T) {
	b := scripted(t)
	b.Handle(kmsg.Metadata, b.AsLeader(map[string]int{"orders": 2}))
	b.Handle(kmsg.FindCoordinator, b.AsCoordinator())
	c := dial(t, b)
	m := ask[*kmsg.MetadataResponse](c, metadata("orders", "bills"), 12)
	if len(m.Brokers) != 1 || fmt.Sprintf("%s:%d", m.Brokers[0].Host, m.Brokers[0].Port) != b.Addr() {
		t.Errorf("brokers %+v, want %s", m.Brokers, b.Addr())
	}
	if len(m.Topics) != 2 || len(m.Topics[0].Partitions) != 2 ||
		m.Topics[1].ErrorCode != kerr.UnknownTopicOrPartition.Code {
		t.Errorf("topics %+v", m.Topics)
	}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey, find.CoordinatorKeys = "g", []string{"g", "h"}
	r := ask[*kmsg.FindCoordinatorResponse](c, find, 3)
	if r.NodeID != 0 || fmt.Sprintf("%s:%d", r.Host, r.Port) != b.Addr() {
		t.Errorf("coordinator %+v", r)
	}
	if r := ask[*kmsg.FindCoordinatorResponse](c, find, 4); len(r.Coordinators) != 2 || r.Coordinators[1].Key != "h" {
		t.Errorf("coordinators %+v", r)
	}
}

func TestHistoryHoldsTheLatestExchanges(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true, Brokers: 2, History: 3})
	for _, b := range c.Brokers() {
		b.Handle(kmsg.Heartbeat, kafkatest.Sequence(kmsg.NewPtrHeartbeatResponse()))
	}
	for i := range 5 {
		b := c.Broker(int32(i % 2))
		ask[*kmsg.HeartbeatResponse](dial(t, b), heartbeat(fmt.Sprint("g", i)), 3)
	}
	last := dial(t, c.Broker(1))
	ask[*kmsg.HeartbeatResponse](last, heartbeat("g5"), 3)
	ask[*kmsg.HeartbeatResponse](last, heartbeat("g6"), 3)
	var got []string
	for _, e := range c.Broker(1).History() {
		got = append(got, e.Request.(*kmsg.HeartbeatRequest).Group)
		e.Request.(*kmsg.HeartbeatRequest).Group = "changed"
		if e.Reply.(*kmsg.HeartbeatResponse).Version != 3 {
			t.Errorf("an answer of version %d", e.Reply.GetVersion())
		}
	}
	if want := []string{"g3", "g5", "g6"}; !slices.Equal(got, want) {
		t.Errorf("broker 1 remembers %v, want %v", got, want)
	}
	if all := c.History(); len(all) != 6 || all[5].Request.(*kmsg.HeartbeatRequest).Group != "g6" {
		t.Errorf("the cluster remembers %d", len(all))
	}
}

func TestAScriptedBrokerAdvertisesTheVersionsOfItsKafka(t *testing.T) {
	rows := []struct {
		version string
		highest int16 // of Metadata
	}{{"", 13}, {"2.8", 11}, {"1.0", 5}}
	for _, row := range rows {
		b := kafkatest.Start(t, kafkatest.Config{Scripted: true, Version: row.version}).Broker(0)
		got := map[int16]int16{}
		for _, k := range ask[*kmsg.ApiVersionsResponse](dial(t, b), kmsg.NewPtrApiVersionsRequest(), 0).ApiKeys {
			got[k.ApiKey] = k.MaxVersion
		}
		if _, internal := got[int16(kmsg.LeaderAndISR)]; got[int16(kmsg.Metadata)] != row.highest || internal {
			t.Errorf("%q: %v", row.version, got)
		}
	}
	if _, err := kafkatest.New(kafkatest.Config{Scripted: true, Version: "0.0"}); err == nil {
		t.Error("a version that there is not is taken")
	}
}

func TestANotifierIsToldTheBytes(t *testing.T) {
	told := make(chan kafkatest.Traffic, 3)
	b := kafkatest.Start(t, kafkatest.Config{
		Scripted: true, Notify: func(x kafkatest.Traffic) { told <- x },
	}).Broker(0)
	b.Handle(kmsg.Heartbeat, kafkatest.Sequence(nil, kmsg.NewPtrHeartbeatResponse()))
	c := dial(t, b)
	c.send(heartbeat("g"), 0)
	ask[*kmsg.HeartbeatResponse](c, heartbeat("g"), 0)
	silent, answered := <-told, <-told
	const request = 4 + 8 + 5 + 3 + 4 + 2 // length, header with "app", group "g", generation, member
	if silent.BytesRead != request || silent.BytesWritten != 0 {
		t.Errorf("silence: %d read, %d written; want %d and 0", silent.BytesRead, silent.BytesWritten, request)
	}
	if answered.BytesRead != request || answered.BytesWritten != 10 || answered.Reply == nil {
		t.Errorf("answer: %d read, %d written; want %d and 10", answered.BytesRead, answered.BytesWritten, request)
	}
}
