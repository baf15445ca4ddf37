// How the metadata of calls ranks them.

package match

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// volatile are the keys that change from run to run, or with a library's
// version: traces, dates, credentials, and what libraries say of themselves.
var volatile = map[string]bool{
	"authorization": true, "b3": true, "baggage": true, "cookie": true, "date": true, "forwarded": true,
	"grpc-accept-encoding": true, "grpc-encoding": true, "grpc-previous-rpc-attempts": true,
	"grpc-tags-bin": true, "grpc-timeout": true, "grpc-trace-bin": true, "proxy-authorization": true,
	"request-id": true, "sentry-trace": true, "traceparent": true, "tracestate": true, "uber-trace-id": true,
	"user-agent": true, "via": true, "x-amzn-trace-id": true, "x-api-key": true,
	"x-cloud-trace-context": true, "x-correlation-id": true, "x-forwarded-for": true,
	"x-goog-api-client": true, "x-request-id": true,
}

// Volatile tells whether a key of metadata says nothing about which call it
// is, since its values change from run to run.
func Volatile(key string) bool {
	return volatile[key] || strings.HasPrefix(key, "x-b3-")
}

// ranks are the different sets of metadata that occur, volatile keys and keys
// that must be equal left out. A set is known by the hashes of its pairs,
// whatever their order.
type ranks struct {
	skip map[string]bool // keys that do not rank, as far as asked
	vain func(key string) bool
	seed maphash.Seed
	ids  map[uint64]int32 // sets by the sum of their hashes
	sums []uint64         // the pairs' hashes, those of a set in a row, sorted
	ends []int32          // where a set's end
	room []uint64
}

func newRanks(o Options) ranks {
	r := ranks{vain: o.Volatile, seed: maphash.MakeSeed(), ids: map[uint64]int32{}, skip: map[string]bool{}}
	if r.vain == nil {
		r.vain = Volatile
	}
	for _, key := range o.Metadata {
		r.skip[key] = true
	}
	return r
}

func (r *ranks) pair(key, value uint64) uint64 { return mix(mix(key) + value) }

// add returns the number of a call's set.
func (r *ranks) add(ps []tape.Bytes) int32 {
	r.room = r.room[:0]
	sum := uint64(0)
	for _, p := range ps {
		skip, asked := r.skip[string(p.Key)]
		if !asked {
			skip = r.vain(string(p.Key))
			r.skip[string(p.Key)] = skip
		}
		if !skip {
			h := r.pair(maphash.Bytes(r.seed, p.Key), maphash.Bytes(r.seed, p.Value))
			r.room, sum = append(r.room, h), sum+h
		}
	}
	id, known := r.ids[sum]
	if !known {
		id = int32(len(r.ends))
		r.ids[sum] = id
		slices.Sort(r.room)
		r.sums = append(r.sums, r.room...)
		r.ends = append(r.ends, int32(len(r.sums)))
	}
	return id
}

// of returns the hashes of a live call's pairs, sorted, and the number of the
// equal set, -1 if there is none.
func (r *ranks) of(ps []tape.Pair) ([]uint64, int32) {
	hashes, sum := make([]uint64, 0, len(ps)), uint64(0)
	for _, p := range ps {
		skip, asked := r.skip[p.Key]
		if skip || !asked && r.vain(p.Key) {
			continue
		}
		h := r.pair(maphash.String(r.seed, p.Key), maphash.String(r.seed, p.Value))
		hashes, sum = append(hashes, h), sum+h
	}
	slices.Sort(hashes)
	if id, known := r.ids[sum]; known {
		return hashes, id
	}
	return hashes, -1
}

// distance returns how many pairs are in one of a live call's and a recorded
// set but not in both.
func (r *ranks) distance(live []uint64, id int32) int {
	from := int32(0)
	if id > 0 {
		from = r.ends[id-1]
	}
	set := r.sums[from:r.ends[id]]
	apart := len(live) + len(set)
	for len(live) > 0 && len(set) > 0 {
		switch {
		case live[0] < set[0]:
			live = live[1:]
		case live[0] > set[0]:
			set = set[1:]
		default:
			live, set, apart = live[1:], set[1:], apart-2
		}
	}
	return apart
}
