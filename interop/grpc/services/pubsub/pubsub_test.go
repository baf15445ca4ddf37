// Topics, publishing, and StreamingPull.

package pubsub_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

const (
	topic        = "projects/p/topics/t"
	subscription = "projects/p/subscriptions/s"
)

// byChance is what is another every time: how a client calls itself, and how
// many acknowledgements it puts together when its clock says so. These come
// to nobody, which their server minds only after ten seconds.
var byChance = stage.Chance{
	Ignore: []string{"google.pubsub.v1.StreamingPullRequest.client_id"},
	Empty: []string{
		"/google.pubsub.v1.Subscriber/Acknowledge", "/google.pubsub.v1.Subscriber/ModifyAckDeadline",
	},
}

// start starts pstest.
func start(testing.TB) (address string, stop func()) {
	s := pstest.NewServer()
	return s.Addr, func() { s.Close() }
}

// client returns a client as its users have it with the emulator.
func client(a *stage.Act) *pubsub.Client {
	a.Helper()
	opts := []option.ClientOption{option.WithEndpoint(a.Address), option.WithoutAuthentication(),
		option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
	for _, o := range a.Options {
		opts = append(opts, option.WithGRPCDialOption(o))
	}
	c, err := pubsub.NewClient(a.Context(), "p", opts...)
	if err != nil {
		a.Fatal(err)
	}
	return c
}

// prepare makes a topic and a subscription.
func prepare(a *stage.Act, c *pubsub.Client, s *pubsubpb.Subscription) {
	t, err := c.TopicAdminClient.CreateTopic(a.Context(), &pubsubpb.Topic{Name: topic})
	a.See("program", "topic %v %v", t.GetName(), err)
	s.Name, s.Topic = subscription, topic
	made, err := c.SubscriptionAdminClient.CreateSubscription(a.Context(), s)
	a.See("program", "subscription %v %v %v", made.GetName(), made.GetTopic(), err)
}

func TestAdministrationIsTheSame(t *testing.T) {
	stage.PlayWith(t, byChance, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		prepare(a, c, &pubsubpb.Subscription{})
		_, err := c.TopicAdminClient.CreateTopic(a.Context(), &pubsubpb.Topic{Name: topic})
		a.See("program", "again: %v", err)
		_, err = c.TopicAdminClient.GetTopic(a.Context(), &pubsubpb.GetTopicRequest{Topic: topic + "x"})
		a.See("program", "another: %v", err)
		for i := range 5 {
			_, err := c.TopicAdminClient.CreateTopic(a.Context(), &pubsubpb.Topic{Name: topic + fmt.Sprint(i)})
			a.See("program", "topic %v", err)
		}
		topics := c.TopicAdminClient.ListTopics(a.Context(),
			&pubsubpb.ListTopicsRequest{Project: "projects/p", PageSize: 2})
		for {
			t, err := topics.Next()
			a.See("program", "listed %v %v", t.GetName(), err)
			if err == iterator.Done || err != nil {
				break
			}
		}
		err = c.SubscriptionAdminClient.DeleteSubscription(a.Context(),
			&pubsubpb.DeleteSubscriptionRequest{Subscription: subscription})
		a.See("program", "deleted %v", err)
	})
}

// receive receives n messages, acknowledges them and returns when all are
// there. said tells what was published so far.
func receive(a *stage.Act, s *pubsub.Subscriber, n int, said func(string) bool) {
	ctx, cancel := context.WithCancel(a.Context())
	defer cancel()
	var mu sync.Mutex
	got := 0
	err := s.Receive(ctx, func(_ context.Context, m *pubsub.Message) {
		if !said(string(m.Data)) {
			a.Errorf("%s was received before it was published", m.Data)
		}
		a.See("receiver of "+string(m.Data), "%s %v %q", m.ID, m.Attributes, m.OrderingKey)
		m.Ack()
		mu.Lock()
		defer mu.Unlock()
		if got++; got == n {
			cancel()
		}
	})
	a.See("receiver", "%v", err)
}

func TestASubscriberReceivesWhatWasPublished(t *testing.T) {
	stage.PlayWith(t, byChance, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		prepare(a, c, &pubsubpb.Subscription{})
		p := c.Publisher(topic)
		defer p.Stop()
		for i := range 5 {
			id, err := p.Publish(a.Context(), &pubsub.Message{
				Data: fmt.Append(nil, "news ", i), Attributes: map[string]string{"n": fmt.Sprint(i), "of": "5"},
			}).Get(a.Context())
			a.See("publisher", "%v %v", id, err)
		}
		receive(a, c.Subscriber(subscription), 5, func(string) bool { return true })
	})
}

func TestASubscriberWhoWaitsHearsNothingTooEarly(t *testing.T) {
	stage.PlayWith(t, byChance, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		prepare(a, c, &pubsubpb.Subscription{})
		var mu sync.Mutex
		published := make(map[string]bool)
		said := func(text string) bool {
			mu.Lock()
			defer mu.Unlock()
			return published[text]
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			receive(a, c.Subscriber(subscription), 5, said)
		}()
		p := c.Publisher(topic)
		defer p.Stop()
		for i := range 5 {
			text := fmt.Sprint("news ", i)
			mu.Lock()
			published[text] = true
			mu.Unlock()
			id, err := p.Publish(a.Context(), &pubsub.Message{Data: []byte(text)}).Get(a.Context())
			a.See("publisher", "%v %v", id, err)
		}
		<-done
	})
}

func TestOrderAndFlowAreKept(t *testing.T) {
	// One after the other, so that each is acknowledged by itself, and before
	// the next comes.
	oneByOne := stage.Chance{Ignore: byChance.Ignore, Empty: byChance.Empty[1:]}
	stage.PlayWith(t, oneByOne, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		prepare(a, c, &pubsubpb.Subscription{EnableMessageOrdering: true})
		p := c.Publisher(topic)
		defer p.Stop()
		p.EnableMessageOrdering = true
		p.PublishSettings.CountThreshold = 1 // else its clock decides how many go together
		const n = 4
		for i := range n {
			m := &pubsub.Message{Data: fmt.Append(nil, i), OrderingKey: "key"}
			id, err := p.Publish(a.Context(), m).Get(a.Context())
			a.See("publisher", "%v %v", id, err)
		}
		s := c.Subscriber(subscription)
		s.ReceiveSettings.MaxOutstandingMessages = 1
		s.ReceiveSettings.NumGoroutines = 1
		ctx, cancel := context.WithCancel(a.Context())
		defer cancel()
		got := 0
		err := s.Receive(ctx, func(_ context.Context, m *pubsub.Message) {
			a.See("receiver", "%s %s %s", m.Data, m.ID, m.OrderingKey)
			m.Ack()
			if got++; got == n {
				cancel()
			}
		})
		a.See("receiver", "%v", err)
	})
}
