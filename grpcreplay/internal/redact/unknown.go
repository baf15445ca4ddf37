// Bytes of unknown meaning: a message, a text, or both as it seems.

package redact

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// unknown replaces the tokens in bytes of unknown meaning, each by as many
// bytes, so that no length has to be corrected of which it is not known
// whether it is one. Bytes that can be read as a message are read so at every
// depth; what seems to be a tag or a length is never changed.
func (w *walk) unknown(from, to int) (delta int) {
	if !w.hot {
		return 0
	}
	src := w.src[from:to]
	b := src
	// A pseudonym may make a message of what was none, in which more stands
	// out: bytes are redacted once nothing does.
	for range mostReadings {
		out, changed := w.overlay(b)
		if !changed {
			break
		}
		b = out
	}
	if len(b) == 0 || &b[0] == &src[0] {
		return 0
	}
	return w.put(from, to, b)
}

// mostReadings bounds how often bytes are gone through. Each time there are
// fewer beginnings of tokens; only users' patterns may go on finding some.
const mostReadings = 8

func (w *walk) overlay(b []byte) (out []byte, changed bool) {
	o := overlay{walk: w, src: b, out: b}
	if len(w.r.seekers) == 0 {
		if o.hints = w.r.hints(b); len(o.hints) == 0 {
			return b, false
		}
	}
	o.read(0, len(b), 0)
	return o.out, o.changed
}

// An overlay is bytes that are written over.
type overlay struct {
	walk     *walk
	src, out []byte // out is src until changed
	changed  bool
	hints    []int // where tokens may be; of no meaning if the user has patterns
}

// read replaces the tokens in [from, to).
func (o *overlay) read(from, to, depth int) {
	if !o.mayHave(from, to) {
		return
	}
	b := o.src[from:to]
	if depth >= mostDepth || !isMessage(b) {
		o.text(from, to, nil)
		return
	}
	eachPart(b, func(_ int, typ protowire.Type, begin, end int) {
		if typ == protowire.BytesType {
			o.read(from+begin, from+end, depth+1)
		}
	})
	if isText(b) {
		o.text(from, to, structure(b, nil, 0))
	}
}

func (o *overlay) mayHave(from, to int) bool {
	if len(o.walk.r.seekers) > 0 {
		return to > from
	}
	i, _ := slices.BinarySearch(o.hints, from)
	return i < len(o.hints) && o.hints[i] < to
}

// text replaces the tokens in [from, to), but for the bytes that fixed has.
func (o *overlay) text(from, to int, fixed []bool) {
	b := o.out[from:to]
	o.write(from, o.walk.r.spans(b), fixed)
	for _, seek := range o.walk.r.seekers {
		b = o.out[from:to]
		o.write(from, away(b, seek(b)), fixed)
	}
}

func (o *overlay) write(from int, spans []span, fixed []bool) {
	for _, s := range spans {
		secret := o.out[from+s.from : from+s.to]
		pseudonym := o.walk.r.salter.fit(secret)
		if fixed != nil {
			pseudonym = around(fixed[s.from:s.to], secret, pseudonym)
		}
		if bytes.Equal(pseudonym, secret) {
			continue
		}
		o.walk.note(s.what, secret)
		if !o.changed {
			o.out, o.changed = slices.Clone(o.src), true
		}
		copy(o.out[from+s.from:], pseudonym)
	}
}

// around returns a pseudonym that leaves the fixed bytes of the secret as they
// are. Where that is none any more there are asterisks instead, so that
// redacting it again changes nothing.
func around(fixed []bool, secret, pseudonym []byte) []byte {
	out := slices.Clone(pseudonym)
	for i := range out {
		if fixed[i] {
			out[i] = secret[i]
		}
	}
	if isPseudonym(out) {
		return out
	}
	for i := range out {
		if !fixed[i] {
			out[i] = shortEdge
		}
	}
	return out
}

// isMessage tells whether b can be read as a message with fields.
func isMessage(b []byte) bool {
	return len(b) > 0 && eachPart(b, func(int, protowire.Type, int, int) {})
}

// eachPart visits the fields of b, those in groups as well: where their tags
// begin, their types, and where their contents lie. It returns whether b
// could be read up to its end.
func eachPart(b []byte, visit func(tag int, typ protowire.Type, begin, end int)) bool {
	var groups []protowire.Number
	for at := 0; at < len(b); {
		num, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return false
		}
		begin, end := at+n, at+n
		switch typ {
		case protowire.StartGroupType:
			if groups = append(groups, num); len(groups) > mostDepth {
				return false
			}
		case protowire.EndGroupType:
			if len(groups) == 0 || groups[len(groups)-1] != num {
				return false
			}
			groups = groups[:len(groups)-1]
		default:
			size := protowire.ConsumeFieldValue(num, typ, b[begin:])
			if size < 0 {
				return false
			}
			end = begin + size
			if typ == protowire.BytesType {
				content, _ := protowire.ConsumeBytes(b[begin:end])
				begin = end - len(content)
			}
		}
		visit(at, typ, begin, end)
		at = end
	}
	return len(groups) == 0
}

// mostText bounds what is read both as a message and as a text: a longer text
// does not look like a message by chance.
const mostText = 16 << 10

// isText tells whether b, which can be read as a message, can be read as a
// text too.
func isText(b []byte) bool {
	if len(b) > mostText || !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7F {
			return false
		}
	}
	return true
}

// structure tells which bytes of b are tags, lengths and varints at any depth.
func structure(b []byte, fixed []bool, offset int) []bool {
	if fixed == nil {
		fixed = make([]bool, len(b))
	}
	eachPart(b, func(tag int, typ protowire.Type, begin, end int) {
		if typ == protowire.VarintType {
			begin = end
		}
		for i := tag; i < begin; i++ {
			fixed[offset+i] = true
		}
		if typ == protowire.BytesType && isMessage(b[begin:end]) {
			structure(b[begin:end], fixed, offset+begin)
		}
	})
	return fixed
}
