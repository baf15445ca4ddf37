// Writing a tape: the head, the calls one after another, the blocks.

package text

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A writer holds what the whole tape says while its calls are written.
type writer struct {
	types   *schema.Set
	numbers []int  // the numbers of the calls
	clients []int  // how many events the client of each call has
	times   []byte // the block of times, as far as it is known
	call    *tape.Call
	place   int
}

// Write writes the text form of a tape. Messages whose types the tape's own
// descriptors or s know are shown as JSON, others as bytes; with a nil s all
// are bytes. It holds the text of one call, and all times, in memory.
//
// What goes without saying is not kept: the order of pairs of different keys,
// blanks at the ends of comments, the Order of events, and numbers of calls if
// one occurs twice. It errs on a tape whose events wait for what is not there.
func Write(w io.Writer, t *tape.Tape, s *schema.Set) error {
	wr := &writer{types: s}
	if s != nil && len(t.Schema) > 0 {
		own, err := schema.Parse(t.Schema)
		if err != nil {
			return fmt.Errorf("the recording's descriptors: %w", err)
		}
		wr.types = own.Or(s)
	}
	wr.survey(t)
	out := bufio.NewWriter(w)
	buf := appendHead(nil, &t.Head)
	for place, call := range t.Calls() {
		out.Write(buf)
		var err error
		if buf, err = wr.appendCall(buf[:0], place, call); err != nil {
			return fmt.Errorf("call %d: %w", call.Number, err)
		}
	}
	out.Write(buf)
	if len(wr.times) > 0 {
		out.WriteString("\n" + wordTimes)
		out.Write(wr.times)
		out.WriteString("\n")
	}
	if len(t.Schema) > 0 {
		if err := writeDescriptors(out, t.Schema); err != nil {
			return err
		}
	}
	return out.Flush()
}

// survey notes the numbers of all calls and counts what their clients did.
// Numbers that are no names for the calls are replaced by places from 1.
func (w *writer) survey(t *tape.Tape) {
	seen, unique := make(map[int]bool, t.Len()), true
	for _, call := range t.Calls() {
		unique = unique && call.Number > 0 && call.Number <= 1<<31-1 && !seen[call.Number]
		seen[call.Number] = true
		w.numbers = append(w.numbers, call.Number)
		w.clients = append(w.clients, clientEvents(call))
	}
	if !unique {
		for i := range w.numbers {
			w.numbers[i] = i + 1
		}
	}
}

func clientEvents(call *tape.Call) (n int) {
	for i := range call.Events {
		if call.Events[i].Kind.FromClient() {
			n++
		}
	}
	return n
}

// appendHead appends the lines before the first call.
func appendHead(dst []byte, h *tape.Head) []byte {
	dst = fmt.Appendf(dst, "%s %d\n", Magic, tape.Version)
	dst = appendComments(dst, h.Comments)
	dst = appendInitial(dst, h.Initial)
	if h.Source != "" {
		dst = appendWord(append(dst, wordSource+" "...), h.Source)
		if h.Lenient {
			dst = append(dst, " "+wordLenient...)
		}
		dst = append(dst, '\n')
	} else if h.Lenient {
		dst = append(dst, wordLenient+"\n"...)
	}
	for _, key := range slices.Sorted(slices.Values(h.Metadata)) {
		dst = append(appendWord(append(dst, wordMatch+" metadata "...), key), '\n')
	}
	for _, path := range slices.Sorted(slices.Values(h.Ignore)) {
		dst = append(appendRest(append(dst, wordMatch+" ignore "...), path), '\n')
	}
	for _, rule := range h.Redact {
		dst = append(appendRest(append(dst, wordRedact+" "...), rule), '\n')
	}
	return dst
}

// appendRest appends a text that takes the rest of its line.
func appendRest(dst []byte, s string) []byte {
	if isPlain(s) {
		return append(dst, s...)
	}
	return strconv.AppendQuote(dst, s)
}

