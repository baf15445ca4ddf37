// A hash table of numbers.

package match

// A table finds numbers by the hashes of what they stand for. The numbers are
// 1, 2, 3 and so on, none left out. A slot holds a
// number in as many low bits as the table has slots for, and above them those
// bits of the hash that do not say where it lies: so what has another hash is
// passed over without being looked at. Probing is linear; a third of the slots
// stays free.
type table struct {
	slots []uint32
	n     int32
}

// newTable returns a table with room for n numbers.
func newTable(n int) table {
	size := 64
	for 2*size < 3*(n+1) {
		size *= 2
	}
	return table{slots: make([]uint32, size)}
}

// next returns the next number that may have a hash, and where to go on; 0 if
// there is none. Begin at the hash.
func (t *table) next(hash, at uint32) (number int32, behind uint32) {
	mask := uint32(len(t.slots) - 1)
	for ; ; at++ {
		s := t.slots[at&mask]
		if s == 0 {
			return 0, at
		}
		if (s^hash)&^mask == 0 {
			return int32(s & mask), at + 1
		}
	}
}

// put puts a number in under its hash, whereupon there is one number more. To
// make room it asks for the hashes of all.
func (t *table) put(number int32, hashOf func(number int32) uint32) {
	t.n++
	if 3*int(t.n) < 2*len(t.slots) {
		t.place(hashOf(number), number)
		return
	}
	t.refill(2*int(t.n), hashOf)
}

// refill makes the table one with room for so many.
func (t *table) refill(room int, hashOf func(number int32) uint32) {
	t.slots = newTable(room).slots
	for number := int32(1); number <= t.n; number++ {
		t.place(hashOf(number), number)
	}
}

func (t *table) place(hash uint32, number int32) {
	mask := uint32(len(t.slots) - 1)
	at := hash
	for t.slots[at&mask] != 0 {
		at++
	}
	t.slots[at&mask] = hash&^mask | uint32(number)
}

// replace puts a number where another stands, which is to be put in anew.
func (t *table) replace(hash uint32, old, number int32) {
	mask := uint32(len(t.slots) - 1)
	at := hash
	for t.slots[at&mask] != hash&^mask|uint32(old) {
		at++
	}
	t.slots[at&mask] = hash&^mask | uint32(number)
}

// fit gives room back that is not needed.
func (t *table) fit(hashOf func(number int32) uint32) {
	if 3*int(t.n) < len(t.slots)/2 {
		t.refill(int(t.n), hashOf)
	}
}
