// Reading an event, and the lines that belong to it.

package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func (r *reader) readEvent() (err error) {
	c := newCursor(r.cur.text)
	who := c.arrow()
	if who == 0 {
		return r.fail("%q is no event, which begins with %s or %s (or > or <); metadata of the request stands above "+
			"the first event", short(r.cur.text), client, server)
	}
	if r.flight {
		return r.fail("an event follows %q: remove one of the two", server+" "+wordInFlight)
	}
	var e tape.Event
	if who == '>' {
		err = r.readClient(c, &e)
	} else {
		err = r.readServer(c, &e)
	}
	if err == nil && e.Kind != 0 {
		r.call.Events = append(r.call.Events, e)
	}
	return err
}

// readClient reads what the client did.
func (r *reader) readClient(c *cursor, e *tape.Event) (err error) {
	switch {
	case beginsMessage(c):
		e.Kind = tape.Send
		e.Message, err = r.readMessage(c, e, content{md: r.types.Input(r.call.Method)})
		return err
	case c.take(wordClose):
		e.Kind, r.close = tape.CloseSend, said
	case c.take(wordNoClose):
		r.close = said
	case c.take(wordCancel):
		e.Kind = tape.Cancel
	default:
		return r.fail("%q is nothing a client does%s", short(c.rest),
			nearest(string(c.rest), wordClose, wordNoClose, wordCancel, wordBytes, wordText))
	}
	return r.finish(c, e)
}

// readServer reads what the server did.
func (r *reader) readServer(c *cursor, e *tape.Event) (err error) {
	switch {
	case beginsMessage(c):
		e.Kind = tape.Recv
		e.Message, err = r.readMessage(c, e, content{md: r.types.Output(r.call.Method)})
		return err
	case c.take(wordHeader):
		e.Kind = tape.Header
		if e.Pairs, err = readPairs(c); err != nil {
			return err
		}
	case c.take(wordInFlight):
		if r.call.Ended() != nil {
			return r.fail("the call has ended above: remove one of the two lines")
		}
		r.flight = true
	default:
		e.Kind = tape.End
		if err := r.readStatus(c, e); err != nil {
			return err
		}
	}
	return r.finish(c, e)
}

// finish reads the rest of an event's line, and of an event with metadata the
// lines that belong to it.
func (r *reader) finish(c *cursor, e *tape.Event) error {
	if err := r.readTail(c, e); err != nil {
		return err
	}
	r.advance()
	if e.Kind != tape.Header && e.Kind != tape.End {
		return nil
	}
	for r.inner() {
		c := newCursor(r.cur.text)
		if c.arrow() != 0 {
			break
		}
		if err := r.readInner(c, e); err != nil {
			return err
		}
	}
	e.Pairs = sorted(e.Pairs)
	return nil
}

// readInner reads a line that belongs to a header or a status.
func (r *reader) readInner(c *cursor, e *tape.Event) (err error) {
	if e.Kind == tape.End && c.take(wordDetail) {
		var d tape.Any
		if d.Type, err = c.word(); err != nil {
			return err
		}
		what := content{md: r.types.Message(d.Type), detail: d.Type, isDetail: true}
		if !beginsMessage(c) {
			return r.fail("a detail has its type, a blank, and JSON or bytes")
		}
		if d.Value, err = r.readMessage(c, nil, what); err != nil {
			return err
		}
		e.Status.Details = append(e.Status.Details, d)
		return nil
	}
	p, err := c.pairLine()
	if err != nil {
		return err
	}
	e.Pairs = append(e.Pairs, p)
	r.advance()
	return nil
}

// readStatus reads a code and what else stands in its line.
func (r *reader) readStatus(c *cursor, e *tape.Event) (err error) {
	s := &e.Status
	if c.take(wordCode) {
		word := c.peek()
		code, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return r.fail("%q is no number of a status code", word)
		}
		s.Code = uint32(code)
		c.skip(len(word))
	} else if err = r.readCode(c, s); err != nil {
		return err
	}
	if c.begins(`"`) {
		if s.Message, err = c.quoted(); err != nil {
			return err
		}
	}
	s.Plain = c.take(wordPlain)
	s.Refused = c.take(wordRefused)
	if c.take(wordTrailer) {
		e.Pairs, err = readPairs(c)
	}
	return err
}

func (r *reader) readCode(c *cursor, s *tape.Status) (ok error) {
	word := c.peek()
	code, known := codeOf(word)
	if !known {
		return r.fail("%q is nothing a server does%s", word,
			nearest(word, append([]string{wordHeader, wordInFlight, wordBytes, wordText}, codeNames...)...))
	}
	s.Code = code
	c.skip(len(word))
	return nil
}

