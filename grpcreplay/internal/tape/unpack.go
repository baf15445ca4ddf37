// The packed form of a call, read.

package tape

import "time"

// ParseCall unpacks a call. Messages in it are part of b.
func ParseCall(b []byte) (*Call, error) {
	if err := CheckCall(b); err != nil {
		return nil, err
	}
	c := &Call{Events: make([]Event, 0, 5)}
	for field, n, v, b := next(b); field != 0; field, n, v, b = next(b) {
		switch field {
		case callNumber:
			c.Number = int(n)
		case callMethod:
			c.Method = string(v)
		case callShape:
			c.Shape = Shape(n)
		case callCodec:
			c.Codec = string(v)
		case callAuthority:
			c.Authority = string(v)
		case callPairs:
			c.Pairs = append(c.Pairs, parsePair(v))
		case callTimeout:
			c.Timeout = time.Duration(n)
		case callStart:
			c.Start = time.Duration(n)
		case callOrder:
			c.Order = int(n)
		case callEvents:
			c.Events = append(c.Events, Event{})
			parseEvent(v, &c.Events[len(c.Events)-1])
		case callComments:
			c.Comments = append(c.Comments, string(v))
		}
	}
	return c, nil
}

// ParseEvent unpacks an event. Its message is part of b.
func ParseEvent(b []byte) (e Event, err error) {
	if err := new(extent).addEvent(b); err != nil {
		return e, err
	}
	parseEvent(b, &e)
	return e, nil
}

func parseEvent(b []byte, e *Event) {
	for field, n, v, b := next(b); field != 0; field, n, v, b = next(b) {
		switch field {
		case eventKind:
			e.Kind = Kind(n)
		case eventAt:
			e.At = time.Duration(n)
		case eventOrder:
			e.Order = int(n)
		case eventMessage:
			e.Message = v
		case eventPairs:
			e.Pairs = append(e.Pairs, parsePair(v))
		case eventStatus:
			parseStatus(v, &e.Status)
		case after:
			e.After = append(e.After, parseRef(v))
		}
	}
	if len(e.Message) == 0 { // as it is packed
		e.Message = nil
	}
	if e.Kind != End { // no other event has one
		e.Status = Status{}
	}
}

func parseStatus(b []byte, s *Status) {
	for field, n, v, b := next(b); field != 0; field, n, v, b = next(b) {
		switch field {
		case statusCode:
			s.Code = uint32(n)
		case statusMessage:
			s.Message = string(v)
		case statusDetails:
			key, value := parseTwo(v)
			s.Details = append(s.Details, Any{Type: string(key), Value: value})
		case statusPlain:
			s.Plain = n != 0
		case statusRefused:
			s.Refused = n != 0
		}
	}
}

func parsePair(b []byte) Pair {
	key, value := parseTwo(b)
	return Pair{Key: string(key), Value: string(value)}
}

func parseTwo(b []byte) (first, second []byte) {
	for field, _, v, b := next(b); field != 0; field, _, v, b = next(b) {
		switch field {
		case 1:
			first = v
		case 2:
			second = v
		}
	}
	return first, second
}

func parseRef(b []byte) (r Ref) {
	for field, n, _, b := next(b); field != 0; field, n, _, b = next(b) {
		switch field {
		case refCall:
			r.Call = int(n)
		case refNth:
			r.Nth = int(n)
		}
	}
	return r
}

// ClientEvents visits what the client of a packed call did, in order, without
// unpacking the rest. Messages are part of b. It stops when visit returns
// false.
func ClientEvents(b []byte, visit func(kind Kind, message []byte) bool) {
	for field, _, v, b := next(b); field != 0; field, _, v, b = next(b) {
		if field != callEvents {
			continue
		}
		kind, message := kindAndMessage(v)
		if kind.FromClient() && !visit(kind, message) {
			return
		}
	}
}

func kindAndMessage(b []byte) (kind Kind, message []byte) {
	for field, n, v, b := next(b); field != 0; field, n, v, b = next(b) {
		switch field {
		case eventKind:
			kind = Kind(n)
		case eventMessage:
			message = v
		}
	}
	return kind, message
}
