// Valid JSON, read piece by piece.

package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A decoder reads JSON that is valid, which Wire makes sure of.
type decoder struct {
	set *Set
	b   []byte
	at  int

	depth int // of messages
}

// A JSONError is what is wrong with JSON, and where.
type JSONError struct {
	Line int // of the JSON, from 1
	path string
	msg  string
}

// Error says in which line and field what is wrong.
func (e *JSONError) Error() string {
	if e.Line > 1 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Fault())
	}
	return e.Fault()
}

// Fault says in which field what is wrong, for those who count lines
// otherwise.
func (e *JSONError) Fault() string {
	if e.path == "" {
		return e.msg
	}
	return strings.TrimPrefix(e.path, ".") + ": " + e.msg
}

func (d *decoder) errorf(format string, args ...any) error {
	line := 1 + strings.Count(string(d.b[:min(d.at, len(d.b))]), "\n")
	return &JSONError{Line: line, msg: fmt.Sprintf(format, args...)}
}

// in says that an error was met within a field, an element or an entry.
func in(err error, part string) error {
	if e, ok := err.(*JSONError); ok {
		e.path = part + e.path
	}
	return err
}

// peek returns the character that the next value begins with; 0 at the end.
func (d *decoder) peek() byte {
	for ; d.at < len(d.b); d.at++ {
		switch c := d.b[d.at]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			return c
		}
	}
	return 0
}

// token reads a string, with its quotes, a number, or true, false or null.
func (d *decoder) token() []byte {
	quoted := d.peek() == '"'
	begin := d.at
	if quoted {
		for d.at++; d.b[d.at] != '"'; d.at++ {
			if d.b[d.at] == '\\' {
				d.at++
			}
		}
		d.at++
		return d.b[begin:d.at]
	}
	for d.at < len(d.b) && !strings.ContainsRune(" \t\n\r,:]}", rune(d.b[d.at])) {
		d.at++
	}
	return d.b[begin:d.at]
}

// text reads a string; of what is none, the text.
func (d *decoder) text() string {
	token := d.token()
	if len(token) < 2 || token[0] != '"' {
		return string(token)
	}
	if !strings.Contains(string(token), `\`) {
		return string(token[1 : len(token)-1])
	}
	var s string
	if json.Unmarshal(token, &s) != nil {
		return string(token)
	}
	return s
}

// object reads an object; visit has to read the value of each key.
func (d *decoder) object(visit func(key string) error) error {
	if d.peek() != '{' {
		return d.errorf("an object is wanted here, {...}, not %.20s", d.token())
	}
	for d.at++; d.peek() != '}'; {
		if err := visit(d.text()); err != nil {
			return err
		}
	}
	d.at++
	return nil
}

// list reads a list; visit has to read each element.
func (d *decoder) list(visit func() error) error {
	if d.peek() != '[' {
		return d.errorf("a list is wanted here, [...], not %.20s", d.token())
	}
	d.at++
	for i := 0; d.peek() != ']'; i++ {
		if err := visit(); err != nil {
			return in(err, fmt.Sprintf("[%d]", i))
		}
	}
	d.at++
	return nil
}

// skip reads over a value.
func (d *decoder) skip() {
	switch d.peek() {
	case '{':
		_ = d.object(func(string) error { d.skip(); return nil })
	case '[':
		_ = d.list(func() error { d.skip(); return nil })
	default:
		d.token()
	}
}
