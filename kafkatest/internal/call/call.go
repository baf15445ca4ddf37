// A Call: one request as the state sees it, and the parking of it.

package call

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Call is what the state needs to know about one request besides its body.
type Call struct {
	Now       time.Time // of the agenda; the state reads no clock
	Broker    int32     // id of the broker that was asked
	Listener  string    // name of the listener it came in by
	Conn      string    // names the connection, unique in the cluster's life
	ClientID  string    // "" if the client sent none
	Software  string    // name and version, if the client told them (KIP-511)
	Principal string    // "User:alice"; "User:ANONYMOUS" if nobody
	Host      string    // the client's address, without port
	Reached   string    // the address by which the client reached the broker, without port
	Agenda    *Agenda

	// Session is the connection's login, which the state made; nil on listeners
	// where nobody logs in.
	Session any

	// Allow decides what the principal may do; nil allows everything.
	Allow func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool

	// AllowAny decides whether the principal may do op to some resource of
	// that kind, whichever; nil allows everything.
	AllowAny func(op kmsg.ACLOperation, kind kmsg.ACLResourceType) bool

	// Prepared is what state.Prepare made of the request's body before the
	// state was entered; nil if it was not asked.
	Prepared any

	// Cut is set by a handler that returns no response if the connection is to
	// be closed: how a producer that waits for no answer learns of an error.
	Cut bool

	parked *Parked
}

// Allows reports whether the caller may do op to the resource of that kind
// and name.
func (c *Call) Allows(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
	return c.Allow == nil || c.Allow(op, kind, name)
}

// AllowsCluster is Allows for the cluster as a resource.
func (c *Call) AllowsCluster(op kmsg.ACLOperation) bool {
	return c.Allows(op, kmsg.ACLResourceTypeCluster, ClusterName)
}

// AllowsTopic is Allows for a topic.
func (c *Call) AllowsTopic(op kmsg.ACLOperation, topic string) bool {
	return c.Allows(op, kmsg.ACLResourceTypeTopic, topic)
}

// AllowsGroup is Allows for a group.
func (c *Call) AllowsGroup(op kmsg.ACLOperation, group string) bool {
	return c.Allows(op, kmsg.ACLResourceTypeGroup, group)
}

// AllowsTxn is Allows for a transactional id.
func (c *Call) AllowsTxn(op kmsg.ACLOperation, txnID string) bool {
	return c.Allows(op, kmsg.ACLResourceTypeTransactionalId, txnID)
}

// AllowsAny reports whether the caller may do op to some resource of that kind
// (KIP-679).
func (c *Call) AllowsAny(op kmsg.ACLOperation, kind kmsg.ACLResourceType) bool {
	return c.AllowAny == nil || c.AllowAny(op, kind)
}

// Park puts the request aside: its handler returns nil, and whoever comes to
// know the answer calls Answer on what Park returned. A request is parked at
// most once.
func (c *Call) Park() *Parked {
	if c.parked != nil {
		panic("call: a request is parked twice")
	}
	c.Agenda.parked++
	c.parked = &Parked{agenda: c.Agenda, number: c.Agenda.parked}
	return c.parked
}

// Parked returns what Park returned, or nil if the request was not parked.
func (c *Call) Parked() *Parked { return c.parked }

// A Parked request waits for its answer.
type Parked struct {
	// Owner is the shell's own note of whom to wake.
	Owner any

	agenda   *Agenda
	number   uint64 // in the order of parking
	answered bool
	response kmsg.Response
	onGone   func()
}

// Answer gives the request its answer. Further answers are ignored, so that
// a deadline and an event need not know of each other. A nil answer leaves the
// request unanswered for good.
func (p *Parked) Answer(r kmsg.Response) {
	if p.answered {
		return
	}
	p.answered, p.response = true, r
	p.agenda.answered = append(p.agenda.answered, p)
}

// Answered reports whether the request has its answer, or needs none any more.
func (p *Parked) Answered() bool { return p.answered }

// Response returns the answer given; nil before.
func (p *Parked) Response() kmsg.Response { return p.response }

// OnGone has f called if the caller goes away before the answer is given.
func (p *Parked) OnGone(f func()) { p.onGone = f }

// Gone tells that nobody waits for the answer any more: the connection was
// closed or the broker stopped. Answers given later are ignored.
func (p *Parked) Gone() {
	if p.answered {
		return
	}
	p.answered = true
	if p.onGone != nil {
		p.onGone()
	}
}
