// Reading a line from left to right.

package text

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A cursor stands somewhere in a line, at no blank.
type cursor struct{ rest []byte }

func newCursor(b []byte) *cursor {
	c := &cursor{b}
	c.skip(0)
	return c
}

// skip passes over n bytes and the blanks behind them.
func (c *cursor) skip(n int) {
	for n < len(c.rest) && (c.rest[n] == ' ' || c.rest[n] == '\t') {
		n++
	}
	c.rest = c.rest[n:]
}

func (c *cursor) atEnd() bool { return len(c.rest) == 0 }

func (c *cursor) begins(prefix string) bool { return bytes.HasPrefix(c.rest, []byte(prefix)) }

// wordEnd returns where the next blank or line end is.
func wordEnd(b []byte) int {
	if i := bytes.IndexAny(b, " \t\r\n"); i >= 0 {
		return i
	}
	return len(b)
}

// peek returns the next word.
func (c *cursor) peek() string { return string(c.rest[:wordEnd(c.rest)]) }

// take passes over a phrase of one or more words if it stands next.
func (c *cursor) take(phrase string) bool {
	n := len(phrase)
	if !c.begins(phrase) || n < len(c.rest) && c.rest[n] != ' ' && c.rest[n] != '\t' {
		return false
	}
	c.skip(n)
	return true
}

// word returns the next word, without its quotes if it has some.
func (c *cursor) word() (string, error) {
	if c.begins(`"`) {
		return c.quoted()
	}
	n := wordEnd(c.rest)
	w := string(c.rest[:n])
	c.skip(n)
	return w, nil
}

// atQuote tells whether a Go string begins here.
func (c *cursor) atQuote() bool { return c.begins(`"`) || c.begins("`") }

// quoted returns the Go string that stands next.
func (c *cursor) quoted() (string, error) {
	n, err := stringEnd(c.rest)
	if c.begins("`") {
		n, err = bytes.IndexByte(c.rest[1:], '`')+2, nil
	}
	if err != nil {
		return "", err
	}
	s, err := strconv.Unquote(string(c.rest[:n]))
	if err != nil {
		return "", fmt.Errorf("%q is not quoted as Go quotes strings: mind backslashes, and the quote at its end",
			short(c.rest[:n]))
	}
	c.skip(n)
	return s, nil
}

// key returns the key of metadata that stands next, before one of the ends.
func (c *cursor) key(end byte) (string, error) {
	n, key := bytes.IndexByte(c.rest[:wordEnd(c.rest)], end), ""
	var err error
	if c.begins(`"`) {
		if n, err = stringEnd(c.rest); err != nil {
			return "", err
		}
		key, err = strconv.Unquote(string(c.rest[:n]))
	} else if n > 0 {
		key = string(bytes.ToLower(c.rest[:n]))
	}
	if err != nil || n <= 0 || n >= len(c.rest) || c.rest[n] != end {
		return "", fmt.Errorf("%q is no key%cvalue of metadata: write it so, what has blanks or quotes in quotes",
			short([]byte(c.peek())), end)
	}
	c.rest = c.rest[n+1:]
	return key, nil
}

// pair returns the key=value that stands next.
func (c *cursor) pair() (p tape.Pair, err error) {
	if p.Key, err = c.key('='); err != nil {
		return p, err
	}
	n := wordEnd(c.rest)
	if c.begins(`"`) || n == 0 {
		p.Value, err = c.quotedOrNone()
		return p, err
	}
	p.Value, err = valueOf(p.Key, c.rest[:n])
	c.skip(n)
	return p, err
}

// pairLine returns the key: value that takes the rest of the line.
func (c *cursor) pairLine() (p tape.Pair, err error) {
	if p.Key, err = c.key(':'); err != nil {
		return p, err
	}
	c.skip(0)
	if c.begins(`"`) || c.atEnd() {
		if p.Value, err = c.quotedOrNone(); err != nil {
			return p, err
		}
		return p, c.end("a value in quotes ends with them")
	}
	p.Value, err = valueOf(p.Key, c.rest)
	c.rest = nil
	return p, err
}

func (c *cursor) quotedOrNone() (string, error) {
	if c.begins(`"`) {
		return c.quoted()
	}
	c.skip(0)
	return "", nil
}

// valueOf returns the value that is written so without quotes.
func valueOf(key string, written []byte) (string, error) {
	if !strings.HasSuffix(key, binarySuffix) {
		return string(written), nil
	}
	b, err := decodeBase64(written)
	if err != nil {
		return "", fmt.Errorf("the value of %s is not base64: write base64, or the bytes in quotes", key)
	}
	return string(b), nil
}

// number returns the number from 1 that stands next.
func (c *cursor) number() (int, error) {
	n := 0
	for n < len(c.rest) && c.rest[n] >= '0' && c.rest[n] <= '9' {
		n++
	}
	number, err := strconv.ParseUint(string(c.rest[:n]), 10, 31)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("%q is no number from 1", c.peek())
	}
	c.skip(n)
	return int(number), nil
}

// end errs if something is left of the line.
func (c *cursor) end(advice string) error {
	if c.atEnd() {
		return nil
	}
	return errors.New(strconv.Quote(short(c.rest)) + " is too much: " + advice)
}

// short returns the beginning of b, for messages.
func short(b []byte) string {
	if len(b) > 40 {
		return string(bytes.ToValidUTF8(b[:40], nil)) + "…"
	}
	return string(b)
}

// arrow passes over an arrow and tells whose it is; 0 if there is none.
func (c *cursor) arrow() byte {
	for _, a := range []struct {
		text string
		who  byte
	}{{client, '>'}, {server, '<'}, {">", '>'}, {"<", '<'}} {
		if c.begins(a.text) {
			c.skip(len(a.text))
			return a.who
		}
	}
	return 0
}

// takeComma passes over a comma.
func (c *cursor) takeComma() bool {
	is := c.begins(",")
	if is {
		c.skip(1)
	}
	return is
}

// line returns the rest of the line, without its quotes if it has some.
func (c *cursor) line() (string, error) {
	if c.begins(`"`) {
		return c.quotedAlone()
	}
	if c.atEnd() {
		return "", errors.New("something is missing at the line's end")
	}
	s := string(c.rest)
	c.rest = nil
	return s, nil
}

// quotedAlone returns the Go string that is the rest of the line.
func (c *cursor) quotedAlone() (string, error) {
	s, err := c.quoted()
	if err != nil {
		return "", err
	}
	return s, c.end("nothing follows what is in quotes")
}
