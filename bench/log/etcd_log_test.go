// The log of an etcd raft node: frames in one file, and where each entry is.

package log_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// An etcdLog is a raft.Storage on one file that is preallocated bit by bit, as
// etcd's is. A frame is a length, a CRC32C, a kind and a protobuf. An entry that
// replaces an older one comes later in the file, and the later one counts. The
// last entries are kept in memory.
type etcdLog struct {
	f     *os.File
	syncs int
	buf   []byte

	mu     sync.RWMutex
	hard   *pb.HardState
	places []place // of entry 1 and those after it
	end    int64   // of the last frame
	room   int64   // up to which the file is allocated
	recent []*pb.Entry
	bytes  int // of recent
}

type place struct {
	off  int64
	term uint64
}

const (
	frameHead   = 9
	kindHard    = 1
	kindEntry   = 2
	roomStep    = 64 << 20
	recentBytes = 32 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func openEtcdLog(name string) (*etcdLog, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &etcdLog{f: f, hard: &pb.HardState{}}
	for {
		kind, message, err := l.frame(l.end)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = l.recover(kind, message)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s at %d: %w", name, l.end, err)
		}
		l.end += frameHead + int64(len(message))
	}
	l.room = l.end
	return l, nil
}

// frame reads the frame at off; io.EOF means that the log ends there.
func (l *etcdLog) frame(off int64) (kind byte, message []byte, err error) {
	var head [frameHead]byte
	if _, err := l.f.ReadAt(head[:], off); err != nil {
		return 0, nil, io.EOF
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 {
		return 0, nil, io.EOF
	}
	message = make([]byte, n)
	if _, err := l.f.ReadAt(message, off+frameHead); err != nil {
		return 0, nil, io.EOF // torn
	}
	if crc32.Checksum(message, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return 0, nil, io.EOF // likewise, for all that a plain user knows
	}
	return head[8], message, nil
}

func (l *etcdLog) recover(kind byte, message []byte) error {
	if kind == kindHard {
		return proto.Unmarshal(message, l.hard)
	}
	var e pb.Entry
	if err := proto.Unmarshal(message, &e); err != nil {
		return err
	}
	l.place(&e, l.end)
	return nil
}

// place notes where an entry is, and forgets those that it replaces.
func (l *etcdLog) place(e *pb.Entry, off int64) {
	l.places = append(l.places[:e.GetIndex()-1], place{off, e.GetTerm()})
}

// save writes what a Ready asks to be saved, by one write.
func (l *etcdLog) save(hard *pb.HardState, entries []*pb.Entry, sync bool) error {
	if raft.IsEmptyHardState(hard) && len(entries) == 0 {
		return nil
	}
	l.buf = l.buf[:0]
	var err error
	offsets := make([]int64, len(entries))
	for i, e := range entries {
		offsets[i] = l.end + int64(len(l.buf))
		if l.buf, err = appendFrame(l.buf, kindEntry, e); err != nil {
			return err
		}
	}
	if !raft.IsEmptyHardState(hard) {
		if l.buf, err = appendFrame(l.buf, kindHard, hard); err != nil {
			return err
		}
	}
	if err := l.write(sync); err != nil {
		return err
	}
	l.note(hard, entries, offsets)
	return nil
}

func (l *etcdLog) write(sync bool) error {
	for end := l.end + int64(len(l.buf)); end > l.room; l.room += roomStep {
		if err := allocate(l.f, l.room, roomStep); err != nil {
			return err
		}
	}
	if _, err := l.f.WriteAt(l.buf, l.end); err != nil || !sync {
		return err
	}
	l.syncs++
	return fdatasync(l.f)
}

func (l *etcdLog) note(hard *pb.HardState, entries []*pb.Entry, offsets []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end += int64(len(l.buf))
	if !raft.IsEmptyHardState(hard) {
		l.hard = hard
	}
	for i, e := range entries {
		l.place(e, offsets[i])
		l.remember(e)
	}
}

// remember keeps the last entries: when there are too many bytes, the newer
// half of them.
func (l *etcdLog) remember(e *pb.Entry) {
	if len(l.recent) > 0 {
		if first := l.recent[0].GetIndex(); e.GetIndex() < first {
			l.recent, l.bytes = nil, 0
		} else {
			l.recent = l.recent[:min(len(l.recent), int(e.GetIndex()-first))]
		}
	}
	l.recent = append(l.recent, e)
	l.bytes += len(e.GetData())
	if l.bytes > recentBytes {
		l.recent = append([]*pb.Entry(nil), l.recent[len(l.recent)/2:]...)
		l.bytes = 0
		for _, e := range l.recent {
			l.bytes += len(e.GetData())
		}
	}
}

func appendFrame(buf []byte, kind byte, m proto.Message) ([]byte, error) {
	begin := len(buf)
	buf = append(buf, make([]byte, frameHead)...)
	buf, err := proto.MarshalOptions{}.MarshalAppend(buf, m)
	if err != nil {
		return nil, err
	}
	message := buf[begin+frameHead:]
	binary.LittleEndian.PutUint32(buf[begin:], uint32(len(message)))
	binary.LittleEndian.PutUint32(buf[begin+4:], crc32.Checksum(message, castagnoli))
	buf[begin+8] = kind
	return buf, nil
}

// InitialState names the three voters, which never change here.
func (l *etcdLog) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return l.hard, &pb.ConfState{Voters: []uint64{1, 2, 3}}, nil
}

func (l *etcdLog) Entries(lo, hi, maxSize uint64) (entries []*pb.Entry, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if hi > uint64(len(l.places))+1 {
		return nil, raft.ErrUnavailable
	}
	var size uint64
	for i := lo; i < hi; i++ {
		e, err := l.entry(i)
		if err != nil {
			return nil, err
		}
		if size += uint64(proto.Size(e)); size > maxSize && len(entries) > 0 {
			break
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (l *etcdLog) entry(i uint64) (*pb.Entry, error) {
	if len(l.recent) > 0 && i >= l.recent[0].GetIndex() {
		return l.recent[i-l.recent[0].GetIndex()], nil
	}
	_, message, err := l.frame(l.places[i-1].off)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", i, err)
	}
	e := new(pb.Entry)
	return e, proto.Unmarshal(message, e)
}

func (l *etcdLog) Term(i uint64) (uint64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case i == 0:
		return 0, nil
	case i > uint64(len(l.places)):
		return 0, raft.ErrUnavailable
	default:
		return l.places[i-1].term, nil
	}
}

func (l *etcdLog) LastIndex() (uint64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return uint64(len(l.places)), nil
}

func (l *etcdLog) FirstIndex() (uint64, error) { return 1, nil }

// Snapshot is never needed: every entry is kept.
func (l *etcdLog) Snapshot() (*pb.Snapshot, error) { return &pb.Snapshot{}, nil }

func (l *etcdLog) Close() error { return l.f.Close() }
