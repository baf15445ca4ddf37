// Tests in a browser: what a broker's journal looks like.

package traceview_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

func TestRequestsAreArrowsFromClientToBrokerAndBack(t *testing.T) {
	b := startBrowser(t)
	s := new(story)
	event := func(kind journal.Kind, broker, subject string, cause int) int {
		return s.tell(journal.Event{
			Kind: kind, Where: broker, Peer: "app", Subject: subject, Cause: cause, Size: 22,
			Notes: []journal.Note{{Key: "verdict", Value: "error NOT_LEADER_OR_FOLLOWER"}},
		})
	}
	s.tell(journal.Event{Kind: "kafka.connect", Where: "broker 0", Subject: "PLAINTEXT broker 0 conn 1"})
	asked := event("kafka.request", "broker 0", "Metadata v13", 0)
	event("kafka.response", "broker 0", "Metadata v13", asked)
	asked = event("kafka.request", "broker 1", "Produce v9", 0)
	event("kafka.rule", "broker 1", "Produce v9", asked)
	event("kafka.response", "broker 1", "Produce v9", asked)

	b.open(page(t, &s.Journal))
	if n := b.told("drawnArrows"); n != 4 {
		t.Errorf("%v arrows are drawn for two requests and two answers", n)
	}
	b.press("]")
	if got, want := b.text("#panel h2"), "kafka.ruleevent 5"; got != want {
		t.Errorf("the first problem is %q, want %q", got, want)
	}
	b.content()
}
