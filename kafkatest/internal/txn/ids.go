// Producer ids, drawn from the seed and names.

package txn

import (
	"encoding/binary"
	"strconv"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
)

// ids draws producer ids. An id depends on the names it is drawn for, and on
// other ids only in the case of a collision, of which there is one chance in a
// billion among a thousand producers.
type ids struct {
	seed  call.Seed
	taken map[int64]bool
	drawn map[string]int // how many ids a connection asked for
}

// idMask keeps ids within 53 bits, where a client that holds numbers as
// floating point (JavaScript's do) loses nothing.
const idMask = 1<<53 - 1

// forConn draws an id for an idempotent producer: the nth of its connection.
func (d *ids) forConn(conn, clientID string) int64 {
	n := d.drawn[conn]
	d.drawn[conn] = n + 1
	return d.draw("idempotent", conn, clientID, strconv.Itoa(n))
}

// forTxn draws an id for a transactional id: the first that it has not had.
func (d *ids) forTxn(txnID string) int64 { return d.draw("transactional", txnID) }

func (d *ids) draw(names ...string) int64 {
	for attempt := 0; ; attempt++ {
		sum := d.seed.UUID(append(names, "producer id", strconv.Itoa(attempt))...)
		id := int64(binary.BigEndian.Uint64(sum[8:]) & idMask)
		if id != 0 && !d.taken[id] {
			d.taken[id] = true
			return id
		}
	}
}
