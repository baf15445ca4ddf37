// Which messages are the same.

package match

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A form is a message as it stands on the tape, once for each method and
// wording, and the class of messages that are the same as it.
type form struct {
	call, at, size uint32 // where its bytes lie, within the packed call
	method, class  int32
	hash           uint32
}

// The messages of a tape, by their bytes and by their canonical forms. Hashes
// only find them: bytes are compared. Their seed differs from run to run, so
// that no file can be made whose messages all collide; nothing that is
// answered depends on it.
type messages struct {
	tape  *tape.Tape
	canon func(method string, dst, msg []byte) []byte
	names []string // of the methods
	seed  maphash.Seed

	forms   []form
	byBytes table   // forms, counted from 1
	classes []class // only with canon
	byCanon table   // classes, counted from 1
	room    []byte  // for a canonical form, while the index is built
}

// A class is its first form, and the hash of its canonical form.
type class struct {
	form int32
	hash uint32
}

func newMessages(t *tape.Tape, canon func(string, []byte, []byte) []byte) messages {
	m := messages{tape: t, canon: canon, seed: maphash.MakeSeed()}
	m.forms, m.byBytes = make([]form, 0, t.Len()), newTable(t.Len())
	m.byCanon = newTable(0)
	return m
}

func (m *messages) hash(method int32, msg []byte) uint32 {
	return uint32(mix(maphash.Bytes(m.seed, msg) + uint64(method)))
}

func (m *messages) bytes(f *form) []byte {
	return m.tape.Packed(int(f.call))[f.at : f.at+f.size]
}

// form returns the form of a message, from 1; 0 if it does not occur.
func (m *messages) form(method int32, h uint32, msg []byte) int32 {
	for i, at := m.byBytes.next(h, h); i != 0; i, at = m.byBytes.next(h, at) {
		f := &m.forms[i-1]
		if f.hash == h && f.method == method && bytes.Equal(m.bytes(f), msg) {
			return i
		}
	}
	return 0
}

// class returns the class of a canonical form, from 1; 0 if it does not occur.
func (m *messages) class(method int32, h uint32, canonical []byte) int32 {
	for i, at := m.byCanon.next(h, h); i != 0; i, at = m.byCanon.next(h, at) {
		f := &m.forms[m.classes[i-1].form]
		if m.classes[i-1].hash != h || f.method != method {
			continue
		}
		if bytes.Equal(m.canon(m.names[method], nil, m.bytes(f)), canonical) {
			return i
		}
	}
	return 0
}

// find returns the class of a live message; false if none is the same.
func (m *messages) find(method int32, msg []byte) (int32, bool) {
	if i := m.form(method, m.hash(method, msg), msg); i != 0 {
		return m.forms[i-1].class, true
	}
	if m.canon == nil {
		return 0, false
	}
	canonical := m.canon(m.names[method], nil, msg)
	i := m.class(method, m.hash(method, canonical), canonical)
	return i - 1, i != 0
}

// add returns the class of a message that lies in a packed call.
func (m *messages) add(method int32, call int, a tape.Act) int32 {
	h := m.hash(method, a.Message)
	if i := m.form(method, h, a.Message); i != 0 {
		return m.forms[i-1].class
	}
	f := form{call: uint32(call), at: uint32(a.At), size: uint32(len(a.Message)), method: method, hash: h}
	f.class = int32(len(m.forms))
	if m.canon != nil {
		f.class = m.classOf(method, a.Message)
	}
	m.forms = append(m.forms, f)
	m.byBytes.put(int32(len(m.forms)), m.formHash)
	return f.class
}

// classOf returns the class of a message whose form is to be added next.
func (m *messages) classOf(method int32, msg []byte) int32 {
	m.room = m.canon(m.names[method], m.room[:0], msg)
	h := m.hash(method, m.room)
	if i := m.class(method, h, m.room); i != 0 {
		return i - 1
	}
	m.classes = append(m.classes, class{int32(len(m.forms)), h})
	m.byCanon.put(int32(len(m.classes)), m.classHash)
	return int32(len(m.classes) - 1)
}

func (m *messages) formHash(i int32) uint32  { return m.forms[i-1].hash }
func (m *messages) classHash(i int32) uint32 { return m.classes[i-1].hash }

// clip gives back room that growing left.
func (m *messages) clip() {
	m.forms, m.classes, m.room = slices.Concat(m.forms), slices.Concat(m.classes), nil
	m.byBytes.fit(m.formHash)
	m.byCanon.fit(m.classHash)
}
