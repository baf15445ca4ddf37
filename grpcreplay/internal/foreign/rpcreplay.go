// Reading rpcreplay's recordings: entries become calls.

package foreign

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// readReplay reads the binary form. What ends on a record's boundary is a
// whole recording, for the form has no end mark. The recorder writes the
// initial state with the first entry only: a file may hold nothing but its
// first nine bytes.
func readReplay(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	r := newReplay(program, RPCReplay)
	at := len(binaryMagic)
	for first := true; at < len(b); first = false {
		here := place{offset: int64(at)}
		rec, next, err := record(b, at, binary.LittleEndian, limits.Message)
		if err != nil {
			return nil, err
		}
		at = next
		if first {
			r.tape.Head.Initial = slices.Clone(rec)
			continue
		}
		if err := r.add(rec, here); err != nil {
			return nil, err
		}
	}
	return r.finish()
}

// A replay is a recording of rpcreplay's that is being read.
type replay struct {
	program  *schema.Set
	tape     *tape.Tape
	entries  int            // that were read
	open     map[int]*story // by the number of the entry that began them: what others may refer to
	told     []*story       // in the order in which rpcreplay considers them
	methods  map[string]tape.Shape
	messages map[string]bool
}

// A story is a call as the entries tell it.
type story struct {
	method string
	shape  tape.Shape
	sends  int
	recvs  int
	events []byte // packed, without the end
	end    *tape.Status
	failed *tape.Status // the error of a send, which is the end if no other comes

	oneResponse bool // is all that its method has, for all that is known
	late        bool // a message of the client came after the server's end
}

func newReplay(program *schema.Set, source Form) *replay {
	return &replay{
		program: program,
		tape:    &tape.Tape{Head: tape.Head{Source: string(source), Lenient: true}},
		open:    map[int]*story{}, methods: map[string]tape.Shape{}, messages: map[string]bool{},
	}
}

// add takes the next entry.
func (r *replay) add(b []byte, here place) error {
	r.entries++
	e, err := parseEntry(b)
	if err != nil {
		return here.fault("entry %d cannot be read: %v", r.entries, err)
	}
	if err := r.check(&e, here); err != nil {
		return err
	}
	if e.message != nil {
		r.messages[e.message.Type] = true
	}
	if e.raw != nil {
		r.tape.Head.Source = "grpcreplay"
	}
	switch e.kind {
	case request:
		s := &story{method: e.method, shape: tape.Unary}
		s.request(e.bytes())
		r.methods[e.method] = tape.Unary
		r.open[r.entries] = s
		return nil
	case createStream:
		return r.create(&e, here)
	}
	s := r.open[int(e.ref)]
	if s == nil || (s.shape == tape.Unary) != (e.kind == response) {
		return here.fault("entry %d, a %s, refers to entry %d, which is no open %s: the file is damaged",
			r.entries, kindNames[e.kind], e.ref, kindNames[opener(e.kind)])
	}
	return r.append(s, &e, here)
}

// opener is the kind of entry that one of kind refers to.
func opener(kind int32) int32 {
	if kind == response {
		return request
	}
	return createStream
}

// check holds an entry against what its kind demands.
func (r *replay) check(e *entry, here place) error {
	switch {
	case e.kind < request || e.kind > recv:
		return here.fault("entry %d is of kind %d: this version knows 1 to %d", r.entries, e.kind, recv)
	case (e.kind == request || e.kind == createStream) && e.method == "":
		return here.fault("entry %d, a %s, names no method", r.entries, kindNames[e.kind])
	case (e.kind == request || e.kind == response) && e.message == nil && !e.isError:
		return here.fault("entry %d, a %s, has no message", r.entries, kindNames[e.kind])
	case e.isError && e.message != nil && typeName(e.message.Type) != statusType:
		return here.fault("entry %d is an error of type %q instead of %s",
			r.entries, typeName(e.message.Type), statusType)
	}
	return nil
}

// create begins a stream. If the program does not know its shape it is taken
// for the one that allows everything.
func (r *replay) create(e *entry, here place) error {
	shape, known := r.methods[e.method]
	if !known || shape == tape.Unary {
		shape = shapeOf(r.program, e.method, tape.Bidi)
		r.methods[e.method] = shape
	}
	if shape == tape.Unary {
		shape = tape.Bidi
	}
	s := &story{method: e.method, shape: shape}
	r.open[r.entries] = s
	r.told = append(r.told, s)
	if !e.isError {
		return nil
	}
	status, err := r.status(e, here)
	status.Refused = true
	s.end = &status
	return err
}

