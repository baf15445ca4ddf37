// Serving: the way of one exchange past rules, scripts and state.

package kafkatest

import (
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An exchange is an Exchange on its way.
type exchange struct {
	Exchange
	conn        *conn
	correlation int32
	read        int // bytes of the request's frame
	written     int // bytes of the answer's
	cause       int // number of the event of the request
	parked      *call.Parked
	settled     chan struct{} // closed when a parked exchange is settled; nil if it was not parked
	verdict     Verdict       // what becomes of the answer
	fault       *part         // the error that a rule put in the place of a part of the answer
	asked       kmsg.Request  // what the cluster is asked instead of the request; nil for the request
}

func requestName(r kmsg.Request) string {
	return kmsg.NameForKey(r.Key()) + " v" + strconv.Itoa(int(r.GetVersion()))
}

// serve takes an exchange from its request to its answer. An error ends the
// connection.
func (e *exchange) serve(frame []byte) error {
	c := e.conn.broker.cluster
	e.noteRequest(frame)
	c.stir(e.Request.Key())
	v, decided := c.before.Decide(e.Exchange)
	if decided {
		e.noteRule("before", v)
		if err := e.wait(v); err != nil {
			return err
		}
	}
	v.Until, v.Delay = nil, 0
	if e.replaced(v) {
		e.conclude(e.Reply, v)
		return e.deliver()
	}
	if err := e.act(v); err != nil {
		return err
	}
	return e.deliver()
}

// replaced reports whether the verdict of a rule before leaves the cluster
// nothing to do; the answer is then in Reply.
func (e *exchange) replaced(v Verdict) bool {
	switch {
	case v.Reply != nil:
		e.Reply = e.own(v.Reply)
		return true
	case v.Err != nil:
		return !e.refuse(v)
	}
	return v.Cut != NoCut
}

// own returns a copy of an answer that somebody else holds too, for this
// exchange to send in its own version.
func (e *exchange) own(r kmsg.Response) kmsg.Response {
	if r == nil {
		return nil
	}
	if !e.conn.broker.cluster.after.Empty() {
		return cloneResponse(r) // a rule may change it in place
	}
	return shallow(r)
}

// wait does the waiting of a verdict.
func (e *exchange) wait(v Verdict) error {
	if v.Until == nil && v.Delay <= 0 {
		return nil
	}
	if err := e.conn.flush(); err != nil {
		return err
	}
	return e.conn.pause(v.Delay, v.Until)
}

// act has a script or the state answer, and waits for a parked answer.
func (e *exchange) act(v Verdict) error {
	b := e.conn.broker
	r, told, handler, err := b.script.answer(e.Exchange)
	if handler != nil {
		if err := e.conn.flush(); err != nil { // the handler may wait for what that leads to
			return err
		}
		r, told = handler(e.Exchange), true
		err = fits(r, e.Exchange)
	}
	if err == nil && !told {
		r, told = e.login()
	}
	if err == nil && !told && b.cluster.state == nil {
		r, err = b.unscripted(e.Exchange)
		told = true
	}
	if err != nil {
		b.complain(e.Exchange, e.cause, err)
		return errCut
	}
	if told {
		e.conclude(e.own(r), v)
		return nil
	}
	return e.ask(v)
}

// ask enters the state.
func (e *exchange) ask(v Verdict) error {
	x := e.conn
	var r kmsg.Response
	served, cut := false, false
	e.verdict = v
	asked := e.request()
	prepared := state.Prepare(asked)
	open := x.broker.cluster.enter(func(s *state.Cluster) {
		if served = s.Serves(x.broker.id); !served {
			return
		}
		y := e.call(s)
		y.Prepared = prepared
		if r = s.Handle(y, asked); r == nil && y.Parked() != nil {
			e.parked = y.Parked()
			e.parked.Owner = e
			e.settled = make(chan struct{})
		}
		cut = y.Cut
	})
	if !open || !served {
		return errCut
	}
	if cut && v.Cut == NoCut {
		v.Cut = Close
	}
	if e.parked == nil {
		e.conclude(r, v)
		return nil
	}
	return e.await()
}

// request is what the cluster is asked.
func (e *exchange) request() kmsg.Request {
	if e.asked != nil {
		return e.asked
	}
	return e.Request
}

func (e *exchange) call(s *state.Cluster) *call.Call {
	x := e.conn
	y := &call.Call{
		Now: s.Agenda.Now(), Broker: x.broker.id, Listener: x.listener.Name, Conn: x.name,
		ClientID: x.client, Software: x.software, Principal: x.principal,
		Host: x.host, Reached: x.reached, Agenda: s.Agenda,
	}
	if x.session != nil {
		y.Session = x.session
	}
	return y
}

// await waits until a parked exchange is settled.
func (e *exchange) await() error {
	if err := e.conn.flush(); err != nil {
		e.abandon()
		return err
	}
	select {
	case <-e.settled:
		return nil
	case <-e.conn.life.ended:
		e.abandon()
		return errCut
	}
}

// abandon tells the state that nobody waits any more.
func (e *exchange) abandon() {
	e.conn.broker.cluster.enter(func(*state.Cluster) { e.parked.Gone() })
}

// settle is called by whoever came to know the answer of a parked exchange.
func (e *exchange) settle(r kmsg.Response) {
	e.conclude(r, e.verdict)
	close(e.settled)
}

// conclude has the answer looked at by the rules that come after, and records
// it. v is what a rule before has left to do.
func (e *exchange) conclude(r kmsg.Response, v Verdict) {
	e.Reply = r
	if e.fault != nil {
		v.Cut = e.lay(*e.fault, v.Cut)
	}
	after, decided := e.conn.broker.cluster.after.Decide(e.Exchange)
	if decided {
		e.noteRule("after", after)
		v = e.judge(after).over(v)
	}
	e.edit(v)
	if t, ok := e.Reply.(kmsg.SetThrottleResponse); ok && v.Throttle > 0 {
		t.SetThrottle(int32(v.Throttle / time.Millisecond))
	}
	e.verdict = v
	e.noteReply()
}

// judge puts what a rule after has decided in the place of the answer.
func (e *exchange) judge(v Verdict) Verdict {
	switch {
	case v.Reply != nil:
		e.Reply = e.own(v.Reply)
	case v.Err != nil:
		v.Cut = e.lay(e.part(v), v.Cut)
	}
	return v
}

// deliver sends the answer, or does to the connection what a rule decided.
func (e *exchange) deliver() error {
	x, v := e.conn, e.verdict
	v.Delay += x.broker.latency(e.Exchange)
	if err := e.wait(v); err != nil {
		return err
	}
	defer e.told()
	switch v.Cut {
	case Silence:
		return nil
	case Blackhole:
		x.muted = true
	case Close:
		return errCut
	case Reset:
		reset(x.nc)
		return errCut
	}
	if e.Reply == nil || x.muted {
		return nil
	}
	return e.write(v)
}

// write encodes the answer behind those that wait to be written.
func (e *exchange) write(v Verdict) error {
	x := e.conn
	e.Reply.SetVersion(e.Request.GetVersion())
	if parts, ok := e.parts(v); ok {
		var err error
		e.written, err = x.send(parts)
		return err
	}
	start := len(x.out)
	x.room(answerSize(e.Reply))
	x.out = wire.AppendResponse(x.out, e.correlation, e.Reply)
	if v.Frame != nil {
		x.out = append(x.out[:start], v.Frame(x.out[start:len(x.out):len(x.out)])...)
	}
	if v.Cut == Half {
		x.out = x.out[:start+(len(x.out)-start)/2]
		e.written = len(x.out) - start
		return errCut
	}
	e.written = len(x.out) - start
	return nil
}

// parts returns an answer with many records in parts that need no copy of them;
// false for others, and for those whose bytes a rule has the last word on.
func (e *exchange) parts(v Verdict) ([][]byte, bool) {
	f, ok := e.Reply.(*kmsg.FetchResponse)
	if !ok || v.Frame != nil || v.Cut != NoCut || answerSize(f) < largeBuffer {
		return nil, false
	}
	return wire.FetchParts(e.correlation, f)
}

// answerSize returns about how many bytes an answer takes that holds records.
func answerSize(r kmsg.Response) int {
	f, ok := r.(*kmsg.FetchResponse)
	if !ok {
		return 0
	}
	size := 64
	for i := range f.Topics {
		for j := range f.Topics[i].Partitions {
			size += 128 + len(f.Topics[i].Partitions[j].RecordBatches)
		}
	}
	return size
}

// told tells history and notifier of an exchange that is over.
func (e *exchange) told() {
	b := e.conn.broker
	b.remember(e.Exchange)
	if notify := b.cluster.config.Notify; notify != nil {
		_ = e.conn.flush()
		notify(Traffic{e.Exchange, e.read, e.written})
	}
}

// unseen reports whether nobody can have kept anything of the request: the
// state copies the records that it appends, and nobody else was shown them.
func (e *exchange) unseen() bool {
	b := e.conn.broker
	c := b.cluster
	journalled := c.journal != nil && !c.config.brief
	return e.Request.Key() == int16(kmsg.Produce) && c.state != nil && !journalled &&
		c.config.Notify == nil && c.config.History <= 0 && !c.ruled.Load() && !b.script.told.Load()
}
