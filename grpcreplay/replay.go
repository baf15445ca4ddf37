// The client interceptors that replay.

package grpcreplay

import (
	"context"
	"io"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A party answers one call: what the client does goes in, what the server
// does comes out.
type party interface {
	send(b []byte) bool // false if the call is over: next tells how
	closeSend()
	next() tape.Event // the server's next event; at the end, the end
	abandon()         // the client is gone
}

// A desk opens parties for the calls that come.
type desk interface {
	party(ctx context.Context, method string, pairs []tape.Pair) party
}

// A candid party can tell whether the real service answered: then gRPC has
// done itself what the call's options ask for.
type candid interface{ real() bool }

// A refuser is a party that may know at once that a stream is not to be opened.
type refuser interface{ refused() *tape.Event }

// isReal tells whether it was the real service that answered.
func isReal(p party) bool {
	c, ok := p.(candid)
	return ok && c.real()
}

// recordedAddr is who answers, as peer.Peer has it.
type recordedAddr struct{}

func (recordedAddr) Network() string { return "grpcreplay" }
func (recordedAddr) String() string  { return "recording" }

var recordedPeer = peer.Peer{Addr: net.Addr(recordedAddr{})}

// hints are what a call's options want besides its codec.
type hints struct {
	choice
	header, trailer []*metadata.MD
	peers           []*peer.Peer
	finish          []func(error)
	most            int // bytes of a message that may be received
	mostSent        int // and sent
}

// hintsOf reads a call's options.
func hintsOf(opts []grpc.CallOption) (h hints, err error) {
	h.most, h.mostSent = 4<<20, mostSent(opts) // gRPC's default is 4 MiB
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			h.header = append(h.header, o.HeaderAddr)
		case grpc.TrailerCallOption:
			h.trailer = append(h.trailer, o.TrailerAddr)
		case grpc.PeerCallOption:
			h.peers = append(h.peers, o.PeerAddr)
		case grpc.OnFinishCallOption:
			h.finish = append(h.finish, o.OnFinish)
		case grpc.MaxRecvMsgSizeCallOption:
			h.most = o.MaxRecvMsgSize
		}
	}
	h.choice, err = codecOf(opts)
	return h, err
}

// encode makes bytes of a message, and errs as gRPC does.
func (h *hints) encode(m any) ([]byte, error) {
	body, err := marshal(h.codec, m)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "grpc: error while marshaling: %v", err)
	}
	defer body.Free()
	if n := body.Len(); n > h.mostSent {
		return nil, status.Errorf(codes.ResourceExhausted,
			"trying to send message larger than max (%d vs. %d)", n, h.mostSent)
	}
	return body.Materialize(), nil
}

// decode makes a message of its bytes: what stood in it before is gone.
func (h *hints) decode(b []byte, m any) error {
	if len(b) > h.most {
		return status.Errorf(codes.ResourceExhausted,
			"grpc: received message larger than max (%d vs. %d)", len(b), h.most)
	}
	data := mem.BufferSlice{mem.SliceBuffer(b)}
	if f, ok := m.(*frame); ok {
		return raw{}.Unmarshal(data, f)
	}
	if err := h.codec.Unmarshal(data, m); err != nil {
		return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err)
	}
	return nil
}

// over fills in what the options asked for, when the call is over.
func (h *hints) over(header, trailer metadata.MD, err error) {
	for _, md := range h.header {
		*md = header
	}
	for _, md := range h.trailer {
		*md = trailer
	}
	for _, p := range h.peers {
		*p = recordedPeer
	}
	for _, f := range h.finish {
		f(err)
	}
}

// A unary is a unary call as an interceptor gets it.
type unary struct {
	method     string
	req, reply any
	opts       []grpc.CallOption
}

// replayUnary answers a unary call from a desk.
func replayUnary(ctx context.Context, d desk, c unary) error {
	h, err := hintsOf(c.opts)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		err = status.FromContextError(err).Err()
		h.over(nil, nil, err)
		return err
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	p := d.party(ctx, c.method, pairsOf(md))
	body, err := h.encode(c.req)
	if err != nil { // the call is made, and given up
		p.abandon()
		h.over(nil, nil, err)
		return err
	}
	if p.send(body) {
		p.closeSend()
	}
	header, trailer, err := receive(p, &h, c.reply)
	if !isReal(p) {
		h.over(header, trailer, err)
	}
	return err
}

// errAnother is gRPC's error of a call that has two responses where one may be.
var errAnother = status.Error(codes.Internal,
	"cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message")

// receive takes all that the server does in a call with one response. Header
// and trailer are those that the call's options ask for.
func receive(p party, h *hints, reply any) (header, trailer metadata.MD, err error) {
	answered := false
	for {
		switch e := p.next(); e.Kind {
		case tape.Header:
			if len(h.header) > 0 {
				header = withType(metadataOf(e.Pairs), h.subtype)
			}
		case tape.Recv:
			if answered {
				p.abandon()
				return header, nil, errAnother
			}
			answered = true
			if err := h.decode(e.Message, reply); err != nil {
				p.abandon()
				return header, nil, err
			}
		case tape.End:
			err := errorOf(e.Status)
			if err == nil && !answered {
				err = status.Error(codes.Internal,
					"cardinality violation: received no response message from non-server-streaming RPC")
			}
			if len(h.trailer) > 0 {
				trailer = trailerOf(&e)
			}
			return header, trailer, err
		}
	}
}

