// Frames that are made before they are measured, and a client that writes them.

package kafka_test

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// group has one member, whose heartbeats are measured.
const group = "workers"

// A wire is a connection that speaks frames, and nothing else.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func dial(tb testing.TB, address string) *wire {
	nc, err := net.Dial("tcp", address)
	check(tb, err)
	tb.Cleanup(func() { nc.Close() })
	return &wire{nc, bufio.NewReaderSize(nc, 64<<10)}
}

// trip writes the same request depth times at once and reads as many answers.
func (w *wire) trip(requests []byte, depth int) error {
	if _, err := w.Write(requests); err != nil {
		return err
	}
	for range depth {
		head, err := w.in.Peek(4)
		if err != nil {
			return err
		}
		if _, err := w.in.Discard(4 + int(binary.BigEndian.Uint32(head))); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a request whose answer's header is not flexible, and returns the
// answer.
func ask(tb testing.TB, w *wire, r kmsg.Request) kmsg.Response {
	_, err := w.Write(frame(r))
	check(tb, err)
	var head [4]byte
	_, err = io.ReadFull(w.in, head[:])
	check(tb, err)
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err = io.ReadFull(w.in, body)
	check(tb, err)
	response := r.ResponseKind()
	check(tb, response.ReadFrom(body[4:]))
	return response
}

func frame(r kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, r, 7)
}

// metadataRequest asks for the one topic.
func metadataRequest() kmsg.Request {
	r, t := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	r.Topics = append(r.Topics, t)
	r.SetVersion(1)
	return r
}

func heartbeatRequest(member string, generation int32) kmsg.Request {
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID, r.Generation = group, member, generation
	r.SetVersion(3)
	return r
}

// produceRequest holds one record whose value is size bytes.
func produceRequest(size int) kmsg.Request {
	r, t, p := kmsg.NewPtrProduceRequest(), kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	r.Acks, r.TimeoutMillis = -1, 1000
	p.Records = batch(size)
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	r.SetVersion(7)
	return r
}

// batch is a record batch of one record, by nobody in particular.
func batch(size int) []byte {
	record := kmsg.Record{Value: make([]byte, size)}
	record.Length = int32(len(record.AppendTo(nil)) - 1) // without its own length, which is one byte of 0 here
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: 1, MaxTimestamp: 1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: record.AppendTo(nil),
	}
	const beforeLength, beforeCRC = 8 + 4, 8 + 4 + 4 + 1 + 4
	b.Length = int32(len(b.AppendTo(nil)) - beforeLength)
	raw := b.AppendTo(nil)
	b.CRC = int32(crc32.Checksum(raw[beforeCRC:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// join makes the one member of the group, and returns its name and generation.
func join(tb testing.TB, w *wire) (member string, generation int32) {
	j, p := kmsg.NewPtrJoinGroupRequest(), kmsg.NewJoinGroupRequestProtocol()
	j.Group, j.ProtocolType, j.SessionTimeoutMillis, j.RebalanceTimeoutMillis = group, "consumer", 300_000, 300_000
	p.Name = "range"
	j.Protocols = append(j.Protocols, p)
	j.SetVersion(3)
	joined := ask(tb, w, j).(*kmsg.JoinGroupResponse)
	s := kmsg.NewPtrSyncGroupRequest()
	s.Group, s.MemberID, s.Generation = group, joined.MemberID, joined.Generation
	s.SetVersion(1)
	if synced := ask(tb, w, s).(*kmsg.SyncGroupResponse); joined.ErrorCode != 0 || synced.ErrorCode != 0 {
		tb.Fatalf("joining the group: error %d, then %d", joined.ErrorCode, synced.ErrorCode)
	}
	return joined.MemberID, joined.Generation
}
