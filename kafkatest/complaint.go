// Complaints: what came that nobody expected, and what was expected and never came.

package kafkatest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// complaints gather what is wrong, each once.
type complaints struct {
	mu    sync.Mutex
	lines []string
	times map[string]int
}

// maxComplaints bounds what is kept; further ones are as the last.
const maxComplaints = 100

// add keeps a complaint.
func (c *complaints) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	if c.times[line] == 0 {
		if len(c.lines) == maxComplaints {
			return
		}
		c.lines = append(c.lines, line)
	}
	c.times[line]++
}

// all returns the complaints, those that came up again with how often.
func (c *complaints) all() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.lines {
		if n := c.times[line]; n > 1 {
			line = fmt.Sprintf("%s (%d times)", line, n)
		}
		lines = append(lines, line)
	}
	return lines
}

// Problems returns what speaks against the test having gone as it was told:
// requests that a scripted broker had no answer to, handlers that answered
// another request than was made, and replies that were never asked for. Start
// reports them at the end of the test.
func (c *Cluster) Problems() []string {
	lines := c.complaints.all()
	for _, b := range c.Brokers() {
		for _, line := range b.script.unmet() {
			lines = append(lines, b.name+": "+line)
		}
	}
	return lines
}

// errUntold says that a scripted broker was not told what to answer.
var errUntold = errors.New("nothing was told about it")

// unscripted answers what a scripted broker answers by itself: which versions
// it knows.
func (b *Broker) unscripted(e Exchange) (kmsg.Response, error) {
	if e.Request.Key() == int16(kmsg.ApiVersions) {
		return b.cluster.listVersions(), nil
	}
	return nil, errUntold
}

// complain records a request that was not expected, with why and with what
// was told instead.
func (b *Broker) complain(e Exchange, cause int, why error) {
	name := kmsg.NameForKey(e.Request.Key())
	line := fmt.Sprintf("%s: unexpected %s%s", b.name, e.Name(), e.about())
	if e.ClientID != "" {
		line += fmt.Sprintf(" from client %q", e.ClientID)
	}
	line += fmt.Sprintf(": %v; %s; answer it by Broker.Handle(kmsg.%s, ...) or Broker.Reply(&kmsg.%sResponse{...})",
		why, b.script.nearest(e.Request.Key()), name, name)
	b.cluster.note(journal.Event{
		Kind: "kafka.unexpected", Where: b.name, Peer: e.ClientID, Subject: e.Name(), Cause: cause,
		Notes: []journal.Note{{Key: "why", Value: why.Error()}},
	})
	b.cluster.complaints.add(line)
}

// maxAbout is how many matters of a request are told.
const maxAbout = 3

// about says what a request is about, such as " about orders/0, orders/1".
func (e Exchange) about() string {
	var matters []string
	s := sieve{topicName: e.topicName, keep: func(m matter) bool {
		if text := m.String(); text != "" && !slices.Contains(matters, text) {
			matters = append(matters, text)
		}
		return true
	}}
	s.request(e.Request)
	switch {
	case len(matters) == 0:
		return ""
	case len(matters) > maxAbout:
		matters = append(matters[:maxAbout], fmt.Sprintf("and %d more", len(matters)-maxAbout))
	}
	return " about " + strings.Join(matters, ", ")
}

// String returns the matter in words; "" of none.
func (m matter) String() string {
	var words []string
	switch {
	case m.topic != "" && m.partition >= 0:
		words = append(words, fmt.Sprintf("%s/%d", m.topic, m.partition))
	case m.topic != "":
		words = append(words, m.topic)
	}
	if m.group != "" {
		words = append(words, "group "+m.group)
	}
	if m.txn != "" {
		words = append(words, "transactional id "+m.txn)
	}
	return strings.Join(words, " ")
}