// readPairs reads pairs up to a clause or the line's end.
func readPairs(c *cursor) (pairs []tape.Pair, err error) {
	for !c.atEnd() && c.peek() != wordAfter {
		p, err := c.pair()
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// readTail reads the clause that may end an event's line; e is nil for what
// is no event.
func (r *reader) readTail(c *cursor, e *tape.Event) (err error) {
	if c.take(wordAfter) {
		if e == nil || e.Kind == 0 || e.Kind.FromClient() {
			return r.fail("only what a server does waits for others: remove the clause \"after\"")
		}
		if e.After, err = r.readRefs(c); err != nil {
			return err
		}
	}
	return c.end("remove it; a comment has a line of its own, above its call")
}

// A content says what a message is to be.
type content struct {
	md     protoreflect.MessageDescriptor // nil if unknown
	detail string                         // the type's URL, of a detail of a status

	isDetail bool
}

func beginsMessage(c *cursor) bool {
	word := c.peek()
	return isJSON(c.rest) || word == wordBytes || word == wordText
}

// readMessage reads a message, the clause that ends its line, and the lines
// that belong to it.
func (r *reader) readMessage(c *cursor, e *tape.Event, what content) (wire []byte, err error) {
	n := r.cur.n
	switch {
	case c.take(wordText):
		wire, err = r.readText(c, e)
	case c.take(wordBytes):
		wire, err = r.readBytes(c, e)
	default:
		wire, err = r.readJSON(c, e, what)
	}
	if err == nil && int64(len(wire)) > r.limits.Message {
		err = r.tooLong(n)
	}
	return wire, err
}

// readBytes reads base64, behind which a comment may stand.
func (r *reader) readBytes(c *cursor, e *tape.Event) ([]byte, error) {
	n := r.cur.n
	var begun []byte
	if !c.atEnd() && c.peek() != wordAfter && !c.begins("#") {
		begun = c.rest[:wordEnd(c.rest)]
		c.skip(len(begun))
	}
	rest, _, _ := bytes.Cut(c.rest, []byte("#"))
	if err := r.readTail(newCursor(bytes.TrimRight(rest, " \t")), e); err != nil {
		return nil, err
	}
	r.advance()
	return r.decode(r.moreBase64(begun), n)
}

// readText reads quoted strings.
func (r *reader) readText(c *cursor, e *tape.Event) ([]byte, error) {
	var begun []byte
	if c.atQuote() {
		s, err := c.quoted()
		if err != nil {
			return nil, err
		}
		begun = []byte(s)
	}
	if err := r.readTail(c, e); err != nil {
		return nil, err
	}
	more, err := r.moreQuoted(&cursor{})
	return append(begun, more...), err
}

// readJSON reads JSON, lines of it perhaps, and the exact bytes below it.
func (r *reader) readJSON(c *cursor, e *tape.Event, what content) ([]byte, error) {
	n := r.cur.n
	from := r.cur.end - len(c.rest)
	size, err := valueEnd(r.b[from:])
	lines := bytes.Count(r.b[from:from+size], []byte("\n"))
	if err != nil {
		return nil, r.wrap(n+lines, err)
	}
	text := r.b[from : from+size]
	r.jump(from+size, lines)
	if err := r.readTail(newCursor(r.cur.text), e); err != nil {
		return nil, err
	}
	r.advance()
	if r.inner() {
		if wire, ok, err := r.readExact(newCursor(r.cur.text), text); ok || err != nil {
			return wire, err
		}
	}
	wire, err := r.wire(text, what)
	if fault, ok := errors.AsType[*schema.JSONError](err); ok {
		n += fault.Line - 1
	}
	if err != nil {
		return nil, r.wrap(n, err)
	}
	return wire, nil
}

// jump makes the current line what is left of the one that is so many lines
// further down, from a place in the file on.
func (r *reader) jump(to, lines int) {
	r.pos = to
	r.cur = r.takeLine(line{n: r.cur.n + lines - 1})
}

// readExact reads the exact bytes of a message, and tells whether they hold:
// whether the JSON is still that from which they were taken.
func (r *reader) readExact(c *cursor, text []byte) (wire []byte, ok bool, err error) {
	n := r.cur.n
	if !c.take(wordDigest) {
		return nil, false, nil
	}
	sum := c.peek()
	c.skip(len(sum))
	if !c.take(wordExact) {
		return nil, false, r.fail("behind the digest stands %q, then base64: or remove the line", wordExact)
	}
	begun := c.rest[:wordEnd(c.rest)]
	c.skip(len(begun))
	if err := c.end("nothing follows the base64"); err != nil {
		return nil, false, err
	}
	r.advance()
	data := r.moreBase64(begun)
	if sum != digest(text) || !json.Valid(text) {
		return nil, false, nil
	}
	wire, err = r.decode(data, n)
	return wire, true, err
}

// wire returns the bytes of a message given as JSON.
func (r *reader) wire(text []byte, what content) ([]byte, error) {
	name := r.call.Method
	switch {
	case what.isDetail:
		name = what.detail
	case !isProto(r.call.Codec):
		return nil, fmt.Errorf("messages of the codec %q are text \"…\" or bytes: write one of these", r.call.Codec)
	}
	if string(text) == "{}" {
		return nil, nil
	}
	if what.md == nil {
		return nil, errors.New("JSON cannot be read here, the types of " + name + " are not known: keep the " +
			"recording's descriptors, link the program's generated types, or give a descriptor set (protoc -o)")
	}
	b, err := r.types.Wire(what.md, text)
	if err != nil {
		return nil, &noMessage{what: fmt.Sprintf("%s of %s", what.md.FullName(), name), err: err}
	}
	return b, nil
}

// A noMessage says that JSON is no message of its type. In which line of the
// JSON is left out: the file's is told.
type noMessage struct {
	what string
	err  error
}

func (e *noMessage) Unwrap() error { return e.err }

func (e *noMessage) Error() string {
	said := e.err.Error()
	if fault, ok := e.err.(*schema.JSONError); ok {
		said = fault.Fault()
	}
	return "this is no " + e.what + ": " + said
}