// append puts what an entry tells to its call.
func (r *replay) append(s *story, e *entry, here place) (err error) {
	var status tape.Status
	if e.isError {
		if status, err = r.status(e, here); err != nil {
			return err
		}
	}
	switch {
	case e.kind == response:
		delete(r.open, int(e.ref))
		r.told = append(r.told, s)
		s.answer(e, status)
	case e.kind == send:
		s.send(e, status)
	case s.end != nil: // received again after the end: that repeats it
	case e.isError:
		s.end = &status
	default:
		s.recvs++
		s.add(tape.Event{Kind: tape.Recv, Message: e.bytes()})
	}
	return nil
}

// status returns the status of an error. One without a message is io.EOF: the
// good end of a stream, and elsewhere an error that is no status.
func (r *replay) status(e *entry, here place) (tape.Status, error) {
	if e.message == nil && (e.kind == send || e.kind == recv) {
		return tape.Status{}, nil
	}
	if e.message == nil {
		return tape.Status{Code: 2, Message: "EOF", Plain: true}, nil
	}
	s, err := parseStatus(e.message.Value)
	if err != nil {
		return s, here.fault("the status in entry %d cannot be read: %v", r.entries, err)
	}
	for _, d := range s.Details {
		r.messages[d.Type] = true
	}
	return s, nil
}

func (s *story) add(e tape.Event) {
	s.events = tape.AppendCall(s.events, &tape.Call{Events: []tape.Event{e}})
}

// request adds a message of the client and, if there is only one, the
// half-close that follows it.
func (s *story) request(message []byte) {
	s.add(tape.Event{Kind: tape.Send, Message: message})
	if s.sends++; s.sends == 1 && s.shape.OneRequest() {
		s.add(tape.Event{Kind: tape.CloseSend})
	}
}

func (s *story) answer(e *entry, status tape.Status) {
	if !e.isError {
		s.add(tape.Event{Kind: tape.Recv, Message: e.bytes()})
	}
	s.end = &status
}

// send adds what SendMsg did. With an error the message was not recorded. That
// of io.EOF says that the server's end had come before; after any other the
// stream is over.
func (s *story) send(e *entry, status tape.Status) {
	switch {
	case !e.isError:
		s.request(e.bytes())
	case e.message != nil:
		s.failed = &status
	default:
		s.late = s.sends == 0 || !s.shape.OneRequest()
	}
}

// finish returns the tape: unary calls in the order of their responses, which
// is that in which equal requests are answered, streams where they were
// created, and last the requests without response, calls in flight.
func (r *replay) finish() (*tape.Tape, error) {
	for _, number := range slices.Sorted(maps.Keys(r.open)) {
		if s := r.open[number]; s.shape == tape.Unary {
			r.told = append(r.told, s)
		}
	}
	several := r.several()
	for i, s := range r.told {
		s.oneResponse = s.shape == tape.ClientStream || s.shape != tape.Unary && !several[s.method]
		packed := tape.AppendCall(nil, &tape.Call{Number: i + 1, Method: s.method, Shape: s.shape})
		packed = append(packed, s.events...)
		packed = tape.AppendCall(packed, &tape.Call{Events: s.last()})
		if err := r.tape.AddPacked(packed); err != nil {
			return nil, place{}.fault("call %d, of %s: %v", i+1, s.method, err)
		}
		s.events = nil
	}
	r.tape.Schema = r.program.Used(slices.Sorted(maps.Keys(r.methods)), slices.Sorted(maps.Keys(r.messages)))
	return r.tape, nil
}

// last returns the events with which a call ends. That the client half-closed
// behind the end says that it was still sending. A stream of which nothing came
// has a header: a client that never received may have asked for that.
func (s *story) last() []tape.Event {
	status := s.ended()
	switch {
	case status == nil && s.recvs == 0 && s.shape != tape.Unary:
		return []tape.Event{{Kind: tape.Header}}
	case status == nil:
		return nil
	case s.late:
		return []tape.Event{{Kind: tape.End, Status: *status}, {Kind: tape.CloseSend}}
	}
	return []tape.Event{{Kind: tape.End, Status: *status}}
}

// several returns the methods that may have more than one response to a call:
// those the program knows to, and those of whose streams one received a second
// message or the good end, which a client that awaits one response never asks for.
func (r *replay) several() map[string]bool {
	several := map[string]bool{}
	for _, s := range r.told {
		known := shapeOf(r.program, s.method, tape.Unknown) != tape.Unknown
		if known || s.recvs > 1 || s.end != nil && !failed(s.end) {
			several[s.method] = true
		}
	}
	return several
}

// ended returns how the call ended, or nil if it did not. The message of a call
// that has only one comes only when the call ended well.
func (s *story) ended() *tape.Status {
	switch {
	case s.end != nil:
		return s.end
	case s.failed != nil:
		return s.failed
	case s.oneResponse && s.recvs > 0:
		return &tape.Status{}
	}
	return nil
}
