// Edits: what can be done to the bytes of answers and of records.

package kafkatest

import (
	"encoding/binary"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
)

// These are for Verdict.Frame, which gets a whole frame: four bytes of length,
// four of correlation id, and the rest.

// TruncateTo keeps the first n bytes of a frame. The length still says what
// the whole had, so that the client waits for the rest.
func TruncateTo(n int) func([]byte) []byte {
	return func(frame []byte) []byte { return frame[:max(0, min(n, len(frame)))] }
}

// ClaimLength has a frame say that it is n bytes long, whatever it is.
func ClaimLength(n int32) func([]byte) []byte {
	return func(frame []byte) []byte {
		if len(frame) >= 4 {
			binary.BigEndian.PutUint32(frame, uint32(n))
		}
		return frame
	}
}

// WrongCorrelation gives a frame the correlation id of another request.
func WrongCorrelation(frame []byte) []byte {
	if len(frame) >= 8 {
		frame[7]++
	}
	return frame
}

// Garble replaces everything behind a frame's correlation id by bytes that the
// seed decides.
func Garble(seed uint64) func([]byte) []byte {
	return func(frame []byte) []byte {
		noise := call.Seed(seed).Text("garbled frame")
		for i := 8; i < len(frame); i++ {
			frame[i] ^= noise[i%len(noise)] | 0x80
		}
		return frame
	}
}

// These are for Verdict.Records, which gets the batches of one partition.

// CorruptRecords breaks the last byte of a batch, so that its checksum does
// not hold. It is the first batch that it breaks.
func CorruptRecords(records []byte) []byte {
	if first, _ := batch.First(records); len(first) > 0 {
		first[len(first)-1] ^= 0xff
	}
	return records
}

// UnknownMagic has the first batch be of a message format that there is not.
func UnknownMagic(records []byte) []byte {
	const atMagic = 16
	if len(records) > atMagic {
		records[atMagic] = 99
	}
	return records
}

// HalveRecords keeps the first half of the records' bytes, as a broker does
// that has no room for the rest of a batch.
func HalveRecords(records []byte) []byte { return records[:len(records)/2] }

// RepeatRecords has all records come twice in one answer.
func RepeatRecords(records []byte) []byte { return append(records, records...) }
