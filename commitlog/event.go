// What happens on a node, in the order in which it happens.

package commitlog

import "fmt"

// A Kind is what kind of thing happened.
type Kind string

// The kinds of events. Index, Term and Node are set where a line names them.
const (
	Recovered   Kind = "recovered"   // the log was opened: its last Index and Term
	Elected     Kind = "elected"     // Node leads in Term, as this node learns
	SteppedDown Kind = "steppeddown" // this node no longer leads, since Term
	Ready       Kind = "ready"       // this node leads and has applied an entry of its Term: Index
	MemberAdded Kind = "memberadded" // Node has become a learner or a voter, at Index
	MemberGone  Kind = "membergone"  // Node has left the configuration, at Index
	Rolled      Kind = "rolled"      // a new segment begins at Index
	Truncated   Kind = "truncated"   // entries from Index on were another leader's, and are gone
	Fetched     Kind = "fetched"     // segments up to Index came from Node
	Trimmed     Kind = "trimmed"     // retention has removed what lay before Index
	LatchedUp   Kind = "latched"     // the disk has failed; see Note
	DiskFull    Kind = "full"        // the disk has no room; see Note
	RoomAgain   Kind = "room"        // it has room again
	Refused     Kind = "refused"     // a peer was turned away; see Note
	Gap         Kind = "gap"         // the reader was too slow: events are missing before this one
)

// An Event is one thing that happened on a node. Seq numbers them from 1,
// without holes, anew in each life of the node.
type Event struct {
	Seq         uint64
	Kind        Kind
	Index, Term uint64
	Node        string
	Note        string
}

// String returns the event as a line: "12 elected n1 term=3".
func (e Event) String() string {
	s := fmt.Sprintf("%d %s", e.Seq, e.Kind)
	if e.Node != "" {
		s += " " + e.Node
	}
	if e.Index != 0 {
		s += fmt.Sprintf(" index=%d", e.Index)
	}
	if e.Term != 0 {
		s += fmt.Sprintf(" term=%d", e.Term)
	}
	if e.Note != "" {
		s += ": " + e.Note
	}
	return s
}
