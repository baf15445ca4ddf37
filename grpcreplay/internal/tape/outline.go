// The outline of a packed call: what can be seen without unpacking it.

package tape

// An Outline is what a call is compared by. Its bytes are part of the packed
// call. One Outline may be filled again and again, and keeps its room.
type Outline struct {
	Method []byte
	Shape  Shape
	Pairs  []Bytes // the request's metadata
	Events []Act   // all events
}

// Bytes are a key and a value of metadata.
type Bytes struct{ Key, Value []byte }

// An Act is an event without its circumstances.
type Act struct {
	Kind    Kind
	Message []byte
}

// Fill makes the outline that of a packed call, which must be one.
func (o *Outline) Fill(b []byte) {
	o.Method, o.Shape, o.Pairs, o.Events = nil, Unknown, o.Pairs[:0], o.Events[:0]
	for field, n, v, b := next(b); field != 0; field, n, v, b = next(b) {
		switch field {
		case callMethod:
			o.Method = v
		case callShape:
			o.Shape = Shape(n)
		case callPairs:
			o.Pairs = append(o.Pairs, bytesOf(v))
		case callEvents:
			kind, message := kindAndMessage(v)
			o.Events = append(o.Events, Act{kind, message})
		}
	}
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
