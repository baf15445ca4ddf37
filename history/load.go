// Reading the text form.

package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxPosition bounds positions read from a file: no history is that long.
const maxPosition = 1 << 40

// Load reads operations in the text form into h, which must be empty. Errors
// name the line. A history that came to its Limit is refused, not cut; what
// was read before an error is not kept.
func (h *History[In, Out]) Load(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	lines.Split(wholeLines)
	if !lines.Scan() || lines.Text() != magic {
		return errors.Join(lines.Err(), fmt.Errorf("history: line 1: want %q", magic))
	}
	var ops []Op[In, Out]
	clock := 0
	for lines.Scan() {
		op, err := parseOp[In, Out](lines.Bytes())
		switch last := len(ops) - 1; {
		case err != nil:
		case last >= 0 && op.Called <= ops[last].Called:
			err = fmt.Errorf("called at %d, before the line above", op.Called)
		case h.Limit > 0 && len(ops) == h.Limit:
			err = fmt.Errorf("more operations than the limit of %d", h.Limit)
		}
		if err != nil {
			return fmt.Errorf("history: line %d: %w", len(ops)+2, err)
		}
		op.ID = len(ops) + 1
		ops = append(ops, op)
		clock = max(clock, op.Called, op.Returned)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("history: line %d: %w", len(ops)+2, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ops) > 0 {
		return errors.New("history: Load into a history that has operations")
	}
	h.ops, h.clock = ops, clock
	return nil
}

// wholeLines splits at line ends, and refuses a last line that has none: its
// writer was stopped.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return 0, nil, nil
}

func parseOp[In, Out any](line []byte) (op Op[In, Out], err error) {
	fields := bytes.Split(line, []byte("\t"))
	if len(fields) != 6 {
		return op, fmt.Errorf("want 6 fields, got %d", len(fields))
	}
	if err := json.Unmarshal(fields[0], &op.Client); err != nil {
		return op, fmt.Errorf("client: %w", err)
	}
	if op.Called, err = position(fields[1]); err != nil {
		return op, fmt.Errorf("called: %w", err)
	}
	if err := json.Unmarshal(fields[4], &op.In); err != nil {
		return op, fmt.Errorf("in: %w", err)
	}
	return op, op.parseEnd(fields)
}

// parseEnd reads the fields that tell how the operation ended.
func (o *Op[In, Out]) parseEnd(fields [][]byte) (err error) {
	returned, out := fields[2], fields[5]
	switch how := string(fields[3]); how {
	case "unknown":
		if string(returned) != "-" || string(out) != "-" {
			return errors.New("an unknown operation has neither return nor answer")
		}
		return nil
	case "ok":
		o.Outcome, err = Returned, json.Unmarshal(out, &o.Out)
	case "failed":
		o.Outcome, err = Failed, json.Unmarshal(out, &o.Err)
	default:
		return fmt.Errorf("want ok, failed or unknown, got %.40q", how)
	}
	if err != nil {
		return fmt.Errorf("out: %w", err)
	}
	if o.Returned, err = position(returned); err != nil {
		return fmt.Errorf("returned: %w", err)
	}
	if o.Returned <= o.Called {
		return fmt.Errorf("returned at %d, called at %d", o.Returned, o.Called)
	}
	return nil
}

func position(field []byte) (int, error) {
	n, err := strconv.Atoi(string(field))
	if err != nil || n < 1 || n > maxPosition {
		return 0, fmt.Errorf("want a position from 1, got %.40q", field)
	}
	return n, nil
}
