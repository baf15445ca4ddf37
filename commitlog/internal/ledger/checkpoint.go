// What a segment begins with: all that must be known of the entries before it.

package ledger

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A Checkpoint is what is known of the log before an index, beside its records.
type Checkpoint struct {
	Config    Config   // applied, as of its own index, which may be lower or higher
	Pending   []Change // configuration changes and trims that were not yet committed
	Low       uint64   // the first offset that may be read
	Newest    time.Time
	Producers *Producers
}

// NewCheckpoint is that of an empty log.
func NewCheckpoint() Checkpoint {
	return Checkpoint{Config: NewConfig(), Producers: NewProducers()}
}

const checkpointVersion = 1

// Bytes returns the checkpoint as it is stored.
func (c Checkpoint) Bytes() []byte {
	b := []byte{checkpointVersion}
	b = binary.AppendUvarint(b, c.Low)
	b = binary.AppendVarint(b, unixNano(c.Newest))
	b = binary.AppendUvarint(b, c.Config.Index)
	state, err := proto.MarshalOptions{Deterministic: true}.Marshal(c.Config.State)
	if err != nil {
		panic("commitlog: a configuration that cannot be written: " + err.Error())
	}
	b = appendBytes(b, state)
	var members []Member
	for _, id := range slices.Sorted(maps.Keys(c.Config.Members)) {
		members = append(members, c.Config.Members[id])
	}
	b = AppendMembers(b, members...)
	b = binary.AppendUvarint(b, uint64(len(c.Pending)))
	for _, p := range c.Pending {
		b = binary.AppendUvarint(b, p.Index)
		b = binary.AppendUvarint(b, uint64(p.Type))
		b = appendBytes(b, p.Data)
	}
	return c.Producers.Append(b)
}

// ParseCheckpoint reads what Bytes has written. No bytes at all are the
// checkpoint of an empty log.
func ParseCheckpoint(b []byte) (Checkpoint, error) {
	c := NewCheckpoint()
	if len(b) == 0 {
		return c, nil
	}
	if b[0] != checkpointVersion {
		return c, fmt.Errorf("a checkpoint of format %d; this program reads format %d", b[0], checkpointVersion)
	}
	r := reader{rest: b[1:]}
	c.Low = r.number()
	if ns := r.signed(); ns != 0 {
		c.Newest = time.Unix(0, ns)
	}
	c.Config.Index = r.number()
	state := r.bytes()
	if r.err == nil {
		r.err = proto.Unmarshal(state, c.Config.State)
	}
	for _, m := range r.members() {
		c.Config.Members[m.ID] = m
	}
	for range r.count("pending changes", 1<<16) {
		p := Change{Index: r.number(), Type: raftpb.EntryType(r.number()), Data: r.bytes()}
		if r.err != nil {
			break
		}
		c.Pending = append(c.Pending, p)
	}
	c.Producers = r.producers()
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return NewCheckpoint(), fmt.Errorf("a checkpoint: %w", r.err)
	}
	return c, nil
}

func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
