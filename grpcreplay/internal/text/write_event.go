// Writing what happened in a call.

package text

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The indents of an event, and of what belongs to it.
const (
	eventIndent = 2
	innerIndent = 4
	inner       = "\n    "
)

// binarySuffix ends the keys whose values are any bytes: gRPC sends them in
// base64 (grpc/grpc doc/PROTOCOL-HTTP2.md), and so they are written.
const binarySuffix = "-bin"

func (w *writer) appendEvents(dst []byte) ([]byte, error) {
	implied, first := halfClose(w.call)
	for i := range w.call.Events {
		if i == implied {
			continue
		}
		e := &w.call.Events[i]
		tail, err := w.after(e)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		dst = w.appendEvent(append(dst, "\n  "...), e, tail)
		if i == first && implied == missing {
			dst = append(dst, "\n  "+client+" "+wordNoClose...)
		}
	}
	return dst, nil
}

// What halfClose says other than a place.
const (
	stated  = -1 // every half-close is to be written
	missing = -2 // there is none where one is expected
)

// halfClose returns the place of the half-close that goes without saying, and
// that of the first message of the client. A client that sends one request
// closes right behind it.
func halfClose(call *tape.Call) (implied, first int) {
	sends, closes := 0, 0
	implied, first = stated, -1
	for i := range call.Events {
		switch call.Events[i].Kind {
		case tape.Send:
			if sends++; sends == 1 {
				first = i
			}
		case tape.CloseSend:
			if closes++; sends == 1 && i == first+1 {
				implied = i
			}
		}
	}
	switch {
	case !call.Shape.OneRequest() || sends == 0:
		return stated, first
	case closes == 0:
		return missing, first
	case closes > 1 || sends > 1:
		return stated, first
	}
	return implied, first
}

// after returns the clause that says what an event waited for.
func (w *writer) after(e *tape.Event) (string, error) {
	if e.Kind.FromClient() || len(e.After) == 0 {
		return "", nil
	}
	var b strings.Builder
	separator := "  " + wordAfter
	for _, ref := range e.After {
		if ref.Call < 0 || ref.Call >= len(w.numbers) {
			return "", fmt.Errorf("it waits for the call at place %d of %d", ref.Call, len(w.numbers))
		}
		if err := checkRef(ref, w.place, w.clients[ref.Call]); err != nil {
			return "", fmt.Errorf("it waits for call %d: %w", w.numbers[ref.Call], err)
		}
		fmt.Fprintf(&b, "%s %s %d %s%d", separator, wordCall, w.numbers[ref.Call], client, ref.Nth)
		separator = ","
	}
	return b.String(), nil
}

// checkRef tells whether an event of the call at a place can wait for ref,
// whose call's client did so many things.
func checkRef(ref tape.Ref, place, clients int) error {
	switch {
	case ref.Call == place:
		return fmt.Errorf("that is its own call, whose order is given")
	case ref.Nth < 1 || ref.Nth > clients:
		return fmt.Errorf("its client sends, closes and cancels %d times, there is no %s%d", clients, client, ref.Nth)
	}
	return nil
}

func (w *writer) appendEvent(dst []byte, e *tape.Event, tail string) []byte {
	switch e.Kind {
	case tape.Send:
		b := body{md: w.types.Input(w.call.Method), wire: e.Message, indent: eventIndent}
		return w.appendBody(append(dst, client+" "...), b)
	case tape.Recv:
		b := body{md: w.types.Output(w.call.Method), wire: e.Message, indent: eventIndent, tail: tail}
		return w.appendBody(append(dst, server+" "...), b)
	case tape.CloseSend:
		return append(dst, client+" "+wordClose...)
	case tape.Cancel:
		return append(dst, client+" "+wordCancel...)
	case tape.Header:
		return appendPairs(append(dst, server+" "+wordHeader...), e.Pairs, tail)
	}
	return w.appendEnd(dst, e, tail)
}

// appendEnd appends a status, its details, and the trailer.
func (w *writer) appendEnd(dst []byte, e *tape.Event, tail string) []byte {
	dst = append(append(dst, server+" "...), codeName(e.Status.Code)...)
	if e.Status.Message != "" {
		dst = strconv.AppendQuote(append(dst, ' '), e.Status.Message)
	}
	if e.Status.Plain {
		dst = append(dst, "  "+wordPlain...)
	}
	if e.Status.Refused {
		dst = append(dst, "  "+wordRefused...)
	}
	if len(e.Pairs) > 0 {
		dst = append(dst, "  "+wordTrailer...)
	}
	dst = appendPairs(dst, e.Pairs, tail)
	for _, d := range e.Status.Details {
		at := len(dst)
		dst = append(appendWord(append(dst, inner+wordDetail+" "...), d.Type), ' ')
		dst = w.appendBody(dst, body{
			md: w.types.Message(d.Type), wire: d.Value, indent: innerIndent, proto: true,
			used: utf8.RuneCount(dst[at+1:]),
		})
	}
	return dst
}

