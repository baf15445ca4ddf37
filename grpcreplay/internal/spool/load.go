// Loading a side file.

package spool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// sideHeader is how many bytes come before the first record.
const sideHeader = magicLen + 4

// Load reads a side file: what the recording says of itself, the descriptors,
// and the calls in order of start, each with its events in their order. Where
// the order is unknown it is that of the file. Messages that were lost, as
// tape.Lost says, are not in it. Messages are part of b.
//
// What is not whole at the end is left out, and torn is true: the writer died
// or the power failed. That is so if the file ends within a record or if no
// whole record follows one that is garbled, as when only zeros do. A garbled
// record with a whole one behind it is an error.
//
// A tape.Ref in an event names a call by its place in what Load returns. One
// to a call that was torn off is left out.
func Load(b []byte, limits tape.Limits) (head tape.Head, schema []byte, calls []*tape.Call, torn bool, err error) {
	l := loader{limits: limits.Or(), byID: map[uint64]*tape.Call{}}
	if torn, err = l.load(b); err != nil {
		return tape.Head{}, nil, nil, false, err
	}
	if err := l.checkRefs(torn); err != nil {
		return tape.Head{}, nil, nil, false, err
	}
	sortByOrder(l.calls, func(c **tape.Call) int { return (*c).Order })
	for _, c := range l.calls {
		sortByOrder(c.Events, func(e *tape.Event) int { return e.Order })
		c.Settle()
	}
	return l.head, l.schema, l.calls, torn, nil
}

// A loader holds what was loaded so far.
type loader struct {
	limits     tape.Limits
	head       tape.Head
	schema     []byte
	calls      []*tape.Call
	byID       map[uint64]*tape.Call
	furthest   int   // one more than the furthest call that is referred to
	furthestAt int64 // the offset of the record that does
}

func (l *loader) load(b []byte) (torn bool, err error) {
	if err := checkSize(uint64(len(b)), l.limits); err != nil {
		return false, err
	}
	if len(b) < sideHeader && strings.HasPrefix(MagicSide, string(b[:min(len(b), magicLen)])) {
		return true, nil
	}
	if f, _ := Sniff(b); f != Side {
		return false, faultAt(0, "it is no side file of a recording: it does not begin with %q", MagicSide)
	}
	if err := checkVersion(b, Side); err != nil {
		return false, err
	}
	for at := sideHeader; at < len(b); {
		kind, payload, whole := record(b[at:])
		if !whole {
			return true, checkTail(b[at:], int64(at))
		}
		if err := l.add(kind, payload, int64(at)); err != nil {
			return false, faultAt(int64(at), "%v; nothing from here on can be trusted: "+
				"cut the file off here to keep what is before", err)
		}
		at += recordHeader + len(payload)
	}
	return false, nil
}

// add takes a record's payload in.
func (l *loader) add(kind uint64, payload []byte, at int64) (err error) {
	switch kind {
	case recordHead:
		l.head, err = tape.ParseHead(payload)
	case recordStart:
		err = l.addStart(payload)
	case recordEvent:
		err = l.addEvent(payload, at)
	case recordSchema:
		l.schema = append(l.schema, payload...)
	case recordInitial:
		l.head.Initial = slices.Clone(payload)
	}
	return err
}

func (l *loader) addStart(payload []byte) error {
	id, size := protowire.ConsumeVarint(payload)
	if size < 0 {
		return errors.New("a call begins without an id")
	}
	if l.byID[id] != nil {
		return fmt.Errorf("the call with id %d begins twice", id)
	}
	c, err := tape.ParseCall(payload[size:])
	if err != nil {
		return err
	}
	if len(c.Events) > 0 {
		return fmt.Errorf("the call with id %d begins with events in it", id)
	}
	l.byID[id] = c
	l.calls = append(l.calls, c)
	return nil
}

func (l *loader) addEvent(payload []byte, at int64) error {
	id, size := protowire.ConsumeVarint(payload)
	if size < 0 {
		return errors.New("an event is of no call")
	}
	c := l.byID[id]
	if c == nil {
		return fmt.Errorf("an event is of a call with id %d, which has not begun", id)
	}
	e, err := tape.ParseEvent(payload[size:])
	if err != nil {
		return err
	}
	if int64(len(e.Message)) > l.limits.Message {
		return fmt.Errorf("a message has %d bytes, more than the limit of %d (raise the limit of messages "+
			"if that is meant)", len(e.Message), l.limits.Message)
	}
	for _, r := range e.After {
		if r.Nth < 1 {
			return errors.New("an event waits for event 0 of a call: they are counted from 1")
		}
		if r.Call >= l.furthest {
			l.furthest, l.furthestAt = r.Call+1, at
		}
	}
	c.Events = append(c.Events, e)
	return nil
}

// checkRefs errs on references to calls that are not there, or leaves them
// out if the calls may have been torn off.
func (l *loader) checkRefs(torn bool) error {
	if l.furthest <= len(l.calls) {
		return nil
	}
	if !torn {
		return faultAt(l.furthestAt, "an event waits for one of call %d, of %d calls: record again",
			l.furthest, len(l.calls))
	}
	tornOff := func(r tape.Ref) bool { return r.Call >= len(l.calls) }
	for _, c := range l.calls {
		for i := range c.Events {
			c.Events[i].After = slices.DeleteFunc(c.Events[i].After, tornOff)
		}
	}
	return nil
}

// sortByOrder sorts by the order that was recorded, if it is known of all.
func sortByOrder[T any](s []T, order func(*T) int) {
	sorted, before := true, 0
	for i := range s {
		now := order(&s[i])
		if now == 0 {
			return
		}
		sorted, before = sorted && now >= before, now
	}
	if !sorted {
		slices.SortStableFunc(s, func(a, b T) int { return cmp.Compare(order(&a), order(&b)) })
	}
}