func appendComments(dst []byte, comments []string) []byte {
	for _, comment := range comments {
		for line := range strings.SplitSeq(comment, "\n") {
			dst = append(append(dst, '#'), strings.TrimRight(line, " \t\r")...)
			dst = append(dst, '\n')
		}
	}
	return dst
}

// appendInitial appends the program's own bytes: a text if they are one.
func appendInitial(dst, initial []byte) []byte {
	if len(initial) == 0 {
		return dst
	}
	dst = append(dst, wordInitial...)
	switch s := string(initial); {
	case !isReadable(s) && len(s) <= wrapped:
		dst = base64.StdEncoding.AppendEncode(append(dst, " "+base64Mark...), initial)
	case !isReadable(s):
		dst = appendBase64Lines(append(dst, " "+base64Mark...), initial, "  ")
	case len(s) <= columns-len(wordInitial):
		dst = appendQuoted(append(dst, ' '), s)
	default:
		dst = appendQuotedLines(dst, s, "  ")
	}
	return append(dst, '\n')
}

// appendCall appends a call with its events, and its line to the times.
func (w *writer) appendCall(dst []byte, place int, call *tape.Call) ([]byte, error) {
	w.place, w.call = place, call
	dst = appendComments(append(dst, '\n'), call.Comments)
	dst = w.appendCallLine(dst)
	for _, p := range sorted(call.Pairs) {
		dst = appendPairLine(append(dst, "\n  "...), p)
	}
	dst, err := w.appendEvents(dst)
	if err != nil {
		return nil, err
	}
	if call.Ended() == nil {
		dst = append(dst, "\n  "+server+" "+wordInFlight...)
	}
	w.times = appendTimes(w.times, w.numbers[place], call)
	return append(dst, '\n'), nil
}

func (w *writer) appendCallLine(dst []byte) []byte {
	dst = fmt.Appendf(dst, "%s %d  ", wordCall, w.numbers[w.place])
	dst = append(appendMethod(dst, w.call.Method), "  "...)
	dst = append(dst, shapeName(w.call.Shape)...)
	if w.call.Timeout > 0 {
		dst = append(append(dst, "  deadline="...), w.call.Timeout.String()...)
	}
	if w.call.Authority != "" {
		dst = appendWord(append(dst, "  authority="...), w.call.Authority)
	}
	if w.call.Codec != "" {
		dst = appendWord(append(dst, "  codec="...), w.call.Codec)
	}
	return dst
}

// appendMethod appends a method without its slash. What would not be read
// back so is quoted, slash and all.
func appendMethod(dst []byte, method string) []byte {
	name, ok := strings.CutPrefix(method, "/")
	if ok && isWord(name) && name[0] != '/' {
		return append(dst, name...)
	}
	return strconv.AppendQuote(dst, method)
}

// unknownShape is how the shape is written that has no name.
const unknownShape = "unknown"

func shapeName(s tape.Shape) string {
	if s == tape.Unknown {
		return unknownShape
	}
	return s.String()
}

// sorted returns pairs sorted by key, values in their order.
func sorted(pairs []tape.Pair) []tape.Pair {
	byKey := func(a, b tape.Pair) int { return strings.Compare(a.Key, b.Key) }
	if slices.IsSortedFunc(pairs, byKey) {
		return pairs
	}
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, byKey)
	return pairs
}

// appendTimes appends a call's line of the block of times, the line's end
// first. A call without times has none.
func appendTimes(dst []byte, number int, call *tape.Call) []byte {
	known := call.Start != 0
	for i := range call.Events {
		known = known || call.Events[i].At != 0
	}
	if !known {
		return dst
	}
	dst = fmt.Appendf(dst, "\n  %s %d  %v ", wordCall, number, call.Start)
	for i := range call.Events {
		dst = append(append(dst, ' '), (call.Events[i].At - call.Start).String()...)
	}
	return dst
}