// A streaming is a stream as an interceptor gets it.
type streaming struct {
	desc   *grpc.StreamDesc
	method string
	opts   []grpc.CallOption
}

// replayStream answers a stream from a desk.
func replayStream(ctx context.Context, d desk, c streaming) (grpc.ClientStream, error) {
	h, err := hintsOf(c.opts)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		err = status.FromContextError(err).Err()
		h.over(nil, nil, err)
		return nil, err
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	x := &played{desc: c.desc, hints: h, turn: newTurnstile()}
	x.ctx, x.cancel = context.WithCancel(peer.NewContext(ctx, &recordedPeer))
	x.party = d.party(ctx, c.method, pairsOf(md))
	if r, ok := x.party.(refuser); ok {
		if e := r.refused(); e != nil { // it was refused before anything was sent, and is again
			x.end(*e)
			return nil, x.err
		}
	}
	context.AfterFunc(x.ctx, x.gone) // which end cancels
	return x, nil
}

// A played is a client's stream that is answered from a desk.
type played struct {
	hints
	party  party
	desc   *grpc.StreamDesc
	ctx    context.Context
	cancel context.CancelFunc

	turn    turnstile   // held by who takes the server's events
	pending *tape.Event // a message that Header had to take
	head    metadata.MD
	headed  bool // the header has come, or it never will
	after   metadata.MD
	ended   bool
	err     error // how it ended; io.EOF is well

	last   bool                        // the client has sent its last; only its sender looks
	broken atomic.Pointer[tape.Status] // the client's own fault in sending, which ended the call
}

// gone tells the party that the client gave up, if nobody is receiving who
// would do so.
func (x *played) gone() {
	if !x.turn.try() {
		return // who receives sees the context end
	}
	defer x.turn.leave()
	if !x.ended {
		x.end(x.party.next())
	}
}

// end takes the end down. The caller holds the turn.
func (x *played) end(e tape.Event) {
	x.ended, x.headed = true, true
	if broken := x.broken.Load(); broken != nil {
		e = tape.Event{Kind: tape.End, Status: *broken}
	}
	x.after = trailerOf(&e)
	if x.err = errorOf(e.Status); x.err == nil {
		x.err = io.EOF
	}
	err := x.err
	if err == io.EOF {
		err = nil
	}
	if !isReal(x.party) {
		x.over(x.head, x.after, err)
	}
	x.cancel()
}

// Header waits for the server's initial metadata. As in gRPC it is nil, with
// no error, if the call ended without.
func (x *played) Header() (metadata.MD, error) {
	x.turn.enter()
	defer x.turn.leave()
	if !x.headed {
		x.take()
	}
	return x.head, nil
}

// take takes one event that is no message off the party, or puts a message
// aside. The caller holds the turn.
func (x *played) take() {
	switch e := x.party.next(); e.Kind {
	case tape.Header:
		x.headed, x.head = true, withType(metadataOf(e.Pairs), x.subtype)
	case tape.Recv:
		x.headed, x.pending = true, &e
		if x.head == nil {
			x.head = metadata.MD{}
		}
	case tape.End:
		x.end(e)
	}
}

// Trailer returns the trailer, once the call is over.
func (x *played) Trailer() metadata.MD { return x.after }

// Context is the call's.
func (x *played) Context() context.Context { return x.ctx }

// CloseSend half-closes.
func (x *played) CloseSend() error {
	if !x.last {
		x.last = true
		x.party.closeSend()
	}
	return nil
}

// SendMsg sends a message.
func (x *played) SendMsg(m any) error {
	if x.last {
		return x.breaks(status.Error(codes.Internal, "SendMsg called after CloseSend"))
	}
	if _, ok := m.(*grpc.PreparedMsg); ok {
		return status.Error(codes.Unimplemented,
			"grpcreplay: a grpc.PreparedMsg cannot be replayed by interceptors: send the message, or use Conn")
	}
	body, err := x.encode(m)
	if err != nil {
		return x.breaks(err)
	}
	if !x.party.send(body) && x.desc.ClientStreams {
		return io.EOF
	}
	return nil
}

// breaks ends the call for an error of the client's own in sending: as in
// gRPC, who receives is told of it.
func (x *played) breaks(err error) error {
	s := statusOf(err)
	x.broken.CompareAndSwap(nil, &s)
	x.party.abandon()
	x.gone()
	return err
}

// RecvMsg receives a message, or learns how the call ended.
func (x *played) RecvMsg(m any) error {
	x.turn.enter()
	defer x.turn.leave()
	for x.pending == nil && !x.ended {
		x.take()
	}
	if x.pending == nil {
		return x.err
	}
	e := x.pending
	x.pending = nil
	if err := x.decode(e.Message, m); err != nil {
		return x.fails(err)
	}
	if x.desc.ServerStreams {
		return nil
	}
	for !x.ended && x.pending == nil {
		x.take()
	}
	if x.pending != nil {
		return x.fails(errAnother)
	}
	if x.err == io.EOF {
		return nil
	}
	return x.err
}

// fails ends the call for an error of the client's own. The caller holds the turn.
func (x *played) fails(err error) error {
	x.party.abandon()
	x.end(tape.Event{Kind: tape.End, Status: statusOf(err)})
	return err
}
