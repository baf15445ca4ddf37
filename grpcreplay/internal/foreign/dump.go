// Reading what grpc-dump of grpc-tools prints.

package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A dumpCall is a line of grpc-dump: internal.RPC of grpc-tools v0.2.7. Older
// versions lack the response's metadata.
type dumpCall struct {
	Service  string              `json:"service"`
	Method   string              `json:"method"`
	Messages []json.RawMessage   `json:"messages"` // a dumpMessage each
	Error    *dumpStatus         `json:"error"`
	Metadata map[string][]string `json:"metadata"`
	Headers  map[string][]string `json:"metadata_response_headers"`
	Trailers map[string][]string `json:"metadata_response_trailers"`
}

type dumpMessage struct {
	Origin  string          `json:"message_origin"`
	Raw     []byte          `json:"raw_message"`
	Message json.RawMessage `json:"message"`
	Time    time.Time       `json:"timestamp"`
}

type dumpStatus struct {
	Code    dumpCode `json:"code"`
	Message string   `json:"message"`
}

// A dumpCode is a status code by its name in Go, or, as before v0.2.0, by its
// number.
type dumpCode uint32

var codeNames = []string{
	"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
	"PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
	"Internal", "Unavailable", "DataLoss", "Unauthenticated",
}

// UnmarshalJSON reads a code in either form.
func (c *dumpCode) UnmarshalJSON(b []byte) error {
	name := strings.Trim(string(b), `"`)
	if i := slices.Index(codeNames, name); i >= 0 {
		*c = dumpCode(i)
		return nil
	}
	number := strings.TrimSuffix(strings.TrimPrefix(name, "Code("), ")")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return fmt.Errorf("%.40s is no status code", b)
	}
	*c = dumpCode(n)
	return nil
}

// readDump reads calls until the file ends. They may spread over several
// lines, as they do in fixtures that people wrote.
func readDump(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	d := dump{program: program, limit: limits.Message}
	dec := json.NewDecoder(bytes.NewReader(b))
	line, counted := 1, 0
	for {
		from := int(dec.InputOffset())
		from += len(b[from:]) - len(bytes.TrimLeft(b[from:], " \t\r\n"))
		line += bytes.Count(b[counted:from], []byte("\n"))
		counted = from
		var c dumpCall
		err := dec.Decode(&c)
		if err == io.EOF {
			return d.finish()
		}
		if err == nil {
			err = d.add(&c)
		}
		if err != nil {
			line += bytes.Count(b[from:faultOffset(err, from, len(b))], []byte("\n"))
			return nil, place{line: line}.fault("call %d of the dump: %v", len(d.calls)+1, err)
		}
	}
}

// faultOffset returns where in the file an error of JSON is.
func faultOffset(err error, from, size int) int {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	offset := int64(from)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typ):
		offset += typ.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(size)
	}
	return int(min(max(offset, int64(from)), int64(size)))
}

// A dump is a file of grpc-dump's that is being read.
type dump struct {
	program *schema.Set
	limit   int64
	calls   []*tape.Call

	epoch    time.Time     // the first time in it
	earliest time.Duration // after the epoch; not positive
}

// add takes a call. The order of its messages is that of the file, which is
// that of the proxy.
func (d *dump) add(rpc *dumpCall) error {
	if rpc.Service == "" || rpc.Method == "" {
		return errors.New("it names no service or no method")
	}
	c := &tape.Call{Method: "/" + rpc.Service + "/" + rpc.Method}
	c.Shape = shapeOf(d.program, c.Method, tape.Unknown)
	c.Pairs = dumpPairs(rpc.Metadata)
	if a := rpc.Metadata[":authority"]; len(a) > 0 {
		c.Authority = a[0]
	}
	c.Codec = codecOf(rpc.Metadata["content-type"])
	if err := d.addMessages(c, rpc); err != nil {
		return err
	}
	c.Events = append(c.Events, rpc.end())
	c.Comments = garbled(c)
	d.calls = append(d.calls, c)
	return nil
}

// addMessages adds the messages, and the header before the server's first.
// While the call is read its times are those of its events.
func (d *dump) addMessages(c *tape.Call, rpc *dumpCall) error {
	header := tape.Event{Kind: tape.Header, Pairs: dumpPairs(rpc.Headers)}
	headed := false
	for i, text := range rpc.Messages {
		var m dumpMessage
		err := json.Unmarshal(text, &m)
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", i+1, c.Method, err)
		}
		e := tape.Event{At: d.since(m.Time)}
		if e.Kind, e.Message, err = d.message(c, &m); err != nil {
			return fmt.Errorf("message %d of %s: %w", i+1, c.Method, err)
		}
		if e.Kind == tape.Recv && !headed {
			header.At, headed = e.At, true
			c.Events = append(c.Events, header)
		}
		c.Events = append(c.Events, e)
		if e.Kind == tape.Send && i == 0 && c.Shape.OneRequest() {
			c.Events = append(c.Events, tape.Event{Kind: tape.CloseSend, At: e.At})
		}
	}
	if !headed && len(header.Pairs) > 0 {
		c.Events = append(c.Events, header)
	}
	return nil
}