// appendPairs appends pairs and the line's tail: in the line if they fit, else
// each in a line of its own.
func appendPairs(dst []byte, pairs []tape.Pair, tail string) []byte {
	pairs = sorted(pairs)
	from := bytes.LastIndexByte(dst, '\n') + 1
	line := dst
	for _, p := range pairs {
		line = appendValue(append(appendKey(append(line, ' '), p.Key), '='), p, isWord)
	}
	line = append(line, tail...)
	if len(pairs) == 0 || fits(line[from:], 0) {
		return line
	}
	dst = append(dst, tail...)
	for _, p := range pairs {
		dst = appendPairLine(append(dst, inner...), p)
	}
	return dst
}

func appendPairLine(dst []byte, p tape.Pair) []byte {
	return appendValue(append(appendKey(dst, p.Key), ": "...), p, isPlain)
}

// appendValue appends a value of metadata: as it is if that will do.
func appendValue(dst []byte, p tape.Pair, asItIs func(string) bool) []byte {
	switch {
	case strings.HasSuffix(p.Key, binarySuffix) && p.Value != "":
		return base64.StdEncoding.AppendEncode(dst, []byte(p.Value))
	case asItIs(p.Value):
		return append(dst, p.Value...)
	}
	return strconv.AppendQuote(dst, p.Value)
}

// A body is a message to be written, or a detail of a status.
type body struct {
	md     protoreflect.MessageDescriptor // nil if unknown
	wire   []byte
	tail   string // what ends the line on which the message ends
	indent int    // of the line on which it begins
	used   int    // columns of that line that are taken; 0 stands for an event's
	proto  bool   // it is in the format of protocol buffers whatever the codec
}

// isProto tells whether messages of a codec are protocol buffers.
func isProto(codec string) bool { return codec == "" || codec == "proto" }

func (w *writer) appendBody(dst []byte, b body) []byte {
	if b.used == 0 {
		b.used = b.indent + 2
	}
	proto := b.proto || isProto(w.call.Codec)
	switch {
	case !proto && isReadable(string(b.wire)):
		return appendText(dst, b)
	case !proto:
		return appendBytes(dst, b, "")
	case b.md == nil && len(b.wire) == 0:
		return append(append(dst, "{}"...), b.tail...)
	case b.md == nil:
		return appendBytes(dst, b, w.types.Sketch(b.wire))
	}
	json, exact, err := w.types.JSON(b.md, b.wire)
	if err != nil || len(json) == 0 {
		return appendBytes(dst, b, w.types.Sketch(b.wire))
	}
	dst = append(layout(dst, json, b.indent, b.used), b.tail...)
	if !exact && !w.reordered(b, json) {
		dst = append(appendNewLine(dst, b.indent+2), wordDigest+" "+digest(json)+"  "+wordExact...)
		dst = appendBase64(dst, b.wire, b.indent)
	}
	return dst
}

// reordered tells whether what JSON gives back differs from a message only in
// the order of its fields or of its maps' entries, which differs from run to run
// and means nothing.
func (w *writer) reordered(b body, json []byte) bool {
	back, err := w.types.Wire(b.md, json)
	if err != nil || len(back) != len(b.wire) {
		return false
	}
	canon := w.types.Canon(b.md, nil)
	return bytes.Equal(canon.Append(nil, back), canon.Append(nil, b.wire))
}

// appendBytes appends bytes, and in a comment what they may mean.
func appendBytes(dst []byte, b body, sketch string) []byte {
	dst = append(dst, wordBytes...)
	if len(b.wire) <= wrapped {
		dst = append(appendBase64(dst, b.wire, b.indent), b.tail...)
		return appendSketch(dst, sketch)
	}
	dst = appendSketch(append(dst, b.tail...), sketch)
	return appendBase64(dst, b.wire, b.indent)
}

// appendSketch appends what bytes may mean, cut where the line is full.
func appendSketch(dst []byte, sketch string) []byte {
	if sketch == "" || !isPrintable(sketch) {
		return dst
	}
	used := utf8.RuneCount(dst[bytes.LastIndexByte(dst, '\n')+1:])
	room := max(columns-used-len("  # "), columns/3)
	dst = append(dst, "  # "...)
	for i := range sketch {
		if room--; room == 0 {
			return append(append(dst, sketch[:i]...), "…"...)
		}
	}
	return append(dst, sketch...)
}

// appendBase64 appends bytes to a line, or in lines of their own below it.
func appendBase64(dst, wire []byte, indent int) []byte {
	if len(wire) == 0 {
		return dst
	}
	if len(wire) <= wrapped {
		return base64.StdEncoding.AppendEncode(append(dst, ' '), wire)
	}
	return appendBase64Lines(dst, wire, strings.Repeat(" ", indent+4))
}

// appendText appends a message that is text.
func appendText(dst []byte, b body) []byte {
	dst = append(dst, wordText...)
	if len(b.wire) <= columns-b.used-len(wordText) {
		return append(appendQuoted(append(dst, ' '), string(b.wire)), b.tail...)
	}
	return appendQuotedLines(append(dst, b.tail...), string(b.wire), strings.Repeat(" ", b.indent+4))
}
