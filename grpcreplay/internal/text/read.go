// Reading a text form: lines, and what stands at the left margin.

package text

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A line is a line of the file, without its end and the blanks at its ends.
type line struct {
	n        int // from 1
	end      int // where text ends in the file
	text     []byte
	indented bool
}

// A reader reads a file once from top to bottom, after survey has looked
// where what stands.
type reader struct {
	b      []byte
	pos    int  // where the line behind cur begins
	cur    line // to be read next: neither blank nor a comment; without text at the end
	tape   *tape.Tape
	types  *schema.Set
	limits tape.Limits
	index  index
	base64 []byte // the space of what moreBase64 returns

	pending []string     // comments whose place is not known yet
	call    *tape.Call   // the call being read
	events  []tape.Event // the space of the events of the call before
	close   closing      // what is known of its half-close
	flight  bool         // it was said to be in flight
	clients []int        // how many events the clients of the calls have
	waits   []wait       // to be checked when clients is complete
}

// Read reads the text form of a tape. JSON is understood by the descriptors in
// the file, and by program, which may be nil, where they know nothing. Errors
// are *tape.FormatError and tell the line and what to do about it.
func Read(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	r := &reader{b: b, limits: limits.Or(), tape: new(tape.Tape), types: program}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.tape, nil
}

func (r *reader) read() error {
	if int64(len(r.b)) > r.limits.File {
		return &tape.FormatError{Line: 1, Msg: fmt.Sprintf(
			"the file has %d bytes, %d are allowed: raise the limit, or split it", len(r.b), r.limits.File)}
	}
	if err := r.magic(); err != nil {
		return err
	}
	if err := r.survey(); err != nil {
		return err
	}
	for r.advance(); len(r.cur.text) > 0; {
		if err := r.margin(); err != nil {
			return r.wrap(r.cur.n, err)
		}
	}
	head := &r.tape.Head
	head.Comments = append(head.Comments, r.pending...)
	head.Metadata, head.Ignore = sortedOnce(head.Metadata), sortedOnce(head.Ignore)
	return r.checkWaits()
}

func sortedOnce(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// magic reads the first line.
func (r *reader) magic() error {
	r.b = bytes.TrimPrefix(r.b, []byte(bom))
	r.cur = r.takeLine(line{})
	version, ok := bytes.CutPrefix(r.cur.text, []byte(Magic+" "))
	if !ok {
		return r.fail("this is no recording: its first line is %q, not %q", short(r.cur.text), Magic+" 1")
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(version)))
	if err != nil || n < 1 {
		return r.fail("%q is no version: the first line is %q", short(version), Magic+" 1")
	}
	if n > tape.Version {
		return r.fail("version %d is newer than %d, the newest known here: use a newer rehearse", n, tape.Version)
	}
	r.tape.Head.Version = n
	return nil
}

// fail returns an error about the current line.
func (r *reader) fail(format string, args ...any) error {
	return &tape.FormatError{Line: r.cur.n, Msg: fmt.Sprintf(format, args...)}
}

// wrap returns an error with a line.
func (r *reader) wrap(n int, err error) error {
	if f, ok := errors.AsType[*tape.FormatError](err); ok {
		return f
	}
	return &tape.FormatError{Line: n, Msg: err.Error()}
}

// takeLine returns the line at pos, which follows the line before.
func (r *reader) takeLine(before line) line {
	text, next := r.b[r.pos:], len(r.b)
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text, next = text[:i], r.pos+i+1
	}
	trimmed := bytes.TrimRight(text, " \t\r")
	l := line{n: before.n + 1, end: r.pos + len(trimmed), text: bytes.TrimLeft(trimmed, " \t")}
	l.indented = len(l.text) < len(trimmed)
	r.pos = next
	return l
}

// advance goes to the next line that is neither blank nor a comment.
func (r *reader) advance() {
	for r.pos < len(r.b) {
		r.cur = r.takeLine(r.cur)
		switch {
		case len(r.cur.text) == 0:
			r.settleHead()
		case r.cur.text[0] != '#':
			return
		case r.cur.indented && r.call != nil:
			r.call.Comments = append(r.call.Comments, string(r.cur.text[1:]))
		default:
			r.pending = append(r.pending, string(r.cur.text[1:]))
		}
	}
	r.cur = line{n: r.cur.n + 1}
}

// settleHead makes comments the head's if no call has begun: those that a
// blank line or a line of the head parts from the first call.
func (r *reader) settleHead() {
	if r.call == nil && r.tape.Len() == 0 {
		r.tape.Head.Comments = append(r.tape.Head.Comments, r.pending...)
		r.pending = nil
	}
}

