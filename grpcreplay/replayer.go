// A replayer: interceptors that answer from a recording.

package grpcreplay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Replayer answers the calls of the connections that have its options from
// a recording, each recorded call once. It opens no connection.
type Replayer struct {
	player *player
	entry  *entrance

	ending turnstile // held by who closes, which takes time
	closed bool
	err    error
}

// NewReplayer returns a replayer of a recording.
func NewReplayer(r *Recording, c Config) (*Replayer, error) {
	p, err := newPlayer(r, c, newNotes(c), nil)
	if err != nil {
		return nil, err
	}
	return &Replayer{player: p, entry: newEntrance(p), ending: newTurnstile()}, nil
}

// Initial returns the bytes that were kept with the recording.
func (r *Replayer) Initial() []byte { return r.player.rec.Initial() }

// DialOptions make a connection answer from the recording. It resolves no
// name, opens no connection and asks for no credentials, whatever its target
// and its other options say.
func (r *Replayer) DialOptions() []grpc.DialOption {
	return append(offline(r.entry),
		grpc.WithChainUnaryInterceptor(r.InterceptUnary), grpc.WithChainStreamInterceptor(r.InterceptStream))
}

// Conn returns a connection to an in-memory server that answers from the
// recording: gRPC with all that belongs to it, and no network.
func (r *Replayer) Conn(opts ...grpc.DialOption) (*grpc.ClientConn, error) { return r.entry.dial(opts) }

// InterceptUnary is the interceptor of unary calls.
func (r *Replayer) InterceptUnary(
	ctx context.Context, method string, req, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return replayUnary(ctx, r.player, unary{method, req, reply, opts})
}

// InterceptStream is the interceptor of streams.
func (r *Replayer) InterceptStream(
	ctx context.Context, desc *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return replayStream(ctx, r.player, streaming{desc, method, opts})
}

// Unused returns the recorded calls that were not made, or not to their end.
func (r *Replayer) Unused() []*Call { return r.player.unused() }

// Close ends the replay. It returns what went wrong in it: calls that nothing
// fitted, answers that came without their causes if Strict, and recorded
// calls that were not made unless AllowUnused. Closing again returns the same.
func (r *Replayer) Close() error {
	r.ending.enter()
	defer r.ending.leave()
	if !r.closed {
		r.closed = true
		r.entry.close()
		r.err = r.player.verdict()
	}
	return r.err
}

// party makes the player a desk.
func (p *player) party(ctx context.Context, method string, pairs []tape.Pair) party {
	return p.open(ctx, method, pairs)
}

// An UnusedError lists recorded calls that a replay did not make, or not to
// their end.
type UnusedError struct{ Calls []*Unused }

// An Unused is a recorded call that is left over.
type Unused struct {
	Call *Call
	Part string // "" if it was not made at all; else how far it was
}

// Error lists the calls.
func (e *UnusedError) Error() string {
	var b strings.Builder
	noun := "calls were"
	if len(e.Calls) == 1 {
		noun = "call was"
	}
	fmt.Fprintf(&b, "grpcreplay: %d recorded %s not made, or not to the end", len(e.Calls), noun)
	for i, u := range e.Calls {
		if i == 10 {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Calls)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s", u.Call)
		if u.Part != "" {
			fmt.Fprintf(&b, ": %s", u.Part)
		}
	}
	b.WriteString("\n  if that is meant, set Config.AllowUnused; else record again")
	return b.String()
}

// left returns what is left over.
func (p *player) left() []*Unused {
	p.mu.Lock()
	defer p.mu.Unlock()
	excuses := maps.Clone(p.excuses)
	var unused []*Unused
	for _, l := range p.deck.Left() {
		c := p.rec.tape.Call(l.Call)
		if (l.Used || !stillborn(c)) && !p.crossed(l, c) && !p.excused(excuses, c) {
			unused = append(unused, &Unused{newCall(c, p.rec.schema), partOf(l)})
		}
	}
	return unused
}

// partOf says how far a call that is left over was made.
func partOf(l match.Left) string {
	if !l.Used {
		return ""
	}
	return fmt.Sprintf("%d of %d events of its client came, %d of %d of its server's were delivered",
		l.Seen, l.Sent, l.Delivered, l.Of)
}

func (p *player) unused() (calls []*Call) {
	for _, u := range p.left() {
		calls = append(calls, u.Call)
	}
	return calls
}

// verdict says what went wrong.
func (p *player) verdict() error {
	left := p.left()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, m := range p.misses {
		errs = append(errs, m)
	}
	if p.more > 0 {
		errs = append(errs, fmt.Errorf("grpcreplay: no recorded call fits %d more; Config.Log is told of each", p.more))
	}
	if p.config.Strict {
		for _, s := range p.stalls {
			errs = append(errs, s)
		}
	}
	if len(left) > 0 && !p.config.AllowUnused {
		errs = append(errs, &UnusedError{left})
	}
	return errors.Join(errs...)
}
