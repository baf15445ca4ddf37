// Which messages are the same.

package match

import (
	"bytes"
	"hash/maphash"

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
	slots   []int32 // forms by bytes, plus 1; linear probing
	classes []class // only with canon
	alike   []int32 // classes by canonical bytes, plus 1
	room    []byte  // for a canonical form, while the index is built
}

// A class is its first form, and the hash of its canonical form.
type class struct {
	form int32
	hash uint32
}

func newMessages(t *tape.Tape, canon func(string, []byte, []byte) []byte) messages {
	return messages{
		tape: t, canon: canon, seed: maphash.MakeSeed(), slots: make([]int32, 64), alike: make([]int32, 64),
	}
}

func (m *messages) hash(method int32, msg []byte) uint32 {
	return uint32(mix(maphash.Bytes(m.seed, msg) + uint64(method)))
}

func (m *messages) bytes(f *form) []byte {
	return m.tape.Packed(int(f.call))[f.at : f.at+f.size]
}

// slot returns where a form stands, or is to stand.
func (m *messages) slot(method int32, h uint32, msg []byte) *int32 {
	mask := uint32(len(m.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		s := &m.slots[at]
		if *s == 0 {
			return s
		}
		f := &m.forms[*s-1]
		if f.hash == h && f.method == method && bytes.Equal(m.bytes(f), msg) {
			return s
		}
	}
}

// find returns the class of a live message; false if none is the same.
func (m *messages) find(method int32, msg []byte) (int32, bool) {
	if s := *m.slot(method, m.hash(method, msg), msg); s != 0 {
		return m.forms[s-1].class, true
	}
	if m.canon == nil {
		return 0, false
	}
	s, _ := m.classSlot(method, m.canon(m.names[method], nil, msg))
	return *s - 1, *s != 0
}

// classSlot returns where the class of a canonical form stands, or is to
// stand, and the form's hash.
func (m *messages) classSlot(method int32, canonical []byte) (*int32, uint32) {
	h, mask := m.hash(method, canonical), uint32(len(m.alike)-1)
	for at := h & mask; ; at = (at + 1) & mask {
		s := &m.alike[at]
		if *s == 0 {
			return s, h
		}
		f := &m.forms[m.classes[*s-1].form]
		if m.classes[*s-1].hash != h || f.method != method {
			continue
		}
		if bytes.Equal(m.canon(m.names[method], nil, m.bytes(f)), canonical) {
			return s, h
		}
	}
}

// add returns the class of a message that lies in a packed call, at a place.
func (m *messages) add(method int32, call int, a tape.Act) int32 {
	h := m.hash(method, a.Message)
	s := m.slot(method, h, a.Message)
	if *s != 0 {
		return m.forms[*s-1].class
	}
	f := form{call: uint32(call), at: uint32(a.At), size: uint32(len(a.Message)), method: method, hash: h}
	f.class = int32(len(m.forms))
	m.forms = append(m.forms, f)
	*s = int32(len(m.forms))
	if m.canon != nil {
		f.class = m.classOf(method, a.Message)
		m.forms[len(m.forms)-1].class = f.class
	}
	if 3*len(m.forms) >= 2*len(m.slots) {
		m.slots = m.rehash(len(m.forms), func(i int) uint32 { return m.forms[i].hash })
	}
	return f.class
}

// classOf returns the class of the form that was added last.
func (m *messages) classOf(method int32, msg []byte) int32 {
	m.room = m.canon(m.names[method], m.room[:0], msg)
	s, h := m.classSlot(method, m.room)
	if *s != 0 {
		return *s - 1
	}
	m.classes = append(m.classes, class{int32(len(m.forms) - 1), h})
	*s = int32(len(m.classes))
	if 3*len(m.classes) >= 2*len(m.alike) {
		m.alike = m.rehash(len(m.classes), func(i int) uint32 { return m.classes[i].hash })
	}
	return int32(len(m.classes) - 1)
}

// rehash returns a table of n entries with their hashes, a third full.
func (m *messages) rehash(n int, hash func(int) uint32) []int32 {
	size := 64
	for size < 3*n-n/2 {
		size *= 2
	}
	slots := make([]int32, size)
	for i := range n {
		at := hash(i) & uint32(size-1)
		for slots[at] != 0 {
			at = (at + 1) & uint32(size-1)
		}
		slots[at] = int32(i + 1)
	}
	return slots
}
