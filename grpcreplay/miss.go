// What is said when nothing recorded fits, or a cause does not come.

package grpcreplay

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

// A MismatchError says that a call was made that is not in the recording, or
// no more of it, and what comes nearest. The program gets it as a status of
// code FailedPrecondition.
type MismatchError struct {
	Call    *Call    // as far as it was made
	Nearest []Near   // best first, three at most
	Methods []string // names that are recorded, if no call of this method is
}

// A Near is a recorded call that is like the one made.
type Near struct {
	Call *Call
	Used bool         // it has been answered with already
	Diff []Difference // from the recorded call to the one made
}

// A Difference is one place where two calls differ.
type Difference struct {
	Path      string // such as request 1: items[2].price, or metadata x-tenant
	Want, Got string // recorded and made, as short JSON; "" if absent
}

// Error tells the whole of it, on several lines.
func (e *MismatchError) Error() string {
	return e.text() + "\n  to record it, run again in ModeNew or ModeAll, or with -grpcreplay.record"
}

// text tells what nothing fits and what comes near, in any language's words.
func (e *MismatchError) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "grpcreplay: no recorded call fits %s", e.Call)
	if n := len(e.Call.Requests); n > 1 {
		fmt.Fprintf(&b, " with its %d messages", n)
	}
	for _, m := range e.Methods {
		fmt.Fprintf(&b, "\n  recorded is %s", m)
	}
	for _, n := range e.Nearest {
		used := ""
		if n.Used {
			used = ", which is used up"
		}
		fmt.Fprintf(&b, "\n  near: %s%s", n.Call, used)
		for _, d := range n.Diff {
			fmt.Fprintf(&b, "\n    %s: recorded %s, made %s", d.Path, orNothing(d.Want), orNothing(d.Got))
		}
	}
	return b.String()
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// mostMisses is how many misses a replay keeps for its Close: strangers may ask
// for weeks.
const mostMisses = 1000

// mostMessage is how long the text of a status may be: it travels as a header,
// of which some clients take no more than 8 KiB in all.
const mostMessage = 3 << 10

// GRPCStatus makes it a status: a code that programs do not act on by
// themselves, with the text, and in its details, a google.protobuf.Struct, the
// nearest calls: number, method, whether it is used up, and how it differs, as
// far as that fits into a header.
func (e *MismatchError) GRPCStatus() *status.Status {
	plain := status.New(codes.FailedPrecondition, cutAt(e.text(), mostMessage))
	var nearest []any
	room := 8 // differences in all
	for _, n := range e.Nearest {
		var diff []any
		for _, d := range n.Diff[:min(room, len(n.Diff))] {
			diff = append(diff, map[string]any{"path": d.Path, "recorded": brief(d.Want), "made": brief(d.Got)})
		}
		room -= len(diff)
		nearest = append(nearest, map[string]any{
			"call": n.Call.Number, "method": n.Call.Method, "used": n.Used, "differences": diff,
		})
	}
	detail, err := structpb.NewStruct(map[string]any{"method": e.Call.Method, "nearest": nearest})
	if err != nil { // a value that is no UTF-8
		return plain
	}
	full, err := plain.WithDetails(detail)
	if err != nil {
		return plain
	}
	return full
}

// Entry returns the call that was made as it would stand in a recording's text
// form, ready to be pasted into it and answered by hand.
func (e *MismatchError) Entry() string {
	c := &tape.Call{Number: 1, Method: e.Call.Method, Pairs: pairsOf(e.Call.Metadata)}
	if m := e.Call.schema.Method(c.Method); m != nil {
		c.Shape = tape.ShapeOf(m.IsStreamingClient(), m.IsStreamingServer())
	}
	for _, b := range e.Call.Requests {
		c.Events = append(c.Events, tape.Event{Kind: tape.Send, Message: b})
	}
	if e.Call.Closed || c.Shape.OneRequest() {
		c.Events = append(c.Events, tape.Event{Kind: tape.CloseSend})
	}
	c.Events = append(c.Events, tape.Event{Kind: tape.End})
	var t tape.Tape
	t.Add(c)
	var b strings.Builder
	if err := text.Write(&b, &t, e.Call.schema); err != nil {
		return ""
	}
	_, entry, _ := strings.Cut(b.String(), "\n\ncall 1 ")
	return "call NEW " + entry
}

// A StallError says that an answer did not see what it had waited for when it
// was recorded, and came without it when Config.Grace had passed.
type StallError struct {
	Call    *Call    // whose answer it is
	Waiting []string // what did not happen, such as "call 4 /pay.v1.Pay/Put →1"
}

// Error tells who waited for what.
func (e *StallError) Error() string {
	return fmt.Sprintf("grpcreplay: an answer of %s came without what it had waited for: %s",
		e.Call, strings.Join(e.Waiting, ", "))
}

// mismatch says that nothing fits a part. The caller holds mu.
func (p *player) mismatch(x *part) *MismatchError {
	e := &MismatchError{Call: x.made()}
	for _, n := range p.deck.Nearest(x.method, x.pairs, x.sent, x.closed) {
		if n.Method != x.method {
			e.Methods = append(e.Methods, n.Method)
			continue
		}
		c := p.rec.tape.Call(n.Call)
		e.Nearest = append(e.Nearest, Near{newCall(c, p.rec.schema), n.Used, p.compare(c, x)})
	}
	return e
}

// made is the call as far as its client has made it.
func (x *part) made() *Call {
	return &Call{
		Method: x.method, Metadata: metadataOf(x.pairs), Requests: x.sent, Closed: x.closed, InFlight: true,
		schema: x.player.types, Start: x.began.Sub(x.player.began),
	}
}

// compare tells where a recorded call differs from one that is being made.
func (p *player) compare(c *tape.Call, x *part) (diff []Difference) {
	view := newCall(c, p.types)
	for i, got := range x.sent {
		what := fmt.Sprintf("request %d", i+1)
		if i >= len(view.Requests) {
			diff = append(diff, Difference{Path: what, Got: brief(x.made().RequestJSON(i))})
			continue
		}
		for _, d := range p.types.Diff(p.types.Input(c.Method), view.Requests[i], got, p.ignore.For(c.Method)) {
			if d.Path != "" { // else it is the bytes as a whole that differ
				d.Path = ": " + d.Path
			}
			diff = append(diff, Difference{what + d.Path, d.Want, d.Got})
		}
	}
	if n := len(view.Requests); x.closed && n > len(x.sent) {
		what := fmt.Sprintf("request %d", len(x.sent)+1)
		diff = append(diff, Difference{Path: what, Want: brief(view.RequestJSON(len(x.sent)))})
	}
	for _, key := range p.required {
		want, got := tape.Values(c.Pairs, key), tape.Values(x.pairs, key)
		if fmt.Sprint(want) != fmt.Sprint(got) {
			diff = append(diff, Difference{"metadata " + key, strings.Join(want, ","), strings.Join(got, ",")})
		}
	}
	return diff
}

// stalled says that a turn comes without its causes. The caller holds mu.
func (p *player) stalled(turn match.Turn, missing []tape.Ref) *StallError {
	e := &StallError{Call: newCall(p.rec.tape.Call(turn.Call), p.rec.schema)}
	for _, r := range missing {
		c := p.rec.tape.Call(r.Call)
		e.Waiting = append(e.Waiting, fmt.Sprintf("call %d %s →%d", c.Number, c.Method, r.Nth))
	}
	return e
}
