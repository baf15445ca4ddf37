// Going through a message of a known type.

package redact

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// mostDepth is how deep messages lie in each other that programs parse:
// protocol buffers for Go refuse more. Deeper ones are bytes.
const mostDepth = 10_000

// A walk goes through one message, or one text.
type walk struct {
	r     *Redactor
	hot   bool // it may have tokens
	depth int
	tell  func(path []string, what string, secret []byte) // told of what is replaced; may be nil
	path  []string                                        // where the walk is; empty if nobody is told
}

// frame is where a walk is among groups, which nest without lengths.
type frame struct {
	plan    *plan // nil if the type is not known
	secrecy secrecy
	number  protowire.Number
}

// message returns a message with its secrets replaced. What follows bytes
// that are no wire format is taken for bytes of unknown meaning.
func (w *walk) message(p *plan, b []byte, s secrecy) ([]byte, bool) {
	e := edit{src: b}
	here, outer := frame{plan: p, secrecy: s}, []frame(nil)
	for at := 0; at < len(b); {
		num, typ, n := protowire.ConsumeTag(b[at:])
		switch {
		case n < 0 || typ == protowire.EndGroupType && (len(outer) == 0 || num != here.number):
			w.rest(&e, at)
			return e.result()
		case typ == protowire.EndGroupType:
			here, outer = outer[len(outer)-1], outer[:len(outer)-1]
		case typ == protowire.StartGroupType:
			outer = append(outer, here)
			here = here.enter(num)
		default:
			size := protowire.ConsumeFieldValue(num, typ, b[at+n:])
			if size < 0 {
				w.rest(&e, at)
				return e.result()
			}
			from := at + n
			n += size
			if value, changed := w.value(here, num, typ, b[from:from+size]); changed {
				e.put(from, from+size, value)
			}
		}
		at += n
	}
	return e.result()
}

func (w *walk) rest(e *edit, at int) {
	if out, changed := w.unknown(e.src[at:]); changed {
		e.put(at, len(e.src), out)
	}
}

func (f frame) enter(num protowire.Number) frame {
	in := frame{secrecy: f.secrecy, number: num}
	if f.plan == nil {
		return in
	}
	if sub := f.plan.field(num); sub != nil && sub.verdict != kept {
		in.plan, in.secrecy = sub.sub, max(f.secrecy, sub.secrecy)
	}
	return in
}

// value returns a field's value as it stands on the wire, lengths included.
func (w *walk) value(in frame, num protowire.Number, typ protowire.Type, raw []byte) ([]byte, bool) {
	var f *field
	if in.plan != nil {
		f = in.plan.field(num)
	}
	if f != nil && (f.verdict == kept || f.verdict == listed && in.secrecy < all) {
		return raw, false
	}
	s := in.secrecy
	if f != nil {
		s = max(s, f.secrecy)
	}
	if s == open && !w.hot && (f == nil || f.form < asEntry && (f.sub == nil || !f.sub.needs)) {
		return raw, false
	}
	if typ != protowire.BytesType {
		return w.number(f, typ, raw, s)
	}
	content, _ := protowire.ConsumeBytes(raw)
	defer w.enter(f)()
	out, changed := w.content(f, content, s)
	if !changed {
		return raw, false
	}
	return protowire.AppendBytes(make([]byte, 0, len(out)+protowire.SizeVarint(uint64(len(out)))), out), true
}

// enter notes the way into a field, if anybody is told.
func (w *walk) enter(f *field) (leave func()) {
	if w.tell == nil {
		return nothing
	}
	name := "?"
	if f != nil {
		name = string(f.fd.Name())
	}
	w.path = append(w.path, name)
	return func() { w.path = w.path[:len(w.path)-1] }
}

func nothing() {}

// content returns what a field holds between its length and its end.
func (w *walk) content(f *field, b []byte, s secrecy) ([]byte, bool) {
	if f == nil {
		if s == all {
			return w.fit(b)
		}
		return w.unknown(b)
	}
	switch f.form {
	case asText:
		if s > open {
			return w.hide(b)
		}
		return w.tokens(b)
	case asBytes:
		if s > open {
			return w.fit(b)
		}
		return w.unknown(b)
	case asNumber:
		return w.packed(f, b, s)
	}
	if w.depth++; w.depth > mostDepth {
		w.depth--
		return w.fit(b)
	}
	defer func() { w.depth-- }()
	switch f.form {
	case asEntry:
		return w.entry(f, b, s)
	case asAny:
		return w.any(b, s)
	}
	return w.message(f.sub, b, s)
}

// entry goes through an entry of a map, whose key may name a secret.
func (w *walk) entry(f *field, b []byte, s secrecy) ([]byte, bool) {
	value := f.sub.field(2)
	if key := f.sub.field(1); key == nil || key.form != asText || value == nil {
		return w.message(f.sub, b, s)
	}
	named := w.r.names.field(string(lastBytes(b, 1)))
	switch {
	case (named == kept || named == listed) && s < all:
		return b, false
	case named == hidden && textual(value.fd):
		s = max(s, texts)
	case s == open && !w.hot && (value.sub == nil || !value.sub.needs):
		return b, false
	}
	// The key itself names, and is not what is named.
	e := edit{src: b}
	eachField(b, func(num protowire.Number, typ protowire.Type, from, to int) {
		in := frame{plan: f.sub, secrecy: s}
		if num == 1 {
			in.secrecy = open
		}
		if out, changed := w.value(in, num, typ, b[from:to]); changed {
			e.put(from, to, out)
		}
	})
	return e.result()
}

// any goes through a google.protobuf.Any, by the type that it names.
func (w *walk) any(b []byte, s secrecy) ([]byte, bool) {
	md := w.r.typed(string(lastBytes(b, 1)))
	e := edit{src: b}
	eachField(b, func(num protowire.Number, typ protowire.Type, from, to int) {
		if num != 2 || typ != protowire.BytesType {
			return
		}
		content, _ := protowire.ConsumeBytes(b[from:to])
		if out, changed := w.dynamic(md, content, s); changed {
			e.put(from, to, protowire.AppendBytes(nil, out))
		}
	})
	return e.result()
}

// dynamic goes through a message whose type, unless it is nil, came to light
// on the way.
func (w *walk) dynamic(p *plan, b []byte, s secrecy) ([]byte, bool) {
	switch {
	case p == nil && s == all:
		return w.fit(b)
	case p == nil:
		return w.unknown(b)
	case s == open && !w.hot && !p.needs:
		return b, false
	}
	return w.message(p, b, s)
}

// lastBytes returns the content of the last field of that number, which is
// the one that counts.
func lastBytes(b []byte, number protowire.Number) (content []byte) {
	eachField(b, func(num protowire.Number, typ protowire.Type, from, to int) {
		if num == number && typ == protowire.BytesType {
			content, _ = protowire.ConsumeBytes(b[from:to])
		}
	})
	return content
}

// eachField visits the fields of a message up to what is no wire format.
func eachField(b []byte, visit func(num protowire.Number, typ protowire.Type, from, to int)) {
	for at := 0; at < len(b); {
		num, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(num, typ, b[at+n:])
		if size < 0 {
			return
		}
		visit(num, typ, at+n, at+n+size)
		at += n + size
	}
}
