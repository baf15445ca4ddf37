// The first look at a file: which calls there are, the times, the types.

package text

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// An index says where what stands in a file. Only "call", "times" and
// "descriptors" at the left margin can be what they say: JSON has no such
// words outside its strings.
type index struct {
	places map[int]int   // the calls' places on the tape, by number
	lines  map[int]int   // and the lines in which they begin
	times  map[int]timed // the calls' times, by number

	block     string // the word at the left margin above
	described int    // the line in which the descriptors begin; 0 if there are none
	packed    []byte // the descriptors, in base64
}

// A timed is the line of a call in the block of times, behind the number.
type timed struct {
	n    int
	text []byte
}

// survey fills the index and learns the descriptors in the file.
func (r *reader) survey() error {
	r.index = index{places: map[int]int{}, lines: map[int]int{}, times: map[int]timed{}}
	pos, cur := r.pos, r.cur
	for r.pos < len(r.b) {
		r.cur = r.takeLine(r.cur)
		c := newCursor(r.cur.text)
		if c.atEnd() || c.begins("#") {
			continue
		}
		if err := r.note(c); err != nil {
			return err
		}
	}
	r.pos, r.cur = pos, cur
	if r.index.described == 0 {
		return nil
	}
	return r.learn(r.index.packed, r.index.described)
}

// note notes what a line says that is to be known before the calls are read.
func (r *reader) note(c *cursor) error {
	x := &r.index
	switch {
	case r.cur.indented && x.block == wordTimes:
		return r.noteTimes(c)
	case r.cur.indented && x.block == wordDescriptors:
		x.packed = append(x.packed, r.cur.text...)
	case !r.cur.indented:
		x.block = c.peek()
		return r.noteMargin(c)
	}
	return nil
}

// noteMargin notes what begins at the left margin.
func (r *reader) noteMargin(c *cursor) error {
	x := &r.index
	switch {
	case x.block == wordCall:
		return r.noteCall(c)
	case x.block == wordDescriptors && x.described > 0:
		return r.fail("a second block of descriptors, after that in line %d: keep one", x.described)
	case x.block == wordDescriptors:
		x.described = r.cur.n
	}
	return nil
}

// noteCall notes a call. What is wrong with its line is found out later.
func (r *reader) noteCall(c *cursor) error {
	c.take(wordCall)
	number, err := c.number()
	if err != nil {
		return r.wrap(r.cur.n, fmt.Errorf("call %w: give it one that no other call has", err))
	}
	if before := r.index.lines[number]; before > 0 {
		return r.fail("call %d stands in line %d already: give this one a number of its own", number, before)
	}
	r.index.places[number] = len(r.index.places)
	r.index.lines[number] = r.cur.n
	return nil
}

func (r *reader) noteTimes(c *cursor) error {
	c.take(wordCall)
	number, err := c.number()
	if err != nil {
		return r.wrap(r.cur.n, fmt.Errorf("call %w: times are the number of a call, its start, its events' times", err))
	}
	if before := r.index.times[number].n; before > 0 {
		return r.fail("the times of call %d stand in line %d already: keep one", number, before)
	}
	r.index.times[number] = timed{r.cur.n, c.rest}
	return nil
}

// learn takes in the descriptors that begin in line n.
func (r *reader) learn(packed []byte, n int) error {
	const advice = "take the block from an unchanged copy, or remove it and give the types otherwise"
	gz, err := decodeBase64(packed)
	if err != nil {
		return r.wrap(n, fmt.Errorf("the descriptors are not base64: %s", advice))
	}
	if r.tape.Schema, err = unpackDescriptors(gz, r.limits.File); err != nil {
		return r.wrap(n, fmt.Errorf("the descriptors do not unpack (%w): %s", err, advice))
	}
	own, err := schema.Parse(r.tape.Schema)
	if err != nil {
		return r.wrap(n, fmt.Errorf("the descriptors are not understood (%w): %s", err, advice))
	}
	r.types = own.Or(r.types)
	return nil
}

// setTimes sets the times of a call that is complete, if they are known and
// fit: a call to which events were added, or from which some were taken away,
// has none.
func (r *reader) setTimes(call *tape.Call) error {
	line, ok := r.index.times[call.Number]
	if !ok {
		return nil
	}
	var times []time.Duration
	for c := newCursor(line.text); !c.atEnd(); {
		word, err := c.word()
		if err != nil {
			return r.wrap(line.n, err)
		}
		d, err := time.ParseDuration(word)
		if err != nil || len(times) == 0 && d < 0 || len(times) > 0 && !addable(times[0], d) {
			return r.wrap(line.n, fmt.Errorf("%q is no time here: write it like 1.5ms, or remove the line", word))
		}
		times = append(times, d)
	}
	if len(times) != len(call.Events)+1 {
		return nil
	}
	call.Start = times[0]
	for i, d := range times[1:] {
		call.Events[i].At = call.Start + d
	}
	return nil
}

// addable tells whether a start and the time after it make a time.
func addable(start, d time.Duration) bool { return d >= -start && d <= math.MaxInt64-start }

// A wait is a clause "after", to be held against its call's client.
type wait struct {
	n   int // its line
	ref tape.Ref
}

// checkWaits tells whether there are the events that others wait for.
func (r *reader) checkWaits() error {
	for _, w := range r.waits {
		if w.ref.Nth > r.clients[w.ref.Call] {
			err := checkRef(w.ref, -1, r.clients[w.ref.Call])
			return r.wrap(w.n, fmt.Errorf("the clause \"after\": %w: correct or remove it", err))
		}
	}
	return nil
}

// readRefs reads what stands behind "after".
func (r *reader) readRefs(c *cursor) (refs []tape.Ref, err error) {
	for more := true; more; more = c.takeComma() {
		c.take(wordCall)
		number, err := c.number()
		if err != nil {
			return nil, fmt.Errorf("%w: a clause is like: after call 4 →1", err)
		}
		if c.arrow() != '>' {
			return nil, fmt.Errorf("after what of call %d? Write which event of its client: call %[1]d →1", number)
		}
		nth, err := c.number()
		if err != nil {
			return nil, fmt.Errorf("%w: count the client's messages, close and cancel from 1", err)
		}
		place, ok := r.index.places[number]
		if !ok {
			return nil, fmt.Errorf("there is no call %d to wait for: remove this from the clause \"after\"", number)
		}
		if place == r.tape.Len() {
			return nil, fmt.Errorf("a call does not wait for itself: remove this from the clause \"after\"")
		}
		refs = append(refs, tape.Ref{Call: place, Nth: nth})
		r.waits = append(r.waits, wait{r.cur.n, refs[len(refs)-1]})
	}
	return slices.Clip(refs), nil
}
