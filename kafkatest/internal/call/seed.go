// Ids drawn from the seed and stable names.

package call

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
)

// A Seed names every id of a cluster. An id is a function of the seed and the
// names it is drawn for, never of what was drawn before: two connections that
// race cannot change each other's ids.
type Seed uint64

// sum hashes the seed with the names.
func (s Seed) sum(names []string) [sha256.Size]byte {
	buf := binary.BigEndian.AppendUint64(nil, uint64(s))
	for _, name := range names {
		buf = binary.AppendUvarint(buf, uint64(len(name)))
		buf = append(buf, name...)
	}
	return sha256.Sum256(buf)
}

// UUID returns a version 4 UUID that is never all zero.
func (s Seed) UUID(names ...string) (id [16]byte) {
	sum := s.sum(names)
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Text returns UUID as Kafka prints its ids: 22 characters of URL-safe base64.
func (s Seed) Text(names ...string) string {
	id := s.UUID(names...)
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// Dashed returns UUID as members are named: 8-4-4-4-12 hexadecimal digits.
func (s Seed) Dashed(names ...string) string {
	id := s.UUID(names...)
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Below returns a number at least 0 and less than n; 0 if n is not positive.
func (s Seed) Below(n int, names ...string) int {
	if n <= 0 {
		return 0
	}
	sum := s.sum(names)
	return int(binary.BigEndian.Uint64(sum[:]) % uint64(n))
}
