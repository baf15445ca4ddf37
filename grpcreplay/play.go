// Answering calls from a recording: who waits for whom, and for how long.

package grpcreplay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// defaultGrace is how long an answer waits for its causes.
const defaultGrace = time.Second

// A player answers calls from one recording, each recorded call once.
type player struct {
	rec      *Recording
	types    *schema.Set // for live messages: the program's own before the recording's
	config   Config
	ignore   schema.Paths
	required []string // keys of metadata
	secret   secrets
	canons   *canons
	causal   bool // calls wait for one another
	note     *notes
	began    time.Time

	mu      sync.Mutex // for a few instructions; never across a wait
	deck    *match.Deck
	board   *cause.Board
	waiting map[*part]struct{} // for what other calls do
	temper  temper
	resets  map[int]bool // calls that their clients gave up, and whether over a connection
	misses  []*MismatchError
	more    int // misses, beyond mostMisses
	stalls  []*StallError
	excuses map[excuse]int // and how often
}

// newPlayer returns a player of a recording, without the calls to skip.
func newPlayer(rec *Recording, c Config, n *notes, skip func(int) bool) (*player, error) {
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	m, err := c.Match.checked()
	if err != nil {
		return nil, err
	}
	head := rec.tape.Head
	ignore, err := schema.ParsePaths(union(head.Ignore, m.Ignore))
	if err != nil {
		return nil, fmt.Errorf("grpcreplay: Match.Ignore: %w", err)
	}
	types, err := c.types()
	if err != nil {
		return nil, err
	}
	secret, err := newSecrets(head, rec.schema) // by the types it was redacted by
	if err != nil {
		return nil, err
	}
	p := &player{
		rec: rec, types: types.Or(rec.own), config: c,
		ignore: ignore, secret: secret, note: n, began: time.Now(),
		board: cause.NewBoard(rec.tape), waiting: make(map[*part]struct{}), resets: make(map[int]bool),
	}
	if n != nil {
		n.number = func(place int) int { return rec.tape.Call(place).Number }
	}
	p.required = union(head.Metadata, m.Metadata)
	p.canons = &canons{set: p.types, ignore: ignore}
	index := match.New(rec.tape, match.Options{Metadata: p.required, Canon: p.canons.append, Skip: skip})
	p.deck, p.causal = index.Deck(), index.Waits()
	return p, nil
}

// A part is one live call that a player answers: what its client does goes
// in, what the server did comes out.
type part struct {
	player *player
	ctx    context.Context
	method string
	pairs  []tape.Pair
	began  time.Time
	wired  bool // it came over a connection

	// The player's mutex guards what follows.
	talk    *match.Talk
	sent    [][]byte // what the client sent, for a report when nothing fits
	closed  bool
	replied bool // a message of the server is delivered
	ended   bool
	failed  *tape.Event    // the end, once there is one
	lenient bool           // a miss is no error: somebody else is asked
	lost    *MismatchError // why nothing fits
	told    bool           // that nothing fits is reported
	held    time.Time      // a miss is held back until then
	wake    chan struct{}  // made by who waits; something has happened
	story   story
	hold    hold // what its next event waits for
}

// open begins to answer a call.
func (p *player) open(ctx context.Context, method string, pairs []tape.Pair) *part {
	x := &part{player: p, ctx: ctx, method: method, pairs: p.secret.pairs(pairs), began: time.Now()}
	x.wired, _ = ctx.Value(wireKey{}).(bool)
	p.mu.Lock()
	defer p.mu.Unlock()
	x.talk = p.deck.Open(method, x.pairs)
	x.story = p.note.begin(method, x.pairs)
	return x
}

// refused returns the end of a call that was recorded as never opened; nil if
// it was, or if that is not certain.
func (x *part) refused() *tape.Event {
	p := x.player
	p.mu.Lock()
	defer p.mu.Unlock()
	turn := x.talk.Next(false)
	if turn.State != match.Ready || !turn.Event.Status.Refused || len(x.missing(turn)) > 0 {
		return nil
	}
	e, _ := x.deliver(&wait{part: x}, turn)
	return &e
}

