// Random programs and a server for them, to be recorded and replayed.

package cause_test

import (
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A dice draws numbers from a seed.
type dice uint64

func (d *dice) below(n int) int {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

// The steps of a goroutine. All but say, leave and signal block.
const (
	put    = iota // a unary call that changes a topic
	get           // a unary call that reads it
	join          // opens a stream on which all that happens to the topic is heard
	say           // sends on it
	hear          // waits until what it said last comes back
	leave         // half-closes
	signal        // lets another goroutine go on
	wait          // waits for that
)

type step struct {
	what, topic int
	method      string
	pair        int // of signal and wait
	call        int // the call that it makes or uses
}

// A program is the steps of its goroutines; it never blocks for ever.
type program struct {
	goroutines [][]step
	calls      int
}

// newProgram draws a program whose steps, in the order drawn, could all run.
func newProgram(d *dice) *program {
	p := &program{goroutines: make([][]step, 2+d.below(3))}
	open := make([]*step, len(p.goroutines)) // the stream, by goroutine
	said := make([]bool, len(p.goroutines))
	for pair := range 6 + d.below(20) {
		g := d.below(len(p.goroutines))
		s := step{what: d.below(8), topic: d.below(2), pair: pair, call: p.calls}
		s.method = []string{"Put", fmt.Sprint("Put", g)}[d.below(2)]
		switch {
		case s.what == join && open[g] == nil:
			open[g], said[g] = &s, false
			p.calls++
		case s.what == put || s.what == get:
			p.calls++
		case (s.what == say || s.what == leave || s.what == hear && said[g]) && open[g] != nil:
			s.call, s.topic = open[g].call, open[g].topic
			said[g] = said[g] || s.what == say
			if s.what == leave {
				open[g] = nil
			}
		case s.what >= signal:
			other := (g + 1 + d.below(len(p.goroutines)-1)) % len(p.goroutines)
			p.goroutines[g] = append(p.goroutines[g], step{what: signal, pair: pair})
			p.goroutines[other] = append(p.goroutines[other], step{what: wait, pair: pair})
			continue
		default:
			continue
		}
		p.goroutines[g] = append(p.goroutines[g], s)
	}
	for g, s := range open {
		if s != nil {
			p.goroutines[g] = append(p.goroutines[g], step{what: leave, call: s.call, topic: s.topic})
		}
	}
	return p
}

// A client runs a program against whatever answers it.
type client struct {
	*program
	at       []int // by goroutine: the step to come
	signals  map[int]bool
	sends    []int             // by call: how many client events it had
	begun    []bool            // by call
	headed   []bool            // by call: a header has come
	over     []bool            // by call: its status has come
	echoes   []int             // by call: how many of its own messages came back
	said     []int             // by call: how many it said
	blocked  []bool            // by goroutine: its step has acted and waits for the answer
	transmit func(act outward) // takes what the client does
}

// An outward is one event of a client.
type outward struct {
	step
	kind tape.Kind
	text string
	nth  int
	new  bool // the call begins with it
}

func newClient(p *program, transmit func(outward)) *client {
	n := p.calls
	return &client{
		program: p, at: make([]int, len(p.goroutines)), signals: map[int]bool{}, sends: make([]int, n),
		begun: make([]bool, n), headed: make([]bool, n), over: make([]bool, n), echoes: make([]int, n),
		said: make([]int, n), blocked: make([]bool, len(p.goroutines)), transmit: transmit,
	}
}

func (c *client) done() bool {
	for g := range c.goroutines {
		if c.at[g] < len(c.goroutines[g]) {
			return false
		}
	}
	return true
}

// ready lists the goroutines that can go on.
func (c *client) ready() (gs []int) {
	for g, steps := range c.goroutines {
		if c.at[g] < len(steps) && c.can(g, steps[c.at[g]]) {
			gs = append(gs, g)
		}
	}
	return gs
}

func (c *client) can(g int, s step) bool {
	switch {
	case s.what == wait:
		return c.signals[s.pair]
	case s.what == hear:
		return c.echoes[s.call] == c.said[s.call]
	case s.what == join && c.blocked[g]:
		return c.headed[s.call]
	case c.blocked[g]:
		return c.over[s.call]
	}
	return true
}

// advance lets a goroutine that is ready do its step, or the rest of it.
func (c *client) advance(g int) {
	s := c.goroutines[g][c.at[g]]
	blocks := s.what == put || s.what == get || s.what == join || s.what == leave
	if blocks && !c.blocked[g] {
		c.blocked[g] = true
		c.act(s)
		return
	}
	c.at[g]++
	c.blocked[g] = false
	switch s.what {
	case signal:
		c.signals[s.pair] = true
	case say:
		c.said[s.call]++
		c.send(s, tape.Send, fmt.Sprintf("say %d %d", s.call, c.said[s.call]))
	}
}

func (c *client) act(s step) {
	switch s.what {
	case put:
		c.send(s, tape.Send, fmt.Sprintf("put %d %d", s.topic, s.call))
		c.send(s, tape.CloseSend, "")
	case get:
		c.send(s, tape.Send, fmt.Sprintf("get %d", s.topic))
		c.send(s, tape.CloseSend, "")
	case join:
		// By name: alike they might be taken for conversations side by side.
		c.send(s, tape.Send, fmt.Sprintf("join %d as %d", s.topic, s.call))
	case leave:
		c.send(s, tape.CloseSend, "")
	}
}

func (c *client) send(s step, kind tape.Kind, text string) {
	first := !c.begun[s.call]
	c.begun[s.call] = true
	c.sends[s.call]++
	c.transmit(outward{step: s, kind: kind, text: text, nth: c.sends[s.call], new: first})
}

// take takes in what the server did.
func (c *client) take(call int, e *tape.Event) {
	switch e.Kind {
	case tape.Header:
		c.headed[call] = true
	case tape.End:
		c.over[call] = true
	case tape.Recv:
		var by, n int
		if k, _ := fmt.Sscanf(string(e.Message), "say %d %d", &by, &n); k == 2 && by == call {
			c.echoes[call]++
		}
	}
}

// A fact is something that happened to a topic, and the client's event that
// made it happen.
type fact struct {
	text string
	by   tape.Ref
}

// A due is an event of a server on its way, and the facts that it tells.
type due struct {
	event tape.Event
	facts []fact
}

// A server keeps topics and tells those who joined.
type server struct {
	facts   map[int][]fact // by topic
	members map[int][]int  // by topic: calls, as they joined
	out     map[int][]due  // by call
}

func (s *server) tell(topic int, f fact) {
	s.facts[topic] = append(s.facts[topic], f)
	for _, call := range s.members[topic] {
		event := tape.Event{Kind: tape.Recv, Message: []byte(f.text)}
		s.out[call] = append(s.out[call], due{event, []fact{f}})
	}
}

// take takes in what a client did, some time after it did so.
func (s *server) take(o outward) {
	f := fact{o.text, tape.Ref{Call: o.call, Nth: o.nth}}
	end := due{event: tape.Event{Kind: tape.End}}
	switch {
	case o.what == put && o.kind == tape.Send:
		s.tell(o.topic, f)
		s.out[o.call] = []due{{event: tape.Event{Kind: tape.Recv, Message: []byte("ok")}}, end}
	case o.what == get && o.kind == tape.Send:
		known := slices.Clone(s.facts[o.topic])
		event := tape.Event{Kind: tape.Recv, Message: fmt.Append(nil, known)}
		s.out[o.call] = []due{{event, known}, end}
	case o.what == join:
		s.members[o.topic] = append(s.members[o.topic], o.call)
		s.out[o.call] = append(s.out[o.call], due{event: tape.Event{Kind: tape.Header}})
	case o.what == say:
		s.tell(o.topic, f)
	case o.what == leave:
		s.members[o.topic] = slices.DeleteFunc(s.members[o.topic], func(c int) bool { return c == o.call })
		s.tell(o.topic, fact{fmt.Sprint("left ", o.call), f.by})
		s.out[o.call] = append(s.out[o.call], end)
	}
}
