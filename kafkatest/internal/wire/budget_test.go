// Frames within a budget.

package wire_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
)

// reader reads a frame that announces size bytes, of which some come.
func reader(size, come int) *bufio.Reader {
	head := binary.BigEndian.AppendUint32(nil, uint32(size))
	return bufio.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(make([]byte, come))))
}

func TestFramesTogetherStayWithinTheBudget(t *testing.T) {
	const mega = 1 << 20
	b := wire.Budget{Limit: 5 * mega}
	read := func(size, come int, want error) int64 {
		t.Helper()
		frame, taken, err := b.ReadFrame(reader(size, come), 100*mega)
		if !errors.Is(err, want) || err == nil && len(frame) != size {
			t.Fatalf("a frame of %d: %d bytes, %v", size, len(frame), err)
		}
		return taken
	}
	first := read(4*mega, 4*mega, nil)
	read(4*mega, 4*mega, wire.ErrBudget)
	if taken := read(mega, mega, nil); taken != 0 {
		t.Errorf("a small frame takes %d", taken)
	}
	b.Return(first)
	read(6*mega, 3*mega, io.ErrUnexpectedEOF) // which takes nothing any more
	b.Return(read(6*mega, 6*mega, nil))
	read(7*mega, 7*mega, wire.ErrBudget)
}