// inner tells whether the current line belongs to the call or block above.
// Comments before such a line belong there too.
func (r *reader) inner() bool {
	is := len(r.cur.text) > 0 && (r.cur.indented || newCursor(r.cur.text).arrow() != 0)
	if is && r.call != nil {
		r.call.Comments = append(r.call.Comments, r.pending...)
		r.pending = nil
	}
	return is
}

// margin reads a line at the left margin, and what belongs to it.
func (r *reader) margin() error {
	c := newCursor(r.cur.text)
	if r.cur.indented || newCursor(r.cur.text).arrow() != 0 {
		return r.fail("%q belongs to no call: begin one above it, with a line like: call 1  pkg.Service/Method",
			short(r.cur.text))
	}
	switch {
	case c.take(wordCall):
		return r.readCall(c)
	case c.take(wordTimes), c.take(wordDescriptors):
		if err := c.end("a block begins in the next line"); err != nil {
			return err
		}
		for r.advance(); r.cur.indented; r.advance() { // survey has read it
		}
		return nil
	}
	if r.tape.Len() > 0 {
		return r.fail("%q is not known here%s", c.peek(),
			nearest(c.peek(), wordCall, wordTimes, wordDescriptors))
	}
	r.settleHead()
	return r.readHead(c)
}

// readHead reads a line of the head.
func (r *reader) readHead(c *cursor) (err error) {
	head := &r.tape.Head
	word := c.peek()
	c.skip(len(word))
	switch word {
	case wordInitial:
		return r.readInitial(c)
	case wordSource:
		if head.Source, err = c.word(); err != nil {
			return err
		}
		head.Lenient = c.take(wordLenient)
	case wordLenient:
		head.Lenient = true
	case wordMatch:
		err = r.readMatch(c)
	case wordRedact:
		err = appendTo(&head.Redact, c)
	default:
		return r.fail("%q is not known%s", word, nearest(word, wordInitial, wordSource, wordLenient, wordMatch,
			wordRedact, wordCall, wordTimes, wordDescriptors))
	}
	if err == nil {
		err = c.end("it does not belong in this line")
	}
	if err != nil {
		return r.wrap(r.cur.n, err)
	}
	r.advance()
	return nil
}

func (r *reader) readMatch(c *cursor) error {
	switch {
	case c.take("metadata"):
		return appendTo(&r.tape.Head.Metadata, c)
	case c.take("ignore"):
		return appendTo(&r.tape.Head.Ignore, c)
	}
	return r.fail("match what? %q is not known: write match metadata KEY, or match ignore FIELD", c.peek())
}

// appendTo appends what the rest of a line says.
func appendTo(list *[]string, c *cursor) error {
	s, err := c.line()
	if err != nil {
		return err
	}
	*list = append(*list, s)
	return nil
}

// readInitial reads the program's own bytes, which may take several lines.
func (r *reader) readInitial(c *cursor) (err error) {
	n := r.cur.n
	if mark, ok := bytes.CutPrefix(c.rest, []byte(base64Mark)); ok {
		r.advance()
		r.tape.Head.Initial, err = r.decode(r.moreBase64(mark), n)
		return err
	}
	r.tape.Head.Initial, err = r.moreQuoted(c)
	return err
}

// moreBase64 returns base64 that goes on in the lines below. It stands until
// the next is read.
func (r *reader) moreBase64(begun []byte) []byte {
	r.base64 = append(r.base64[:0], begun...)
	for ; r.inner() && isBase64(r.cur.text); r.advance() {
		r.base64 = append(r.base64, r.cur.text...)
	}
	return r.base64
}

// decode decodes base64 that began in line n.
func (r *reader) decode(data []byte, n int) ([]byte, error) {
	if int64(len(data)/4)*3 > r.limits.Message {
		return nil, r.tooLong(n)
	}
	b, err := decodeBase64(data)
	if err != nil {
		return nil, r.wrap(n, errors.New("this is not base64, or some of it is missing: write it whole"))
	}
	return b, nil
}

func (r *reader) tooLong(n int) error {
	return &tape.FormatError{Line: n, Msg: fmt.Sprintf(
		"the bytes that begin here are more than %d: raise the limit of a message", r.limits.Message)}
}

// moreQuoted returns quoted strings: the rest of a line, then one a line.
func (r *reader) moreQuoted(c *cursor) ([]byte, error) {
	n := r.cur.n
	var text strings.Builder
	for {
		if !c.atEnd() {
			s, err := c.quotedAlone()
			if err != nil {
				return nil, r.wrap(r.cur.n, err)
			}
			text.WriteString(s)
		}
		if int64(text.Len()) > r.limits.Message {
			return nil, r.tooLong(n)
		}
		if r.advance(); !r.inner() || !newCursor(r.cur.text).atQuote() {
			return []byte(text.String()), nil
		}
		c = newCursor(r.cur.text)
	}
}
