// Raft's messages as frames: MsgApp in a form of its own, the others as protobuf.

package peer

import (
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// A MsgApp's body is eight numbers (uvarint): to, from, term, log term, index,
// commit, and the count of entries; then each entry: its type, its term, its
// length and its data. An entry's index follows from its place. The data is
// copied neither when it is sent nor when it is received.
const (
	maxEntries = 1 << 16 // in a frame: an entry of three bytes takes a hundred in memory
	leastEntry = 3
)

// crosses are the types of messages that go from node to node. Raft makes the
// others for itself, and they have no business on a wire.
var crosses = [...]bool{
	raftpb.MsgProp: true, raftpb.MsgApp: true, raftpb.MsgAppResp: true, raftpb.MsgVote: true,
	raftpb.MsgVoteResp: true, raftpb.MsgSnap: true, raftpb.MsgHeartbeat: true, raftpb.MsgHeartbeatResp: true,
	raftpb.MsgTransferLeader: true, raftpb.MsgTimeoutNow: true, raftpb.MsgReadIndex: true,
	raftpb.MsgReadIndexResp: true, raftpb.MsgPreVote: true, raftpb.MsgPreVoteResp: true,
}

// sizeOf is about how many bytes m takes on the wire, found without walking
// through more than its entries.
func sizeOf(m *raftpb.Message) int {
	n := 96 + len(m.Context)
	if m.Snapshot != nil {
		n += proto.Size(m.Snapshot)
	}
	for _, e := range m.Entries {
		n += len(e.GetData()) + 16
	}
	return n
}

// isPlain holds for a MsgApp that says no more than the own form can.
func isPlain(m *raftpb.Message) bool {
	if m.GetType() != raftpb.MsgApp || m.GetReject() || m.GetRejectHint() != 0 || m.GetVote() != 0 ||
		len(m.Context) > 0 || m.Snapshot != nil || len(m.Responses) > 0 {
		return false
	}
	return follow(m) == nil
}

// follow returns an error unless m's entries follow m.Index without a gap.
func follow(m *raftpb.Message) error {
	for i, e := range m.Entries {
		if want := m.GetIndex() + 1 + uint64(i); e.GetIndex() != want || want == 0 {
			return Malformed{What: "message", Why: fmt.Sprintf("entry %d stands where %d should", e.GetIndex(), want)}
		}
	}
	return nil
}

// message adds m, as one frame or, if it has very many entries, as several
// messages that say the same.
func (b *batch) message(m *raftpb.Message, limit int) error {
	if !isPlain(m) {
		return b.protobuf(m, limit)
	}
	index, logTerm, entries := m.GetIndex(), m.GetLogTerm(), m.Entries
	for len(entries) > maxEntries {
		if err := b.app(m, at{index, logTerm}, entries[:maxEntries], limit); err != nil {
			return err
		}
		last := entries[maxEntries-1]
		index, logTerm, entries = last.GetIndex(), last.GetTerm(), entries[maxEntries:]
	}
	return b.app(m, at{index, logTerm}, entries, limit)
}

// at is the place in the log after which entries come.
type at struct{ index, term uint64 }

func (b *batch) app(m *raftpb.Message, after at, entries []*raftpb.Entry, limit int) error {
	b.begin(appFrame)
	b.uint(m.GetTo())
	b.uint(m.GetFrom())
	b.uint(m.GetTerm())
	b.uint(after.term)
	b.uint(after.index)
	b.uint(m.GetCommit())
	b.uint(uint64(len(entries)))
	for _, e := range entries {
		b.uint(uint64(uint32(e.GetType())))
		b.uint(e.GetTerm())
		b.uint(uint64(len(e.Data)))
		b.data(e.Data)
	}
	return b.end(limit)
}

func (b *batch) protobuf(m *raftpb.Message, limit int) (err error) {
	b.begin(messageFrame)
	b.bytes, err = proto.MarshalOptions{}.MarshalAppend(b.bytes, m)
	if err != nil {
		b.bytes = b.bytes[:b.start]
		return fmt.Errorf("peer: message %v: %w", m.GetType(), err)
	}
	return b.end(limit)
}

// message reads the body of a frame that holds a message.
func (r *reader) message(h head) (*raftpb.Message, error) {
	switch h.kind {
	case appFrame:
		body, err := r.fresh(h)
		if err != nil {
			return nil, err
		}
		return parseApp(body)
	case messageFrame:
		body, err := r.reused(h)
		if err != nil {
			return nil, err
		}
		return parseMessage(body)
	}
	return nil, Malformed{What: "message", Why: fmt.Sprintf("a frame of kind %d", h.kind)}
}

// An appended is a MsgApp with its fields, in one piece of memory.
type appended struct {
	m                                      raftpb.Message
	kind                                   raftpb.MessageType
	to, from, term, logTerm, index, commit uint64
}

// An entry is an entry with its fields, in one piece of memory.
type entry struct {
	e           raftpb.Entry
	kind        raftpb.EntryType
	term, index uint64
}

// parseApp reads the body of an appFrame. The entries' data is the body's.
func parseApp(body []byte) (*raftpb.Message, error) {
	f := fields{what: "MsgApp", rest: body}
	a := &appended{kind: raftpb.MsgApp}
	m := &a.m
	m.Type, m.To, m.From, m.Term, m.LogTerm, m.Index, m.Commit =
		&a.kind, &a.to, &a.from, &a.term, &a.logTerm, &a.index, &a.commit
	a.to, a.from, a.term = f.uint("receiver"), f.uint("sender"), f.uint("term")
	a.logTerm, a.index, a.commit = f.uint("log term"), f.uint("index"), f.uint("commit")
	n := f.uint("count of entries")
	if n > maxEntries || n > uint64(len(f.rest)/leastEntry) || a.index > math.MaxUint64-n {
		f.fail("%d entries after %d, in %d bytes", n, a.index, len(f.rest))
	}
	if f.err != nil || n == 0 {
		return m, f.end()
	}
	entries := make([]entry, n)
	m.Entries = make([]*raftpb.Entry, n)
	for i := range entries {
		entries[i].index = a.index + 1 + uint64(i)
		m.Entries[i] = entries[i].parse(&f)
	}
	return m, f.end()
}

func (e *entry) parse(f *fields) *raftpb.Entry {
	kind := f.uint("entry's type")
	if kind > uint64(raftpb.EntryConfChangeV2) {
		f.fail("an entry of type %d", kind)
	}
	e.kind, e.term = raftpb.EntryType(kind), f.uint("entry's term")
	if data := f.bytes("entry's data"); len(data) > 0 {
		e.e.Data = data
	}
	e.e.Type, e.e.Term, e.e.Index = &e.kind, &e.term, &e.index
	return &e.e
}

// end returns the first error, or one if something is left.
func (f *fields) end() error {
	if len(f.rest) > 0 {
		f.fail("%d bytes follow its end", len(f.rest))
	}
	return f.err
}

// parseMessage reads the body of a messageFrame. It keeps nothing of body.
func parseMessage(body []byte) (*raftpb.Message, error) {
	if err := scan(body); err != nil {
		return nil, err
	}
	m := new(raftpb.Message)
	if err := proto.Unmarshal(body, m); err != nil {
		return nil, Malformed{What: "message", Why: err.Error()}
	}
	if t := m.GetType(); t < 0 || int(t) >= len(crosses) || !crosses[t] {
		return nil, Malformed{What: "message", Why: fmt.Sprintf("type %v does not go from node to node", t)}
	}
	if m.GetType() == raftpb.MsgApp {
		return m, follow(m)
	}
	return m, nil
}

// The numbers of Message's fields which a hostile sender could repeat: two
// bytes each on the wire, hundreds in memory.
const (
	entriesField   = 7
	responsesField = 14
)

// scan walks over a message's fields before memory is spent on them.
func scan(body []byte) error {
	entries := 0
	for len(body) > 0 {
		field, _, n := protowire.ConsumeField(body)
		switch {
		case n < 0:
			return Malformed{What: "message", Why: protowire.ParseError(n).Error()}
		case field == responsesField:
			return Malformed{What: "message", Why: "it has responses, which stay on their node"}
		case field == entriesField:
			entries++
		}
		if entries > maxEntries {
			return Malformed{What: "message", Why: fmt.Sprintf("it has more than %d entries", maxEntries)}
		}
		body = body[n:]
	}
	return nil
}
