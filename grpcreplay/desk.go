// Who answers a call: rules, the recording, the real service.

package grpcreplay

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// An arrival is a call that has come, and how it would be made for real.
type arrival struct {
	ctx    context.Context
	method string
	pairs  []tape.Pair
	live   func() party // nil: there is no real service
}

// answer returns who answers a call.
func (s *Service) answer(a arrival) party {
	made := s.ledger.begin(a.method, a.pairs, s.book.set())
	var p party
	if s.rules.Empty() && (s.player != nil || a.live != nil) {
		p = s.pass(a)
	} else {
		p = &scripted{
			ctx: a.ctx, call: made.snapshot(), acted: make(chan struct{}), lock: newTurnstile(),
			decide: s.rules.Decide, pass: func() party { return s.pass(a) },
			tell: func() *tale { return s.tale(a.method, a.pairs) }, excuse: s.excuse,
		}
	}
	return &witnessed{p, made}
}

// pass returns who answers a call that no rule decided.
func (s *Service) pass(a arrival) party {
	switch {
	case s.player != nil && s.live() && a.live != nil:
		return newHybrid(s.player.open(a.ctx, a.method, a.pairs), func() party { return s.told(a, a.live()) })
	case s.player != nil:
		return s.player.open(a.ctx, a.method, a.pairs)
	case a.live != nil:
		return s.told(a, a.live())
	}
	return s.told(a, &answering{ctx: a.ctx, events: []tape.Event{{Kind: tape.End, Status: statusOf(status.Errorf(
		codes.FailedPrecondition, "grpcreplay: no rule decided %s, and there is no recording and no Config.Target",
		a.method))}}})
}

// told returns a party that tells the journal of its call.
func (s *Service) told(a arrival, p party) party {
	if s.note == nil {
		return p
	}
	return &witnessed{p, s.tale(a.method, a.pairs)}
}

// excuse notes that a rule decided about a call.
func (s *Service) excuse(c *Call) {
	if s.player != nil {
		s.player.excuse(c)
	}
}

// party makes the service a desk for calls that come to its servers.
func (s *Service) party(ctx context.Context, method string, pairs []tape.Pair) party {
	a := arrival{ctx: ctx, method: method, pairs: pairs}
	if s.target != nil {
		a.live = func() party { return relay(ctx, s.upstream(method, pairs)) }
	}
	return s.answer(a)
}

// upstream opens a call at the target, recorded if the mode says so.
func (s *Service) upstream(method string, pairs []tape.Pair) opener {
	return func(ctx context.Context) (grpc.ClientStream, error) {
		ctx, subtype := s.onWire(ctx)
		ctx = metadata.NewOutgoingContext(ctx, metadataOf(pairs))
		opts := []grpc.CallOption{grpc.ForceCodecV2(raw{})}
		if subtype != "" {
			opts = append(opts, grpc.CallContentSubtype(subtype))
		}
		if s.recorder == nil || unrecorded(method) {
			return s.target.NewStream(ctx, both, method, opts...)
		}
		return s.recorder.reel.stream(ctx, streaming{both, method, opts}, tape.Unknown,
			func(opts ...grpc.CallOption) (grpc.ClientStream, error) {
				return s.target.NewStream(ctx, both, method, opts...)
			})
	}
}

// unrecorded tells whether calls of a method that pass by a proxy are not
// part of what its service does: reflection, which replay offers by itself.
func unrecorded(method string) bool { return strings.HasPrefix(method, "/grpc.reflection.") }

// authorityKey is where a context has the authority of a call that came to a proxy.
type authorityKey struct{}

// isOwn tells whether an authority is but our own address, which changes from
// run to run and says nothing.
func (s *Service) isOwn(authority string) bool {
	return authority == memoryAddress || authority == s.Addr()
}

// onWire returns the content-subtype of a call that came to a proxy, and a
// context that knows its authority.
func (s *Service) onWire(ctx context.Context) (context.Context, string) {
	md, _ := metadata.FromIncomingContext(ctx)
	if a := md.Get(":authority"); len(a) > 0 && !s.isOwn(a[0]) {
		ctx = context.WithValue(ctx, authorityKey{}, a[0])
	}
	if t := md.Get("content-type"); len(t) > 0 {
		if subtype, ok := strings.CutPrefix(t[0], "application/grpc"); ok && len(subtype) > 1 {
			return ctx, strings.ToLower(subtype[1:])
		}
	}
	return ctx, ""
}

// InterceptUnary is the interceptor of unary calls.
func (s *Service) InterceptUnary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	if s.recorder != nil {
		invoker = recording(s.recorder, invoker)
	}
	if s.simple() {
		ctx = context.WithValue(ctx, ledgerKey{}, s.ledger)
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	chosen, err := codecOf(opts)
	if err != nil {
		return err
	}
	return replayUnary(ctx, deskFunc(func(ctx context.Context, method string, pairs []tape.Pair) party {
		a := arrival{ctx: ctx, method: method, pairs: pairs}
		if s.live() {
			a.live = func() party {
				return ask(ctx, func(ctx context.Context, req, reply any, more ...grpc.CallOption) error {
					return invoker(ctx, method, req, reply, cc, append(withoutCodec(opts, chosen), more...)...)
				})
			}
		}
		return s.answer(a)
	}), unary{method, req, reply, opts})
}

// recording returns an invoker that records.
func recording(r *Recorder, invoker grpc.UnaryInvoker) grpc.UnaryInvoker {
	return func(
		ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, opts ...grpc.CallOption,
	) error {
		return r.InterceptUnary(ctx, method, req, reply, cc, invoker, opts...)
	}
}

// InterceptStream is the interceptor of streams.
func (s *Service) InterceptStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	if s.recorder != nil {
		streamer = recordingStreams(s.recorder, streamer)
	}
	if s.simple() {
		ctx = context.WithValue(ctx, ledgerKey{}, s.ledger)
		return streamer(ctx, desc, cc, method, opts...)
	}
	chosen, err := codecOf(opts)
	if err != nil {
		return nil, err
	}
	return replayStream(ctx, deskFunc(func(ctx context.Context, method string, pairs []tape.Pair) party {
		a := arrival{ctx: ctx, method: method, pairs: pairs}
		if s.live() {
			a.live = func() party {
				return relay(ctx, func(ctx context.Context) (grpc.ClientStream, error) {
					return streamer(ctx, desc, cc, method, withoutCodec(opts, chosen)...)
				})
			}
		}
		return s.answer(a)
	}), streaming{desc, method, opts})
}

// recordingStreams returns a streamer that records.
func recordingStreams(r *Recorder, streamer grpc.Streamer) grpc.Streamer {
	return func(
		ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, opts ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		return r.InterceptStream(ctx, desc, cc, method, streamer, opts...)
	}
}

// simple tells whether calls are recorded and nothing else is done to them.
func (s *Service) simple() bool { return s.recorder != nil && s.player == nil && s.rules.Empty() }

// ledgerKey is where a context has the ledger that its call goes to.
type ledgerKey struct{}

// deskFunc makes a function a desk.
type deskFunc func(ctx context.Context, method string, pairs []tape.Pair) party

func (f deskFunc) party(ctx context.Context, method string, pairs []tape.Pair) party {
	return f(ctx, method, pairs)
}
