// Writing rpcreplay's binary form.

package foreign

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

const typePrefix = "type.googleapis.com/"

// WriteRPCReplay writes a tape as cloud.google.com/go/rpcreplay and
// github.com/google/go-replayers/grpcreplay load and replay it. The form names
// the types of messages, so s has to know every method; it errs, before
// anything is written, if s does not, and on messages of a codec other than
// proto.
//
// The form has no place for headers, trailers, metadata, half-closes and times,
// nor for a unary call in flight, which would make it unreadable: all these are
// left out. What the client cancelled ends with the status that it saw.
func WriteRPCReplay(w io.Writer, t *tape.Tape, s *schema.Set) error {
	out := &replayWriter{w: w, schema: s}
	if err := out.check(t); err != nil {
		return err
	}
	if _, err := io.WriteString(w, binaryMagic); err != nil {
		return err
	}
	if err := out.record(t.Head.Initial); err != nil {
		return err
	}
	for _, c := range t.Calls() {
		write := out.stream
		if isUnary(c, s) {
			write = out.unary
		}
		if err := write(c); err != nil {
			return fmt.Errorf("call %d, of %s: %w", c.Number, c.Method, err)
		}
	}
	return nil
}

// A replayWriter writes entries.
type replayWriter struct {
	w       io.Writer
	schema  *schema.Set
	entries int
	buf     []byte
}

