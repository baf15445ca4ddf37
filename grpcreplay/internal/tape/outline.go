// The outline of a packed call: what can be seen without unpacking it.

package tape

// An Outline is what a call is compared by. Its bytes are part of the packed
// call. One Outline may be filled again and again, and keeps its room.
type Outline struct {
	Method []byte
	Shape  Shape
	Pairs  []Bytes // the request's metadata
	Events []Act   // all events
	Waits  bool    // an event waits for one of another call
}

// Bytes are a key and a value of metadata.
type Bytes struct{ Key, Value []byte }

// An Act is an event without its circumstances.
type Act struct {
	Kind    Kind
	Message []byte
	At      int // where the message begins in the packed call
}

// Fill makes the outline that of a packed call, which must be one.
func (o *Outline) Fill(b []byte) {
	o.Method, o.Shape, o.Pairs, o.Events, o.Waits = nil, Unknown, o.Pairs[:0], o.Events[:0], false
	for field, n, v, rest := next(b); field != 0; field, n, v, rest = next(rest) {
		switch field {
		case callMethod:
			o.Method = v
		case callShape:
			o.Shape = Shape(n)
		case callPairs:
			o.Pairs = append(o.Pairs, bytesOf(v))
		case callEvents:
			a, waits := actOf(v, len(b)-len(rest)-len(v))
			o.Events, o.Waits = append(o.Events, a), o.Waits || waits
		}
	}
}

// actOf sees the packed event b, which begins at a place of its call, and
// whether it waits for anything.
func actOf(b []byte, at int) (a Act, waits bool) {
	for field, n, v, rest := next(b); field != 0; field, n, v, rest = next(rest) {
		switch field {
		case eventKind:
			a.Kind = Kind(n)
		case eventMessage:
			a.Message, a.At = v, at+len(b)-len(rest)-len(v)
		case after:
			waits = true
		}
	}
	return a, waits
}

func bytesOf(b []byte) (p Bytes) {
	for field, _, v, b := next(b); field != 0; field, _, v, b = next(b) {
		switch field {
		case pairKey:
			p.Key = v
		case pairValue:
			p.Value = v
		}
	}
	return p
}
