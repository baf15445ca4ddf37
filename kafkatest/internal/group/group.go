// A group: what all kinds have in common.

package group

import (
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A Kind is what the members of a group speak.
type Kind string

// The kinds of groups there are here, as ListGroups spells them.
const (
	Classic  Kind = "classic"
	Consumer Kind = "consumer" // KIP-848
)

// consumerProtocol is the protocol type of groups that consume topics.
const consumerProtocol = "consumer"

// A group is its body and its offsets.
type group struct {
	x       *Coordinator
	name    string
	body    body
	offsets map[string]map[int32]Offset
	pending map[int64]map[string]map[int32]Offset // by producer id: of open transactions
	turns   int64                                 // commits so far
	expiry  *call.Entry                           // of the offsets, then of the empty group
	emptied time.Time                             // when the last member left
	history []Assignment
}

// A body is the kind of a group: its members and their protocol.
type body interface {
	kind() Kind
	state() string
	protocolType() string
	size() int // members
	blank() bool

	// subscribes reports whether a member consumes the topic.
	subscribes(topic string) bool

	// commitError says why who commits may not; nil if it may.
	commitError(by committer) *kerr.Error

	// fetchError says why the member may not fetch offsets (KIP-848).
	fetchError(member *string, epoch int32) *kerr.Error

	// committed tells that the member committed, which shows that it lives.
	committed(member string)

	moved()
	show(s *Snapshot)
}

// A committer is who says it commits.
type committer struct {
	member     string
	instance   *string
	generation int32 // or member epoch
	version    int16
	txn        bool
}

// anonymous reports whether who commits does not claim to be a member.
func (by committer) anonymous() bool {
	return by.generation < 0 && by.member == "" && by.instance == nil
}

// blank reports whether nothing is known of the group but ids that were given
// out: Kafka shows a group from its first member on.
func (g *group) blank() bool { return g.body.blank() && len(g.offsets) == 0 && len(g.pending) == 0 }

// void reports whether nothing would be lost with the group: neither what is
// known of it nor what is on the agenda for it.
func (g *group) void() bool {
	b, ok := g.body.(*classic)
	return ok && b.now == stateEmpty && g.blank() && len(b.promised) == 0
}

// emptiedNow notes that the last member left: from here on offsets age
// (KIP-211).
func (g *group) emptiedNow() {
	g.emptied = g.x.agenda.Now()
	g.scheduleExpiry()
}

// keptHistory bounds what a group remembers of its assignments.
const keptHistory = 64

// record remembers an assignment that was decided.
func (g *group) record(epoch int32, members map[string]Partitions) {
	if len(g.history) == keptHistory {
		g.history = append(g.history[:0], g.history[1:]...)
	}
	g.history = append(g.history, Assignment{At: g.x.agenda.Now(), Epoch: epoch, Members: members})
}
