// Reading the text form.

package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// A SyntaxError says where a text is not a journal, and why. If the text just
// ends too early, as when its writer was killed, errors.Is finds
// io.ErrUnexpectedEOF in it.
type SyntaxError struct {
	Line int // from 1
	Msg  string

	cause error
}

// Error returns line and reason.
func (e *SyntaxError) Error() string { return fmt.Sprintf("journal: line %d: %s", e.Line, e.Msg) }

// Unwrap returns io.ErrUnexpectedEOF for a text cut short, else nil.
func (e *SyntaxError) Unwrap() error { return e.cause }

// A Reader reads a journal's text form. It holds one line at a time, and no
// line it accepts is longer than about 33 MiB.
type Reader struct {
	r      *bufio.Reader
	header Header
	line   int
	long   []byte // a line that does not fit into r's buffer
	names  names
	err    error
}

// NewReader reads the header from r. It returns a *SyntaxError if r does not
// begin as a journal does, or was written by a newer version; errors of r come
// as they are.
func NewReader(r io.Reader) (*Reader, error) {
	jr := &Reader{r: bufio.NewReaderSize(r, 64<<10), names: names{}}
	if err := jr.readHeader(); err != nil {
		return nil, err
	}
	return jr, nil
}

// Header returns what the journal says of itself.
func (r *Reader) Header() Header { return r.header }

// Events yields the events not read before. An error comes last, with a zero
// Event: a *SyntaxError, or an error of the underlying reader. When the last
// line has no end, all events before it are yielded and then an error in which
// errors.Is finds io.ErrUnexpectedEOF.
func (r *Reader) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for r.err == nil {
			var e Event
			if e, r.err = r.event(); r.err == nil && !yield(e, nil) {
				return
			}
		}
		if r.err != io.EOF {
			yield(Event{}, r.err)
		}
	}
}

// Read reads a whole journal. With an error it returns what came before.
func Read(r io.Reader) (Header, []Event, error) {
	jr, err := NewReader(r)
	if err != nil {
		return Header{}, nil, err
	}
	var events []Event
	for e, err := range jr.Events() {
		if err != nil {
			return jr.header, events, err
		}
		events = append(events, e)
	}
	return jr.header, events, nil
}

func (r *Reader) event() (Event, error) {
	line, err := r.next()
	if err != nil {
		return Event{}, err
	}
	e, err := parseEvent(line, r.names)
	if err != nil {
		return Event{}, r.fail("%v", err)
	}
	return e, nil
}

func (r *Reader) fail(format string, args ...any) *SyntaxError {
	return &SyntaxError{Line: r.line, Msg: fmt.Sprintf(format, args...)}
}

// next returns the next whole line without its end, valid until the next
// call, or io.EOF after the last.
func (r *Reader) next() ([]byte, error) {
	r.line++
	line, err := r.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = r.rest(line)
	}
	switch {
	case err == io.EOF && len(line) == 0:
		return nil, io.EOF
	case err == io.EOF:
		e := r.fail("the line has no end: its writer was stopped in the middle of it")
		e.cause = io.ErrUnexpectedEOF
		return nil, e
	case err != nil:
		return nil, err
	}
	line = line[:len(line)-1]
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// rest reads on to the end of a line that begins with start.
func (r *Reader) rest(start []byte) ([]byte, error) {
	r.long = append(r.long[:0], start...)
	for {
		part, err := r.r.ReadSlice('\n')
		r.long = append(r.long, part...)
		if len(r.long) > maxLine+1 {
			return nil, r.fail("the line is longer than %d bytes", maxLine)
		}
		if err != bufio.ErrBufferFull {
			return r.long, err
		}
	}
}

func (r *Reader) readHeader() error {
	if err := r.readMagic(); err != nil {
		return r.early(err)
	}
	var config []string
	seen := false
	for size := 0; ; {
		line, err := r.next()
		if err != nil {
			return r.early(err)
		}
		if len(line) == 0 {
			break
		}
		if size += len(line); size > maxHeader {
			return r.fail("the header is longer than %d bytes", maxHeader)
		}
		key, value, _ := strings.Cut(string(line), " ")
		if key == "seed" && seen {
			return r.fail("a second seed")
		}
		seen = seen || key == "seed"
		if err := r.headerLine(key, value, &config); err != nil {
			return r.fail("%s: %v", key, err)
		}
	}
	if !seen {
		return r.fail("the header ends without a seed")
	}
	r.header.Config = strings.Join(config, "\n")
	return nil
}

func (r *Reader) readMagic() error {
	line, err := r.next()
	if err != nil {
		return err
	}
	s, ok := bytes.CutPrefix(line, []byte(magic))
	if !ok {
		return r.fail("not a journal: it begins with %q, not %q", line[:min(len(line), 40)], magic+"1")
	}
	v, err := strconv.Atoi(string(s[:min(len(s), 20)]))
	switch {
	case err != nil || v < 1:
		return r.fail("not a journal: bad version %q", s[:min(len(s), 40)])
	case v > Version:
		return r.fail("version %d is newer than %d, the newest known here: use a newer rehearse", v, Version)
	}
	r.header.Version = v
	return nil
}

func (r *Reader) headerLine(key, value string, config *[]string) (err error) {
	switch key {
	case "seed":
		r.header.Seed, err = strconv.ParseUint(value, 10, 64)
		if err != nil {
			return fmt.Errorf("want a number below 2^64, got %.40q", value)
		}
	case "config":
		if strings.HasPrefix(value, `"`) {
			if value, err = strconv.Unquote(value); err != nil {
				return errors.New("bad quotes")
			}
		}
		*config = append(*config, value)
	case "note":
		n, rest, err := parseNote([]byte(value), r.names)
		if err == nil && len(rest) > 0 {
			err = errors.New("more than one note in a line")
		}
		if err != nil {
			return err
		}
		r.header.Notes = append(r.header.Notes, n)
	default:
		return errors.New("unknown in a header; an empty line ends it")
	}
	return nil
}

// early turns the end of the text into an error: a header must be whole.
func (r *Reader) early(err error) error {
	if err != io.EOF {
		return err
	}
	e := r.fail("the text ends within the header")
	e.cause = io.ErrUnexpectedEOF
	return e
}
