// The decoder among bytes that nobody meant.

package peer

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// given is a connection on which bytes wait.
type given struct {
	net.Conn
	*bytes.Reader
}

func (g given) Read(p []byte) (int, error) { return g.Reader.Read(p) }

// encoded is what would go over the wire.
func encoded(f *testing.F, messages ...*raftpb.Message) []byte {
	b := newBatch(nil)
	for _, m := range messages {
		if err := b.message(m, 1<<20); err != nil {
			f.Fatal(err)
		}
	}
	return b.bytes
}

func FuzzFrames(f *testing.F) {
	app := &raftpb.Message{
		Type: raftpb.MsgApp.Enum(), To: proto.Uint64(2), From: proto.Uint64(1), Term: proto.Uint64(3),
		Index: proto.Uint64(4), LogTerm: proto.Uint64(2), Commit: proto.Uint64(4), Entries: []*raftpb.Entry{
			{Type: raftpb.EntryConfChangeV2.Enum(), Term: proto.Uint64(3), Index: proto.Uint64(5), Data: []byte("x")},
			{Type: raftpb.EntryNormal.Enum(), Term: proto.Uint64(3), Index: proto.Uint64(6)},
		},
	}
	snap := &raftpb.Message{Type: raftpb.MsgSnap.Enum(), Snapshot: &raftpb.Snapshot{Data: []byte("s")}}
	f.Add(encoded(f, app, snap, app))
	f.Add(encoded(f, snap)[:9])
	f.Add([]byte("\xff\xff\xff\xff\x05xxxx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newReader(given{Reader: bytes.NewReader(b)}, readAhead)
		for {
			h, err := r.head(1 << 20)
			if err == nil {
				_, err = r.message(h)
			}
			if err != nil {
				checkTyped(t, err)
				return
			}
		}
	})
}

// checkTyped fails the test unless err is one a caller can tell.
func checkTyped(t *testing.T, err error) {
	t.Helper()
	if err != io.EOF && err != io.ErrUnexpectedEOF &&
		!errors.As(err, new(Malformed)) && !errors.As(err, new(Oversized)) {
		t.Errorf("an error of type %T: %v", err, err)
	}
}

// Bodies are fuzzed by themselves, since no mutation gets past a checksum.
func FuzzApp(f *testing.F) {
	f.Add([]byte("\x02\x01\x07\x06\x05\x04\x02\x00\x07\x03abc\x01\x07\x00"))
	f.Add([]byte("\x02\x01\x07\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x01"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseApp(bytes.Clone(body))
		if err != nil {
			checkTyped(t, err)
			return
		}
		checkAgain(t, m)
	})
}

func FuzzMessage(f *testing.F) {
	for _, m := range []*raftpb.Message{
		{Type: raftpb.MsgHeartbeat.Enum(), Term: proto.Uint64(3), Context: []byte("c")},
		{Type: raftpb.MsgSnap.Enum(), Snapshot: &raftpb.Snapshot{
			Metadata: &raftpb.SnapshotMetadata{ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}},
		}},
		{Type: raftpb.MsgApp.Enum(), Reject: proto.Bool(true), Entries: []*raftpb.Entry{{Index: proto.Uint64(1)}}},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\x72\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMessage(body)
		if err != nil {
			checkTyped(t, err)
			return
		}
		checkAgain(t, m)
	})
}

// checkAgain sends m once more: it must arrive as it is.
func checkAgain(t *testing.T, m *raftpb.Message) {
	t.Helper()
	b := newBatch(nil)
	if err := b.message(m, 64<<20); err != nil {
		t.Fatalf("what was received cannot be sent: %v", err)
	}
	r := newReader(given{Reader: bytes.NewReader(b.bytes)}, readAhead)
	h, err := r.head(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.message(h)
	if err != nil {
		t.Fatalf("what was sent is not understood: %v", err)
	}
	if isPlain(m) {
		m = explicit(m)
	}
	if !proto.Equal(m, again) {
		t.Fatalf("it arrived as\n%v\nand was sent as\n%v", again, m)
	}
}

// explicit is a MsgApp with zeros where nothing was said: Raft makes no
// difference between the two.
func explicit(m *raftpb.Message) *raftpb.Message {
	e := &raftpb.Message{
		Type: raftpb.MsgApp.Enum(), To: proto.Uint64(m.GetTo()), From: proto.Uint64(m.GetFrom()),
		Term: proto.Uint64(m.GetTerm()), LogTerm: proto.Uint64(m.GetLogTerm()),
		Index: proto.Uint64(m.GetIndex()), Commit: proto.Uint64(m.GetCommit()),
	}
	for _, x := range m.Entries {
		y := &raftpb.Entry{
			Type: x.GetType().Enum(), Term: proto.Uint64(x.GetTerm()), Index: proto.Uint64(x.GetIndex()),
		}
		if len(x.Data) > 0 {
			y.Data = x.Data
		}
		e.Entries = append(e.Entries, y)
	}
	return e
}

func FuzzHello(f *testing.F) {
	b := newBatch(nil)
	if err := b.hello(Hello{Cluster: "c", Name: "n1", Addr: "n1:8400", ID: 1, Version: 1}, forStream); err != nil {
		f.Fatal(err)
	}
	f.Add(b.bytes[headSize:])
	f.Add([]byte("rlp1"))
	f.Fuzz(func(t *testing.T, body []byte) {
		h, purpose, err := parseHello(body)
		if err != nil {
			checkTyped(t, err)
			return
		}
		b := newBatch(nil)
		if err := b.hello(h, purpose); err != nil {
			t.Fatal(err)
		}
		again, purpose2, err := parseHello(b.bytes[headSize:])
		if err != nil || again != h || purpose != purpose2 {
			t.Fatalf("%+v for %d became %+v for %d, %v", h, purpose, again, purpose2, err)
		}
	})
}