// send takes a message of the client. It is false if the call is over: next
// tells how. A message that nothing fits goes its way as it would in truth:
// only what comes back says so.
func (x *part) send(b []byte) bool {
	b, err := x.player.before(x.method, b)
	b = x.player.secret.message(x.method, b)
	p := x.player
	p.mu.Lock()
	defer p.mu.Unlock()
	if x.ended || x.failed != nil || x.ctx.Err() != nil { // its client gave it up itself: nothing of it is sent
		return false
	}
	if err != nil {
		x.fail(statusOf(err))
		return false
	}
	x.story.client(tape.Send, b)
	if x.talk.Over() { // the server has said its last: the message is too late, as it would be in truth
		return false
	}
	x.sent = append(x.sent, b)
	x.does(x.talk.Send(b))
	return true
}

// closeSend takes the client's half-close.
func (x *part) closeSend() {
	x.player.mu.Lock()
	defer x.player.mu.Unlock()
	if x.ended || x.failed != nil || x.closed || x.ctx.Err() != nil {
		return
	}
	x.closed = true
	x.story.client(tape.CloseSend, nil)
	x.does(x.talk.CloseSend())
}

// does follows up what the client did. The caller holds mu.
func (x *part) does(fits bool) {
	if !fits {
		x.miss()
		return
	}
	x.marks()
	x.rouse()
}

// marks tells the board what has happened, and those who wait for it. The
// caller holds mu.
func (x *part) marks() {
	if x.player.causal {
		refs := x.talk.Marks()
		if len(refs) == 0 {
			return
		}
		for _, r := range refs {
			x.player.board.Mark(r)
		}
	}
	for other := range x.player.waiting {
		if other.hold.lifted(x.player.board) {
			other.rouse()
		}
	}
}

