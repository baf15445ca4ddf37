// Writing the text form.

package journal

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

const (
	magic      = "rehearse journal "
	base64Mark = "base64:"

	maxLine   = 2*MaxBody + 1<<20 // quoting at most doubles a text
	maxHeader = 1 << 20
)

// Write writes h and the events in the text form. What it writes, a [Reader]
// reads back: the same header and the same events, but that a nil and an empty
// list of notes are one. It refuses a header of more than 1 MiB and an event
// whose Body is longer than MaxBody or whose other fields exceed 1 MiB.
func Write(w io.Writer, h Header, events iter.Seq[Event]) error {
	line, err := appendHeader(nil, h)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	b := bufio.NewWriterSize(w, 64<<10)
	if _, err := b.Write(line); err != nil {
		return err
	}
	for e := range events {
		if line, err = appendEvent(line[:0], &e); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		if _, err := b.Write(line); err != nil {
			return err
		}
	}
	return b.Flush()
}

func appendHeader(b []byte, h Header) ([]byte, error) {
	if h.Version != 0 && h.Version != Version {
		return b, fmt.Errorf("cannot write version %d, only %d", h.Version, Version)
	}
	b = fmt.Appendf(b, "%s%d\nseed %d\n", magic, Version, h.Seed)
	if h.Config != "" {
		for line := range strings.SplitSeq(h.Config, "\n") {
			b = append(b, "config "...)
			b = appendText(b, line)
			b = append(b, '\n')
		}
	}
	for _, n := range h.Notes {
		b = append(b, "note"...)
		b = appendNote(b, n)
		b = append(b, '\n')
	}
	if len(b) > maxHeader {
		return b, fmt.Errorf("header of %d bytes; at most %d", len(b), maxHeader)
	}
	return append(b, '\n'), nil
}

func appendEvent(b []byte, e *Event) ([]byte, error) {
	if len(e.Body) > MaxBody {
		return b, fmt.Errorf("event %d: body of %d bytes; at most %d", e.Seq, len(e.Body), MaxBody)
	}
	b = strconv.AppendInt(b, int64(e.Seq), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.Step), 10)
	b = append(b, ' ')
	b = append(b, e.At.String()...)
	b = appendField(b, string(e.Kind))
	b = appendField(b, e.Where)
	b = appendField(b, e.Peer)
	b = appendField(b, e.Subject)
	if b = append(b, ' '); e.Cause == 0 {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, int64(e.Cause), 10)
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.Size), 10)
	b = append(b, ' ')
	meta := len(b)
	b = appendBody(b, e.Body)
	body := len(b) - meta
	for _, n := range e.Notes {
		b = appendNote(b, n)
	}
	if len(b)-body > maxLine-2*MaxBody-2 {
		return b, fmt.Errorf("event %d: fields of %d bytes beside the body; at most 1 MiB", e.Seq, len(b)-body)
	}
	return append(b, '\n'), nil
}

func appendField(b []byte, s string) []byte {
	b = append(b, ' ')
	switch {
	case s == "":
		return append(b, '-')
	case s == "-" || !bare(s, false):
		return strconv.AppendQuote(b, s)
	}
	return append(b, s...)
}

func appendNote(b []byte, n Note) []byte {
	b = append(b, ' ')
	if n.Key == "" || !bare(n.Key, true) {
		b = strconv.AppendQuote(b, n.Key)
	} else {
		b = append(b, n.Key...)
	}
	if b = append(b, '='); !bare(n.Value, false) {
		return strconv.AppendQuote(b, n.Value)
	}
	return append(b, n.Value...)
}

// appendText appends a whole line of text, which may hold spaces.
func appendText(b []byte, s string) []byte {
	if s == "" || s[0] == '"' || s[len(s)-1] == ' ' || !printable(s, "") {
		return strconv.AppendQuote(b, s)
	}
	return append(b, s...)
}

func appendBody(b, body []byte) []byte {
	switch s := string(body); {
	case body == nil:
		return append(b, '-')
	case printable(s, "\r\n\t"):
		return strconv.AppendQuote(b, s)
	}
	return base64.StdEncoding.AppendEncode(append(b, base64Mark...), body)
}

// bare reports whether s needs no quotes.
func bare(s string, key bool) bool {
	if s != "" && s[0] == '"' || strings.Contains(s, " ") || key && strings.Contains(s, "=") {
		return false
	}
	return printable(s, "")
}
