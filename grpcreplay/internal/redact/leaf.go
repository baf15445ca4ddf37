// The leaves of a message: texts, bytes and numbers.

package redact

// text goes through a text: it is secret, or tokens in it are.
func (w *walk) text(s secrecy, from, to int) (delta int) {
	b := w.src[from:to]
	if s > open {
		return w.become(from, to, w.r.salter.text(b))
	}
	out, changed := w.tokens(b)
	if !changed {
		return 0
	}
	return w.put(from, to, out)
}

// bytes goes through bytes: they are secret, or tokens in them are.
func (w *walk) bytes(s secrecy, from, to int) (delta int) {
	if s > open {
		return w.fit(from, to)
	}
	return w.unknown(from, to)
}

// fit replaces bytes by as many others: programs ask for keys and digests of
// a certain length.
func (w *walk) fit(from, to int) (delta int) {
	return w.become(from, to, w.r.salter.fit(w.src[from:to]))
}

func (w *walk) become(from, to int, pseudonym []byte) (delta int) {
	if from == to || &pseudonym[0] == &w.src[from] {
		return 0
	}
	w.note("a secret by its name", w.src[from:to])
	return w.put(from, to, pseudonym)
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
func (w *walk) number(f *field, s secrecy, at spot) (delta int) {
	if s != all {
		return 0
	}
	v, n := consumeNumber(at.typ, w.src[at.from:at.to])
	if n < 0 {
		return 0
	}
	pseudonym := uint64(0) // of a field of which nothing is known
	if f != nil && f.form == asNumber && at.typ == wireType(f.fd.Kind()) {
		pseudonym = w.r.salter.wire(f.fd, v)
	}
	if pseudonym == v {
		return 0
	}
	w.note("a secret number", w.src[at.from:at.to])
	return w.put(at.from, at.to, appendNumber(nil, at.typ, pseudonym))
}

// packed replaces the numbers of a packed field, if they are secret. Bytes
// that are none, which no program parses, are left out.
func (w *walk) packed(f *field, s secrecy, from, to int) (delta int) {
	if s != all {
		return 0
	}
	typ := wireType(f.fd.Kind())
	for at := from; at < to; {
		_, n := consumeNumber(typ, w.src[at:to])
		if n < 0 {
			w.note("a secret by its name", w.src[at:to])
			return delta + w.put(at, to, nil)
		}
		delta += w.number(f, s, spot{typ, at, at + n})
		at += n
	}
	return delta
}