// since returns how long after the first time in the file t is, 0 if that is
// not known. Lines are written at the ends of calls: a later line may have
// begun earlier, and finish moves all of them.
func (d *dump) since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	if d.epoch.IsZero() {
		d.epoch = t
	}
	at := t.Sub(d.epoch)
	d.earliest = min(d.earliest, at)
	return at
}

// end returns the call's end: a line is written when the call is over.
func (rpc *dumpCall) end() tape.Event {
	e := tape.Event{Kind: tape.End, Pairs: dumpPairs(rpc.Trailers)}
	if rpc.Error != nil {
		e.Status = tape.Status{Code: uint32(rpc.Error.Code), Message: rpc.Error.Message}
	}
	return e
}

// message returns a message's bytes. As in grpc-fixture, one that was edited as
// JSON wins over the bytes beside it.
func (d *dump) message(c *tape.Call, m *dumpMessage) (kind tape.Kind, wire []byte, err error) {
	var md protoreflect.MessageDescriptor
	switch m.Origin {
	case "client":
		kind, md = tape.Send, d.program.Input(c.Method)
	case "server":
		kind, md = tape.Recv, d.program.Output(c.Method)
	default:
		return 0, nil, fmt.Errorf("message_origin is %q, neither client nor server", m.Origin)
	}
	if int64(max(len(m.Raw), len(m.Message))) > d.limit {
		return 0, nil, fmt.Errorf("it has more than the %d bytes allowed: raise Limits.Message", d.limit)
	}
	text := string(m.Message)
	if text == "" || text == "null" || c.Codec != "" || m.Raw == nil && text == "{}" {
		return kind, m.Raw, nil
	}
	if m.Raw != nil && (md == nil || undecoded(m.Message)) {
		return kind, m.Raw, nil
	}
	if md == nil {
		return 0, nil, errors.New("it has no raw_message, and its type is not known: " +
			"import the package that defines it, or pass a set of descriptors that holds it")
	}
	wire, err = d.program.Wire(md, m.Message)
	if m.Raw != nil && (err != nil || d.equal(md, m.Raw, wire)) {
		return kind, m.Raw, nil
	}
	return kind, wire, err
}

// undecoded tells whether a message's JSON is what grpc-dump makes of one whose
// type it does not know: fields under their numbers.
func undecoded(text []byte) bool {
	var byName map[string]json.RawMessage
	if json.Unmarshal(text, &byName) != nil {
		return false
	}
	for name := range byName {
		if _, err := strconv.ParseUint(name, 10, 32); err != nil {
			return false
		}
	}
	return true
}

// equal tells whether two messages of a type hold the same.
func (d *dump) equal(md protoreflect.MessageDescriptor, a, b []byte) bool {
	canon := d.program.Canon(md, nil)
	return bytes.Equal(canon.Append(nil, a), canon.Append(nil, b))
}

// dumpPairs returns metadata without what the transport put there.
func dumpPairs(metadata map[string][]string) (pairs []tape.Pair) {
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if ofTransport(key) {
			continue
		}
		for _, value := range metadata[key] {
			pairs = append(pairs, tape.Pair{Key: strings.ToLower(key), Value: value})
		}
	}
	slices.SortStableFunc(pairs, func(a, b tape.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs
}

// garbled names the metadata that grpc-dump could not write down: JSON has no
// place for bytes that are no text, which the values of "-bin" keys may be.
func garbled(c *tape.Call) (comments []string) {
	note := func(pairs []tape.Pair) {
		for _, p := range pairs {
			if strings.HasSuffix(p.Key, "-bin") && strings.Contains(p.Value, "\uFFFD") {
				comments = append(comments, " grpc-dump has garbled the value of "+p.Key)
			}
		}
	}
	note(c.Pairs)
	for i := range c.Events {
		note(c.Events[i].Pairs)
	}
	return comments
}

// ofTransport tells whether a key is HTTP's or gRPC's own; gRPC's binary log
// leaves the same ones out. grpc-dump adds "forwarded" and "via".
func ofTransport(key string) bool {
	switch key {
	case "content-type", "content-encoding", "user-agent", "te", "trailer", "forwarded", "via", "lb-token":
		return true
	case "grpc-trace-bin":
		return false
	}
	return strings.HasPrefix(key, ":") || strings.HasPrefix(key, "grpc-")
}

// codecOf returns the content-subtype: of "application/grpc+json" json, and ""
// for proto.
func codecOf(contentType []string) string {
	if len(contentType) == 0 {
		return ""
	}
	_, subtype, _ := strings.Cut(contentType[0], "+")
	subtype, _, _ = strings.Cut(subtype, ";")
	if subtype == "proto" || !strings.HasPrefix(contentType[0], "application/grpc") {
		return ""
	}
	return subtype
}

// finish returns the tape, with times since the earliest.
func (d *dump) finish() (*tape.Tape, error) {
	t := &tape.Tape{Head: tape.Head{Source: string(GRPCTools), Lenient: true}}
	var methods []string
	for i, c := range d.calls {
		c.Number = i + 1
		for n := range c.Events {
			at := &c.Events[n].At
			if *at = max(0, *at-d.earliest); n == len(c.Events)-1 && n > 0 {
				*at = c.Events[n-1].At
			}
		}
		c.Start = c.Events[0].At
		methods = append(methods, c.Method)
		t.Add(c)
	}
	t.Schema = d.program.Used(methods, nil)
	return t, nil
}
