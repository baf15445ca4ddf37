// The end of the log, in memory.

package wal

// A tail is the entries appended last, as they were given. Copies of it stay as
// they are: only room that no copy sees is written.
type tail struct {
	entries []Entry // one behind the other
	bytes   int
}

// entryOverhead is what an entry costs in memory besides its data.
const entryOverhead = 80

func (t *tail) append(es []Entry, limit int) {
	if len(es) == 0 {
		return
	}
	t.entries = append(t.entries, es...)
	for i := range es {
		t.bytes += entryOverhead + len(es[i].Data)
	}
	drop := 0
	for drop < len(t.entries)-1 && t.bytes > limit {
		t.bytes -= entryOverhead + len(t.entries[drop].Data)
		drop++
	}
	t.entries = t.entries[drop:]
}

// cut forgets what is behind last.
func (t *tail) cut(last uint64) {
	n := len(t.entries)
	for n > 0 && t.entries[n-1].Index > last {
		n--
		t.bytes -= entryOverhead + len(t.entries[n].Data)
	}
	t.entries = t.entries[:n:n]
}

// from returns the entries from index on, unless they are not all there.
func (t *tail) from(index uint64) []Entry {
	if n := len(t.entries); n == 0 || index < t.entries[0].Index || index > t.entries[n-1].Index {
		return nil
	}
	return t.entries[index-t.entries[0].Index:]
}

// holding returns the entries from the one on that holds the record of that
// offset, unless it is not there.
func (t *tail) holding(offset uint64) []Entry {
	n := len(t.entries)
	if n == 0 || offset < t.entries[0].Base || offset >= t.entries[n-1].Base+uint64(t.entries[n-1].Count) {
		return nil
	}
	lo, hi := 0, n // the first that ends behind offset
	for lo < hi {
		if mid := (lo + hi) / 2; t.entries[mid].Base+uint64(t.entries[mid].Count) > offset {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return t.entries[lo:]
}