// check finds what the form cannot hold.
func (out *replayWriter) check(t *tape.Tape) error {
	var unknown []string
	known := map[string]bool{}
	for _, c := range t.Calls() {
		if c.Codec != "" && c.Codec != "proto" {
			return fmt.Errorf("call %d, of %s, has messages in the codec %q: rpcreplay knows protocol buffers only",
				c.Number, c.Method, c.Codec)
		}
		if _, seen := known[c.Method]; seen {
			continue
		}
		in, to := out.schema.Input(c.Method), out.schema.Output(c.Method)
		if known[c.Method] = in != nil && to != nil; !known[c.Method] {
			unknown = append(unknown, c.Method)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("rpcreplay's form names the types of messages, and those of these methods are not known: "+
			"%s; pass a set of descriptors that holds them", strings.Join(unknown, ", "))
	}
	return nil
}

// isUnary tells whether a program makes a call as a unary one, which
// rpcreplay holds apart from streams.
func isUnary(c *tape.Call, s *schema.Set) bool {
	if c.Shape != tape.Unknown {
		return c.Shape == tape.Unary
	}
	return shapeOf(s, c.Method, tape.Unknown) == tape.Unary
}

// unary writes a unary call, unless there is nothing to answer or with.
func (out *replayWriter) unary(c *tape.Call) error {
	var sent, received, end *tape.Event
	for i := range c.Events {
		switch e := &c.Events[i]; e.Kind {
		case tape.Send:
			sent = e
		case tape.Recv:
			received = e
		case tape.End:
			end = e
		case tape.Cancel:
			end = cancelled(c, e)
		}
	}
	if sent == nil || end == nil || (received == nil && !failed(&end.Status)) {
		return nil
	}
	in, to := out.schema.Input(c.Method), out.schema.Output(c.Method)
	ref := out.entries + 1
	if err := out.entry(outEntry{kind: request, method: c.Method, typ: in, message: sent.Message}); err != nil {
		return err
	}
	answer := outEntry{kind: response, ref: ref, typ: to}
	if failed(&end.Status) {
		answer.status = &end.Status
	} else {
		answer.message = received.Message
	}
	return out.entry(answer)
}

// cancelled returns how a call that its client gave up ended for that client.
func cancelled(c *tape.Call, e *tape.Event) *tape.Event {
	status := tape.Status{Code: 1, Message: "context canceled"}
	if c.Timeout > 0 && e.At-c.Start >= c.Timeout {
		status = tape.Status{Code: 4, Message: "context deadline exceeded"}
	}
	return &tape.Event{Kind: tape.End, Status: status}
}

// stream writes a call of any other shape.
func (out *replayWriter) stream(c *tape.Call) error {
	ref := out.entries + 1
	create := outEntry{kind: createStream, method: c.Method}
	if end := c.Ended(); end != nil && end.Status.Refused && failed(&end.Status) {
		create.status = &end.Status
		return out.entry(create)
	}
	if err := out.entry(create); err != nil {
		return err
	}
	in, to := out.schema.Input(c.Method), out.schema.Output(c.Method)
	answered := false
	for i := range c.Events {
		e := &c.Events[i]
		if e.Kind == tape.Cancel && c.Ended() == nil {
			e = cancelled(c, e)
		}
		line := outEntry{ref: ref, message: e.Message}
		switch e.Kind {
		case tape.Send:
			line.kind, line.typ = send, in
		case tape.Recv:
			line.kind, line.typ = recv, to
		case tape.End:
			if answered && c.Shape == tape.ClientStream && !failed(&e.Status) {
				continue // nobody receives again after the one response
			}
			line.kind, line.status = recv, &e.Status
		default:
			continue
		}
		answered = answered || e.Kind == tape.Recv
		if err := out.entry(line); err != nil {
			return err
		}
	}
	return nil
}

// An outEntry is an entry to write: a message of a type, or a status. The OK of
// a status is io.EOF in the form.
type outEntry struct {
	kind    int
	method  string
	typ     protoreflect.MessageDescriptor
	message []byte
	status  *tape.Status
	ref     int
}

// maxRecord is how long a record grpcreplay reads.
const maxRecord = 64 << 20

func (out *replayWriter) entry(e outEntry) error {
	out.entries++
	if e.ref > math.MaxInt32 {
		return fmt.Errorf("it begins at entry %d, and rpcreplay counts to %d only", e.ref, math.MaxInt32)
	}
	b := appendVarint(out.buf[:0], entryKind, uint64(e.kind))
	b = appendBytes(b, entryMethod, e.method)
	switch {
	case e.status != nil && failed(e.status):
		b = appendAny(b, entryMessage, typePrefix+statusType, appendStatus(nil, e.status))
	case e.status == nil && e.typ != nil:
		b = appendAny(b, entryMessage, typePrefix+string(e.typ.FullName()), e.message)
	}
	if e.status != nil {
		b = appendVarint(b, entryIsError, 1)
	}
	out.buf = appendVarint(b, entryRef, uint64(e.ref))
	return out.record(out.buf)
}

func (out *replayWriter) record(b []byte) error {
	if len(b) > maxRecord {
		return fmt.Errorf("a record has %d bytes, and grpcreplay reads at most %d", len(b), maxRecord)
	}
	var size [4]byte
	binary.LittleEndian.PutUint32(size[:], uint32(len(b)))
	if _, err := out.w.Write(size[:]); err != nil {
		return err
	}
	_, err := out.w.Write(b)
	return err
}

// failed tells whether a status is an error.
func failed(s *tape.Status) bool { return s.Code != 0 || s.Plain }

// appendStatus appends a google.rpc.Status. An error that was no status
// becomes one of the code that gRPC gives such errors, Unknown.
func appendStatus(b []byte, s *tape.Status) []byte {
	code := s.Code
	if s.Plain {
		code = 2
	}
	b = appendVarint(b, 1, uint64(int64(int32(code))))
	b = appendBytes(b, 2, strings.ToValidUTF8(s.Message, "\uFFFD"))
	for _, d := range s.Details {
		b = appendAny(b, 3, d.Type, d.Value)
	}
	return b
}

func appendAny(b []byte, number protowire.Number, url string, value []byte) []byte {
	message := appendBytes(appendBytes(nil, 1, url), 2, value)
	return protowire.AppendBytes(protowire.AppendTag(b, number, nested), message)
}

// appendBytes and appendVarint leave out what holds nothing.
func appendBytes[T string | []byte](b []byte, number protowire.Number, value T) []byte {
	if len(value) == 0 {
		return b
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, number, nested), uint64(len(value)))
	return append(b, value...)
}

func appendVarint(b []byte, number protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, number, varint), n)
}
