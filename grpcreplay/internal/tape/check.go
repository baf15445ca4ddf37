// Whether bytes are packed calls, and whether those fit together.

package tape

import (
	"errors"
	"fmt"
	"math"
)

// CheckCall tells whether b is a packed call, at no cost of memory.
func CheckCall(b []byte) error { return new(extent).addCall(b) }

// An extent is how far the calls reach that were added to it.
type extent struct {
	message int    // the longest message of an event
	call    uint64 // one more than the furthest call that is referred to, 0 if none is
	lost    bool   // there is an event that occurs only while recording
	nought  bool   // an event is referred to by the number 0, which none has
}

// addCall checks a packed call and adds it.
func (x *extent) addCall(b []byte) (err error) {
	method := false
	field, n, v, b := next(b)
	for ; field != 0; field, n, v, b = next(b) {
		switch field {
		case callMethod:
			method = len(v) > 0
		case callShape:
			err = bound("a shape", n, uint64(Bidi))
		case callNumber, callTimeout, callStart, callOrder:
			err = bound("a number", n, math.MaxInt64)
		case callPairs:
			err = wellFormed(v)
		case callEvents:
			err = x.addEvent(v)
		}
		if err != nil {
			return err
		}
	}
	if len(b) == 0 && !method {
		return errors.New("a call has no method")
	}
	if x.lost {
		return errors.New("an event takes back a message: that is only while recording")
	}
	return ended(b)
}

func (x *extent) addEvent(b []byte) (err error) {
	kind := uint64(0)
	field, n, v, b := next(b)
	for ; field != 0; field, n, v, b = next(b) {
		switch field {
		case eventKind:
			kind = n
		case eventAt, eventOrder:
			err = bound("a number", n, math.MaxInt64)
		case eventMessage:
			x.message = max(x.message, len(v))
		case eventPairs:
			err = wellFormed(v)
		case eventStatus:
			err = checkStatus(v)
		case after:
			err = x.addRef(v)
		}
		if err != nil {
			return err
		}
	}
	if len(b) == 0 && (kind == 0 || kind > uint64(Lost)) {
		return fmt.Errorf("an event is of kind %d: this version knows 1 to %d", kind, End)
	}
	x.lost = x.lost || kind == uint64(Lost)
	return ended(b)
}

func (x *extent) addRef(b []byte) error {
	var call, nth uint64
	field, n, _, b := next(b)
	for ; field != 0; field, n, _, b = next(b) {
		if err := bound("a reference", n, math.MaxInt32); err != nil {
			return err
		}
		switch field {
		case refCall:
			call = n
		case refNth:
			nth = n
		}
	}
	x.call = max(x.call, call+1)
	x.nought = x.nought || nth == 0
	return ended(b)
}

func checkStatus(b []byte) (err error) {
	field, n, v, b := next(b)
	for ; field != 0; field, n, v, b = next(b) {
		switch field {
		case statusCode:
			err = bound("a status code", n, math.MaxUint32)
		case statusDetails:
			err = wellFormed(v)
		}
		if err != nil {
			return err
		}
	}
	return ended(b)
}

func bound(what string, n, most uint64) error {
	if n > most {
		return fmt.Errorf("%s is %d, more than %d", what, n, most)
	}
	return nil
}

// within tells whether what a call reaches lies within a tape of n calls and
// within the limits.
func (x *extent) within(n int, limits Limits) error {
	switch {
	case x.nought:
		return errors.New("an event waits for event 0 of a call: they are counted from 1")
	case x.call > uint64(n):
		return fmt.Errorf("an event waits for one of call %d, of %d calls", x.call, n)
	case int64(x.message) > limits.Message:
		return fmt.Errorf("a message has %d bytes, more than the limit of %d; "+
			"raise the limit of messages if that is meant", x.message, limits.Message)
	}
	return nil
}

// Check tells whether the calls fit together: each is one, its messages are
// within the limits, and each event that another waits for is counted from 1
// and of a call on the tape. Tapes that were adopted are checked; one that was
// filled by Add may say anything.
func (t *Tape) Check(limits Limits) error {
	limits = limits.Or()
	for i := range t.ends {
		if err := checkAt(t.Packed(i), len(t.ends), limits); err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
	}
	return nil
}

// checkAt checks a packed call that stands on a tape of n calls.
func checkAt(b []byte, n int, limits Limits) error {
	var x extent
	if err := x.addCall(b); err != nil {
		return err
	}
	return x.within(n, limits)
}
