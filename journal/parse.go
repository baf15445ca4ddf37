// Parsing one line of the text form into an event.

package journal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// fieldNames are the fields of a line, in order, as errors call them.
var fieldNames = [...]string{"seq", "step", "at", "kind", "where", "peer", "subject", "cause", "size", "body"}

func parseEvent(line []byte, known names) (e Event, err error) {
	for i, name := range fieldNames {
		var tok []byte
		if tok, line, err = token(line); err == nil {
			err = e.set(i, tok, known)
		}
		if err != nil {
			return Event{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	for len(line) > 0 {
		var n Note
		if n, line, err = parseNote(line, known); err != nil {
			return Event{}, err
		}
		e.Notes = append(e.Notes, n)
	}
	return e, nil
}

// set sets the i-th field from its token.
func (e *Event) set(i int, tok []byte, known names) (err error) {
	switch i {
	case 0:
		e.Seq, err = number(tok)
	case 1:
		e.Step, err = number(tok)
	case 2:
		if e.At, err = time.ParseDuration(string(tok)); err != nil {
			err = fmt.Errorf("want a duration such as 1.5s, got %s", shown(tok))
		}
	case 3:
		var s string
		s, err = text(tok, known)
		e.Kind = Kind(s)
	case 4:
		e.Where, err = text(tok, known)
	case 5:
		e.Peer, err = text(tok, known)
	case 6:
		e.Subject, err = text(tok, known)
	case 7:
		if string(tok) != "-" {
			e.Cause, err = number(tok)
		}
	case 8:
		e.Size, err = number(tok)
	case 9:
		e.Body, err = payload(tok)
	}
	return err
}

// token cuts the first field from line, quotes included, and the space behind
// it.
func token(line []byte) (tok, rest []byte, err error) {
	n := bytes.IndexByte(line, ' ')
	if len(line) > 0 && line[0] == '"' {
		n, err = quoted(line)
		if err == nil && n < len(line) && line[n] != ' ' {
			err = errors.New("no space behind the closing quote")
		}
	}
	switch {
	case err != nil:
		return nil, nil, err
	case len(line) == 0 || n == 0:
		return nil, nil, errors.New("missing")
	case n < 0 || n == len(line):
		return line, nil, nil
	case n == len(line)-1:
		return nil, nil, errors.New("a space at the end of the line")
	}
	return line[:n], line[n+1:], nil
}

// quoted returns the length of the quoted string that b begins with.
func quoted(b []byte) (int, error) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return 0, errors.New("a quote is opened and not closed")
}

func unquote(tok []byte) (string, error) {
	s, err := strconv.Unquote(string(tok))
	if err != nil {
		return "", fmt.Errorf("bad quotes in %s", shown(tok))
	}
	return s, nil
}

func number(tok []byte) (int, error) {
	n, err := strconv.Atoi(string(tok))
	if err != nil {
		return 0, fmt.Errorf("want a number, got %s", shown(tok))
	}
	return n, nil
}

func text(tok []byte, known names) (string, error) {
	switch {
	case string(tok) == "-":
		return "", nil
	case tok[0] == '"':
		return unquote(tok)
	}
	return known.get(tok), nil
}

func payload(tok []byte) ([]byte, error) {
	if string(tok) == "-" {
		return nil, nil
	}
	if tok[0] == '"' {
		s, err := unquote(tok)
		if len(s) > MaxBody {
			return nil, fmt.Errorf("%d bytes; at most %d", len(s), MaxBody)
		}
		return append([]byte{}, s...), err
	}
	coded, ok := bytes.CutPrefix(tok, []byte(base64Mark))
	if !ok {
		return nil, fmt.Errorf("want -, a quoted text or %s..., got %s", base64Mark, shown(tok))
	}
	if base64.StdEncoding.DecodedLen(len(coded)) > MaxBody+2 {
		return nil, fmt.Errorf("longer than %d bytes", MaxBody)
	}
	b, err := base64.StdEncoding.Strict().AppendDecode([]byte{}, coded)
	if err != nil {
		return nil, errors.New("bad base64")
	}
	return b, nil
}

// parseNote cuts one key=value and the space behind it from line.
func parseNote(line []byte, known names) (n Note, rest []byte, err error) {
	i := bytes.IndexAny(line, " =")
	if len(line) > 0 && line[0] == '"' {
		if i, err = quoted(line); err != nil {
			return n, nil, fmt.Errorf("note: %w", err)
		}
	}
	if i <= 0 || i >= len(line) || line[i] != '=' {
		return n, nil, fmt.Errorf("want a note as key=value, got %s", shown(line))
	}
	key, rest := line[:i], line[i+1:]
	if key[0] != '"' {
		n.Key = known.get(key)
	} else if n.Key, err = unquote(key); err != nil {
		return n, nil, fmt.Errorf("note: %w", err)
	}
	if len(rest) == 0 {
		return n, nil, nil
	}
	if rest[0] == ' ' {
		if len(rest) == 1 {
			return n, nil, fmt.Errorf("note %.40s: a space at the end of the line", key)
		}
		return n, rest[1:], nil
	}
	var tok []byte
	if tok, rest, err = token(rest); err != nil {
		return n, nil, fmt.Errorf("note %.40s: %w", key, err)
	}
	if n.Value = string(tok); tok[0] == '"' {
		n.Value, err = unquote(tok)
	}
	return n, rest, err
}

// shown returns the beginning of a token, for an error.
func shown(tok []byte) string {
	if len(tok) > 40 {
		return fmt.Sprintf("%q...", tok[:40])
	}
	return strconv.Quote(string(tok))
}

// names keeps one copy of strings that many events share, such as hosts.
type names map[string]string

const (
	maxNames    = 4096
	maxNameSize = 128
)

func (known names) get(b []byte) string {
	if s, ok := known[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(known) < maxNames && len(s) <= maxNameSize {
		known[s] = s
	}
	return s
}
