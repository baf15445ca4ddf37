// Writing the text form.

package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

const (
	magic   = "rehearse history 1"
	maxLine = 64 << 20
)

// Save writes the operations in the text form, those under way as unknown. In
// and Out must be types that encoding/json writes and reads back. It refuses a
// value that JSON changes, such as a string that is not UTF-8, a line of more
// than 64 MiB, and a history that dropped operations.
func (h *History[In, Out]) Save(w io.Writer) error {
	if n := h.Dropped(); n > 0 {
		return fmt.Errorf("history: %w", errDropped(n))
	}
	b := bufio.NewWriterSize(w, 64<<10)
	b.WriteString(magic + "\n")
	var line []byte
	var err error
	for _, op := range h.Ops() {
		if line, err = appendOp(line[:0], op); err != nil {
			return fmt.Errorf("history: operation %d: %w", op.ID, err)
		}
		if _, err := b.Write(line); err != nil {
			return err
		}
	}
	return b.Flush()
}

func appendOp[In, Out any](b []byte, op Op[In, Out]) (_ []byte, err error) {
	if b, err = appendJSON(b, op.Client); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	b = append(b, '\t')
	b = strconv.AppendInt(b, int64(op.Called), 10)
	b = append(b, '\t')
	if op.Returned == 0 {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, int64(op.Returned), 10)
	}
	b = append(append(append(b, '\t'), op.Outcome.String()...), '\t')
	if b, err = appendJSON(b, op.In); err != nil {
		return nil, fmt.Errorf("in: %w", err)
	}
	b = append(b, '\t')
	switch op.Outcome {
	case Returned:
		b, err = appendJSON(b, op.Out)
	case Failed:
		b, err = appendJSON(b, op.Err)
	default:
		b = append(b, '-')
	}
	if err != nil {
		return nil, fmt.Errorf("out: %w", err)
	}
	if len(b) >= maxLine {
		return nil, fmt.Errorf("a line of %d bytes; at most %d", len(b), maxLine)
	}
	return append(b, '\n'), nil
}

// appendJSON appends v if JSON carries it there and back unchanged. JSON has
// no raw tabs or line ends in it.
func appendJSON[T any](b []byte, v T) ([]byte, error) {
	there, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var back T
	if err := json.Unmarshal(there, &back); err != nil {
		return nil, err
	}
	again, err := json.Marshal(back)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(there, again) {
		return nil, fmt.Errorf("JSON does not carry it: %.60s is read back as %.60s", there, again)
	}
	return append(b, there...), nil
}