// rouse wakes who waits in next, if somebody does. The caller holds mu.
func (x *part) rouse() {
	if x.wake == nil {
		return
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// next waits for what the server does next, and returns it. After an end,
// the end comes again.
func (x *part) next() tape.Event {
	w := wait{part: x}
	defer w.stop()
	for {
		e, ready := x.try(&w)
		if ready {
			return e
		}
		w.wait()
	}
}

// try returns what the server does next, if it is time.
func (x *part) try(w *wait) (tape.Event, bool) {
	p := x.player
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, x)
	if x.failed != nil {
		return x.over(w)
	}
	if err := x.ctx.Err(); err != nil {
		return x.cancelled(err), true
	}
	turn := x.talk.Next(w.over[forRest])
	switch turn.State {
	case match.Ready:
		return x.deliver(w, turn)
	case match.Undecided:
		x.undecided(w)
	case match.Silent:
		return x.silent(w)
	default:
		w.client()
	}
	x.listen()
	return tape.Event{}, false
}

// listen makes sure that rouse is heard. The caller holds mu.
func (x *part) listen() {
	if x.wake == nil {
		x.wake = make(chan struct{}, 1)
	}
}

// deliver returns an event that its own stream does not hold up, when its
// causes and its time have come. The caller holds mu.
func (x *part) deliver(w *wait, turn match.Turn) (tape.Event, bool) {
	p, e := x.player, turn.Event
	if missing := x.missing(turn); len(missing) > 0 {
		if x.holds(w, turn, missing) {
			return tape.Event{}, false
		}
		x.stall(missing, turn)
		p.board.Forgive(missing)
	}
	if d := x.early(turn); d > 0 {
		w.until(d)
		x.listen()
		return tape.Event{}, false
	}
	x.talk.Take()
	x.marks()
	x.story.event(turn.Call, e)
	x.replied = x.replied || e.Kind == tape.Recv
	if e.Kind == tape.End {
		x.ended = true
		x.failed = e // it comes again
		x.talk.End()
	}
	return *e, true
}

// early returns how much time must pass before an event is due, at Config.Pace.
func (x *part) early(turn match.Turn) time.Duration {
	rate := x.player.config.Pace
	if rate <= 0 {
		return 0
	}
	recorded := turn.Event.At - x.player.rec.tape.Call(turn.Call).Start
	return time.Until(x.began.Add(time.Duration(rate * float64(recorded))))
}

// silent waits for the client to end a call that was ended by its client. If
// that will not be, since the client has no means to end it or no deadline
// where it had one, the recorded end comes when the recorded time has passed.
// The caller holds mu.
func (x *part) silent(w *wait) (tape.Event, bool) {
	x.listen()
	at, ok := x.talk.Call()
	if !ok { // none of this method is left: what the client asks for, if it comes soon, is for the report
		if !w.over[forSign] {
			w.grace(forSign, x.patience(w))
			return tape.Event{}, false
		}
		x.miss()
		return x.over(w)
	}
	c := x.player.rec.tape.Call(at)
	end := c.Ended()
	if end == nil { // in flight when the recording ended: nobody knows how it went on
		w.client()
		return tape.Event{}, false
	}
	_, deadline := x.ctx.Deadline()
	if x.ctx.Done() != nil && (deadline || c.Timeout == 0) {
		w.client()
		return tape.Event{}, false
	}
	if !w.over[forTime] {
		w.grace(forTime, end.At-c.Start)
		return tape.Event{}, false
	}
	x.ended, x.failed = true, end
	x.talk.End()
	x.story.event(at, end)
	return *end, true
}

// cancelled ends a call whose client gave it up. An answer that is one is
// taken as a whole. The caller holds mu.
func (x *part) cancelled(err error) tape.Event {
	if !x.ended {
		for x.answered() {
			x.talk.Take()
		}
		x.ended = true
		x.talk.End()
		x.givenUp()
		x.marks()
		x.story.client(tape.Cancel, nil)
	}
	x.fail(statusOf(status.FromContextError(err).Err()))
	return *x.failed
}

// abandon ends a call whose client is gone, without waiting for anything.
func (x *part) abandon() {
	x.player.mu.Lock()
	defer x.player.mu.Unlock()
	if x.ended || x.failed != nil {
		return
	}
	x.cancelled(context.Canceled)
}

// answered tells whether the one answer of a call is taken, and more of it is
// there. The caller holds mu.
func (x *part) answered() bool {
	at, decided := x.talk.Call()
	if !decided {
		return false
	}
	c := x.player.rec.tape.Call(at)
	one := c.Shape == tape.Unary || c.Shape == tape.ClientStream
	return one && x.replied && x.talk.Next(false).State == match.Ready
}

// fail makes next return this end. The caller holds mu.
func (x *part) fail(s tape.Status) {
	x.failed = &tape.Event{Kind: tape.End, Status: s}
	x.rouse()
}

// miss ends a call that nothing recorded fits. The caller holds mu.
func (x *part) miss() {
	x.lost = x.player.mismatch(x)
	x.held = time.Now().Add(x.hesitates())
	if !x.lenient && !x.wired {
		x.report()
	}
	x.ended = true
	x.fail(statusOf(x.lost.GRPCStatus().Err()))
}

// report makes the miss an error of the replay. The caller holds mu.
func (x *part) report() {
	x.told = true
	x.story.miss(x.lost)
	p := x.player
	if len(p.misses) == mostMisses {
		p.more++
		return
	}
	p.misses = append(p.misses, x.lost)
}

// missed tells whether nothing recorded fits.
func (x *part) missed() bool {
	x.player.mu.Lock()
	defer x.player.mu.Unlock()
	return x.lost != nil
}

// strict makes a miss an error after all, from now on or as it has happened.
func (x *part) strict() {
	x.player.mu.Lock()
	defer x.player.mu.Unlock()
	if x.lenient && x.lost != nil {
		x.report()
	}
	x.lenient = false
}

// stall notes that an answer comes without its causes. The caller holds mu.
func (x *part) stall(missing []tape.Ref, turn match.Turn) {
	p := x.player
	e := p.stalled(turn, missing)
	p.stalls = append(p.stalls, e)
	x.story.stall(e)
	if p.config.Strict {
		x.fail(statusOf(status.Error(codes.FailedPrecondition, e.Error())))
	}
}
