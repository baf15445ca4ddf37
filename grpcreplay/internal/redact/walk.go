// Going through a message of a known type.

package redact

import "google.golang.org/protobuf/encoding/protowire"

// mostDepth is how deep messages lie in each other that programs parse:
// protocol buffers for Go refuse more. Deeper ones are bytes.
const mostDepth = 10_000

// A walk goes through one message, or one text. It gathers what to replace in
// the message, lengths included, and copies once, so that its time is linear
// also in messages that lie deep in each other.
type walk struct {
	edit  // of the message
	r     *Redactor
	hot   bool // it may have tokens
	torn  bool // what is no wire format was met
	depth int
	tell  func(path []string, what string, secret []byte) // told of what is replaced; may be nil
	path  []string                                        // where the walk is; empty if nobody is told
}

// A frame is where a walk is among groups, which nest without lengths.
type frame struct {
	plan    *plan // nil if the type is not known
	secrecy secrecy
	number  protowire.Number
}

// A spot is a field on the wire: its type, and where its value stands, with
// the length if it has one.
type spot struct {
	typ      protowire.Type
	from, to int
}

// message goes through the message in src[from:to]. It returns by how many
// bytes it gets longer, as those do that it calls. What follows bytes that
// are no wire format is taken for bytes of unknown meaning.
func (w *walk) message(in frame, from, to int) (delta int) {
	var outer []frame
	for at := from; at < to; {
		num, typ, n := protowire.ConsumeTag(w.src[at:to])
		if n < 0 || typ == protowire.EndGroupType && (len(outer) == 0 || num != in.number) {
			return delta + w.rest(at, to)
		}
		begin := at + n
		switch typ {
		case protowire.EndGroupType:
			in, outer = outer[len(outer)-1], outer[:len(outer)-1]
			at = begin
			continue
		case protowire.StartGroupType:
			outer = append(outer, in)
			in = in.enter(num)
			at = begin
			continue
		}
		size := protowire.ConsumeFieldValue(num, typ, w.src[begin:to])
		if size < 0 {
			return delta + w.rest(at, to)
		}
		at = begin + size
		delta += w.value(in.field(num), in.secrecy, spot{typ, begin, at})
	}
	return delta
}

func (w *walk) rest(from, to int) (delta int) {
	w.torn = true
	return w.unknown(from, to)
}

func (f frame) field(num protowire.Number) *field {
	if f.plan == nil {
		return nil
	}
	return f.plan.field(num)
}

// enter returns the frame of a group.
func (f frame) enter(num protowire.Number) frame {
	in := frame{secrecy: f.secrecy, number: num}
	if sub := f.field(num); sub != nil && sub.verdict != kept {
		in.plan, in.secrecy = sub.sub, max(f.secrecy, sub.secrecy)
	}
	return in
}

// value goes through a field, nil if it is not known.
func (w *walk) value(f *field, s secrecy, at spot) (delta int) {
	if f != nil {
		if f.verdict == kept || f.verdict == listed && s < all {
			return 0
		}
		s = max(s, f.secrecy)
	}
	if s == open && !w.hot && (f == nil || !f.needs) {
		return 0
	}
	w.enter(f)
	if at.typ == protowire.BytesType {
		delta = w.sized(f, s, at)
	} else {
		delta = w.number(f, s, at)
	}
	w.leave()
	return delta
}

// enter notes the way into a field, if anybody is told.
func (w *walk) enter(f *field) {
	if w.tell == nil {
		return
	}
	name := "?"
	if f != nil {
		name = string(f.fd.Name())
	}
	w.path = append(w.path, name)
}

func (w *walk) leave() {
	if w.tell != nil {
		w.path = w.path[:len(w.path)-1]
	}
}

// sized goes through a field that begins with its length, and corrects that.
func (w *walk) sized(f *field, s secrecy, at spot) (delta int) {
	length, n := protowire.ConsumeVarint(w.src[at.from:at.to])
	place := w.reserve()
	delta = w.content(f, s, at.from+n, at.to)
	switch {
	case len(w.changes) == place+1:
		w.changes = w.changes[:place]
	case delta == 0:
		w.fill(place, at.from, at.from+n, w.src[at.from:at.from+n])
	default:
		delta += w.fill(place, at.from, at.from+n, protowire.AppendVarint(nil, uint64(int(length)+delta)))
	}
	return delta
}

// content goes through what a field holds after its length.
func (w *walk) content(f *field, s secrecy, from, to int) (delta int) {
	w.depth++
	defer func() { w.depth-- }()
	switch {
	case f == nil && s == all || w.depth > mostDepth:
		return w.fit(from, to)
	case f == nil:
		return w.unknown(from, to)
	}
	switch f.form {
	case asText:
		return w.text(s, from, to)
	case asBytes:
		return w.bytes(s, from, to)
	case asNumber:
		return w.packed(f, s, from, to)
	case asEntry:
		return w.entry(f, s, from, to)
	case asAny:
		return w.any(s, from, to)
	}
	return w.message(frame{plan: f.sub, secrecy: s}, from, to)
}

// entry goes through an entry of a map, whose key may name a secret.
func (w *walk) entry(f *field, s secrecy, from, to int) (delta int) {
	key, value := f.sub.field(1), f.sub.field(2)
	if key == nil || key.form != asText || value == nil {
		return w.message(frame{plan: f.sub, secrecy: s}, from, to)
	}
	named := w.r.names.field(string(lastBytes(w.src[from:to], 1)))
	switch {
	case (named == kept || named == listed) && s < all:
		return 0
	case named == hidden && textual(value.fd):
		s = max(s, texts)
	}
	eachField(w.src[from:to], func(num protowire.Number, at spot) {
		at.from, at.to = at.from+from, at.to+from
		switch num {
		case 1:
			delta += w.value(key, open, at) // a key names, and is not what is named
		case 2:
			delta += w.value(value, s, at)
		}
	})
	return delta
}

// any goes through a google.protobuf.Any, by the type that it names.
func (w *walk) any(s secrecy, from, to int) (delta int) {
	p := w.r.typed(string(lastBytes(w.src[from:to], 1)))
	inside := &field{form: asBytes, verdict: look}
	if p != nil {
		inside = &field{form: asMessage, verdict: look, sub: p, needs: p.needs}
	}
	eachField(w.src[from:to], func(num protowire.Number, at spot) {
		if num == 2 && at.typ == protowire.BytesType && (s > open || w.hot || inside.needs) {
			delta += w.sized(inside, s, spot{at.typ, at.from + from, at.to + from})
		}
	})
	return delta
}

// lastBytes returns the content of the last field of that number, which is
// the one that counts.
func lastBytes(b []byte, number protowire.Number) (content []byte) {
	eachField(b, func(num protowire.Number, at spot) {
		if num == number && at.typ == protowire.BytesType {
			content, _ = protowire.ConsumeBytes(b[at.from:at.to])
		}
	})
	return content
}

// eachField visits the fields of a message up to what is no wire format.
func eachField(b []byte, visit func(num protowire.Number, at spot)) {
	for at := 0; at < len(b); {
		num, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(num, typ, b[at+n:])
		if size < 0 {
			return
		}
		visit(num, spot{typ, at + n, at + n + size})
		at += n + size
	}
}
