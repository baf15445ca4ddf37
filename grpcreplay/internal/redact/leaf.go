// The leaves of a message: texts, bytes and numbers.

package redact

import "google.golang.org/protobuf/encoding/protowire"

// hide replaces the whole of a text.
func (w *walk) hide(b []byte) ([]byte, bool) {
	return w.become(b, w.r.salter.text(b))
}

// fit replaces the whole of some bytes by as many others: programs ask for
// keys and digests of a certain length.
func (w *walk) fit(b []byte) ([]byte, bool) {
	return w.become(b, w.r.salter.fit(b))
}

func (w *walk) become(b, pseudonym []byte) ([]byte, bool) {
	if len(b) == 0 || &pseudonym[0] == &b[0] {
		return b, false
	}
	w.note("a secret by its name", b)
	return pseudonym, true
}

// note tells of a secret.
func (w *walk) note(what string, secret []byte) {
	if w.tell != nil {
		w.tell(w.path, what, secret)
	}
}

// tokens replaces the tokens in a text.
func (w *walk) tokens(b []byte) ([]byte, bool) {
	out, changed := w.replace(b, w.r.spans(b))
	for _, seek := range w.r.seekers {
		more, also := w.replace(out, away(out, seek(out)))
		out, changed = more, changed || also
	}
	return out, changed
}

func (w *walk) replace(b []byte, spans []span) ([]byte, bool) {
	e := edit{src: b}
	for _, s := range spans {
		secret := b[s.from:s.to]
		w.note(s.what, secret)
		e.put(s.from, s.to, w.r.salter.text(secret))
	}
	return e.result()
}

// number replaces a number that is secret.
func (w *walk) number(f *field, typ protowire.Type, raw []byte, s secrecy) ([]byte, bool) {
	if s != all {
		return raw, false
	}
	v, n := consumeNumber(typ, raw)
	if n < 0 {
		return raw, false
	}
	pseudonym := uint64(0) // of a field of which nothing is known
	if f != nil && f.form == asNumber && typ == wireType(f.fd.Kind()) {
		pseudonym = w.r.salter.wire(f.fd, v)
	}
	if pseudonym == v {
		return raw, false
	}
	w.note("a secret number", raw)
	return appendNumber(nil, typ, pseudonym), true
}

// packed replaces the numbers of a packed field, if they are secret.
func (w *walk) packed(f *field, b []byte, s secrecy) ([]byte, bool) {
	if s != all {
		return b, false
	}
	e, typ := edit{src: b}, wireType(f.fd.Kind())
	for at := 0; at < len(b); {
		_, n := consumeNumber(typ, b[at:])
		if n < 0 {
			return w.fit(b) // it is not what its type says
		}
		if out, changed := w.number(f, typ, b[at:at+n], s); changed {
			e.put(at, at+n, out)
		}
		at += n
	}
	return e.result()
}
