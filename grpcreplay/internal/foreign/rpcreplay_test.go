// The traps of rpcreplay's form: what its entries leave out, and what no file may do.

package foreign_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The kinds of entries.
const (
	request = iota + 1
	response
	create
	send
	recv
)

// An entry is an Entry to be written: a string's message, a status, raw bytes.
type entry struct {
	kind   int
	method string
	value  string
	status *tape.Status
	raw    string
	isErr  bool
	ref    int
	extra  []byte
}

func (e entry) wire() []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(e.kind))
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), e.method)
	switch {
	case e.status != nil:
		s := protowire.AppendVarint([]byte{0x08}, uint64(e.status.Code))
		s = protowire.AppendString(append(s, 0x12), e.status.Message)
		b = appendAny(b, "type.googleapis.com/google.rpc.Status", s)
	case e.raw != "":
		b = protowire.AppendString(append(b, 0x32), e.raw)
	case e.value != "":
		b = appendAny(b, "type.googleapis.com/google.protobuf.StringValue", wireOf(e.value))
	}
	if e.status != nil || e.isErr {
		b = append(b, 0x20, 1)
	}
	b = protowire.AppendVarint(append(b, 0x28), uint64(e.ref))
	return append(b, e.extra...)
}

func appendAny(b []byte, url string, value []byte) []byte {
	a := protowire.AppendString([]byte{0x0a}, url)
	a = protowire.AppendBytes(append(a, 0x12), value)
	return protowire.AppendBytes(append(b, 0x1a), a)
}

// file returns a file of these entries.
func file(entries ...entry) []byte {
	b := []byte("RPCReplay\x00\x00\x00\x00")
	for _, e := range entries {
		wire := e.wire()
		b = binary.LittleEndian.AppendUint32(b, uint32(len(wire)))
		b = append(b, wire...)
	}
	return b
}

const (
	get  = "/sample.v1.Store/Get"
	list = "/sample.v1.Store/List"
	put  = "/sample.v1.Store/Put"
	chat = "/sample.v1.Store/Chat"
	said = "/other.Service/Said" // not in the schema
)

func TestTheTrapsOfTheForm(t *testing.T) {
	lost, gone := &tape.Status{Code: 15, Message: "lost"}, &tape.Status{Code: 14, Message: "gone"}
	for _, test := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"a request without response is in flight", []entry{
			{kind: request, method: said, value: "a"}, {kind: request, method: said, value: "b"},
			{kind: response, ref: 2, value: "B"},
		}, "1 /other.Service/Said unary\n  send \"b\"\n  close\n  recv \"B\"\n  end 0 \"\"\n" +
			"2 /other.Service/Said unary\n  send \"a\"\n  close\n"},
		{"equal calls stand in the order of their responses", []entry{
			{kind: request, method: said, value: "a"}, {kind: request, method: said, value: "a"},
			{kind: response, ref: 2, value: "first"}, {kind: response, ref: 1, value: "second"},
		}, "1 /other.Service/Said unary\n  send \"a\"\n  close\n  recv \"first\"\n  end 0 \"\"\n" +
			"2 /other.Service/Said unary\n  send \"a\"\n  close\n  recv \"second\"\n  end 0 \"\"\n"},
		{"a stream may not be created", []entry{{kind: create, method: chat, status: gone}},
			"1 /sample.v1.Store/Chat bidi\n  end 14 \"gone\"\n"},
		{"a stream is in flight until it ends", []entry{{kind: create, method: chat}, {kind: send, ref: 1, value: "a"}},
			"1 /sample.v1.Store/Chat bidi\n  send \"a\"\n  header\n"},
		{"calls interleave, and a receive may come before its send", []entry{
			{kind: create, method: chat}, {kind: create, method: list}, {kind: recv, ref: 1, value: "re: a"},
			{kind: send, ref: 2, value: "x"}, {kind: send, ref: 1, value: "a"}, {kind: recv, ref: 2, isErr: true},
		}, "1 /sample.v1.Store/Chat bidi\n  recv \"re: a\"\n  send \"a\"\n" +
			"2 /sample.v1.Store/List server-stream\n  send \"x\"\n  close\n  end 0 \"\"\n"},
		{"an empty raw message leaves nothing", []entry{
			{kind: create, method: said}, {kind: send, ref: 1}, {kind: recv, ref: 1},
			{kind: recv, ref: 1, raw: "\x0a\x01r"},
		}, "1 /other.Service/Said bidi\n  send \"\"\n  recv \"\"\n  recv \"r\"\n"},
		{"a send that failed ends the stream, unless the stream says how it ended", []entry{
			{kind: create, method: chat}, {kind: create, method: chat},
			{kind: send, ref: 1, status: gone}, {kind: send, ref: 2, status: gone}, {kind: recv, ref: 2, status: lost},
		}, "1 /sample.v1.Store/Chat bidi\n  end 14 \"gone\"\n2 /sample.v1.Store/Chat bidi\n  end 15 \"lost\"\n"},
		{"a send into a stream that is over is no message", []entry{
			{kind: create, method: chat}, {kind: recv, ref: 1, status: lost}, {kind: send, ref: 1, isErr: true},
			{kind: recv, ref: 1, status: gone},
		}, "1 /sample.v1.Store/Chat bidi\n  end 15 \"lost\"\n  close\n"},
		{"a send that is told late comes before the end", []entry{
			{kind: create, method: chat}, {kind: recv, ref: 1, isErr: true}, {kind: send, ref: 1, value: "a"},
		}, "1 /sample.v1.Store/Chat bidi\n  send \"a\"\n  end 0 \"\"\n"},
		{"a client stream's message is its end", []entry{
			{kind: create, method: put}, {kind: send, ref: 1, value: "a"}, {kind: recv, ref: 1, value: "A"},
		}, "1 /sample.v1.Store/Put client-stream\n  send \"a\"\n  recv \"A\"\n  end 0 \"\"\n"},
		{"unknown fields are passed over", []entry{
			{kind: request, method: said, value: "a", extra: []byte("\x3a\x01x\x41abcdefgh\x4b\x4c")},
			{kind: response, ref: 1, status: gone},
		}, "1 /other.Service/Said unary\n  send \"a\"\n  close\n  end 14 \"gone\"\n"},
		{"nothing was called", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tp := read(t, file(test.entries...), samples(t))
			same(t, tell(t, tp), test.want)
		})
	}
}

func TestNineBytesAreARecordingWhoseProcessDied(t *testing.T) {
	for _, b := range []string{"RPCReplay", "RPCReTxt1"} {
		if tp := read(t, []byte(b), nil); tp.Len() != 0 || !tp.Head.Lenient {
			t.Errorf("%q holds %d calls, and its head is %+v", b, tp.Len(), tp.Head)
		}
	}
}

func TestWhatAStreamRefusedAndWhatWasRawIsKept(t *testing.T) {
	gone := &tape.Status{Code: 14, Message: "gone"}
	tp := read(t, file(entry{kind: create, method: chat, status: gone}, entry{kind: create, method: said},
		entry{kind: recv, ref: 2, raw: "\x0a\x01r"}), samples(t))
	if end := tp.Call(0).Ended(); end == nil || !end.Status.Refused {
		t.Errorf("the end of a stream that was not opened is %+v", end)
	}
	if tp.Head.Source != "grpcreplay" {
		t.Errorf("raw messages are of grpcreplay, not of %q", tp.Head.Source)
	}
}

func TestDamagedEntriesAreFaults(t *testing.T) {
	for _, test := range []struct {
		b      []byte
		offset int64
		want   string
	}{
		{[]byte("RPCReplay\xff\xff\xff\xff"), 9, "4294967295 bytes, more than the 67108864 allowed"},
		{[]byte("RPCReplay\x01\x00\x00\x04abc"), 9, "more than the 67108864 allowed"},
		{[]byte("RPCReplay\x04\x00\x00\x00abc"), 9, "3 of its 4 bytes are there"},
		{[]byte("RPCReplay\x00\x00"), 9, "2 of 4 bytes"},
		{append(file(), "\x01\x00\x00\x00"...), 13, "0 of its 1 bytes are there"},
		{append(file(), "\x01\x00\x00\x00\x08"...), 13, "entry 1 cannot be read"},
		{append(file(), "\x00\x00\x00\x00"...), 13, "of kind 0"},
		{file(entry{kind: 6}), 13, "of kind 6: this version knows 1 to 5"},
		{file(entry{kind: request, value: "a"}), 13, "names no method"},
		{file(entry{kind: create}), 13, "names no method"},
		{file(entry{kind: request, method: said}), 13, "a REQUEST, has no message"},
		{file(entry{kind: create, method: said, isErr: true, value: "a"}), 13, `of type "google.protobuf.StringValue"`},
		{file(entry{kind: response, ref: 1, value: "a"}), 13, "refers to entry 1, which is no open REQUEST"},
		{file(entry{kind: send, ref: -1, value: "a"}), 13, "refers to entry -1, which is no open CREATE_STREAM"},
		{file(entry{kind: create, method: said}, entry{kind: response, ref: 1, value: "a"}), 42, "no open REQUEST"},
		{file(entry{kind: create, method: said}, entry{kind: recv, ref: 2}), 42, "no open CREATE_STREAM"},
	} {
		_, err := foreign.Read(test.b, nil, tape.Limits{})
		checkFault(t, err)
		fault, ok := err.(*tape.FormatError)
		if !ok || fault.Offset != test.offset || !strings.Contains(fault.Msg, test.want) {
			t.Errorf("%q gives %v, want %q at byte %d", test.b, err, test.want, test.offset)
		}
	}
}

func TestAResponseIsGivenOnce(t *testing.T) {
	b := file(entry{kind: request, method: said, value: "a"}, entry{kind: response, ref: 1, value: "a"},
		entry{kind: response, ref: 1, value: "b"})
	if _, err := foreign.Read(b, nil, tape.Limits{}); err == nil || !strings.Contains(err.Error(), "no open REQUEST") {
		t.Errorf("a second response gives %v", err)
	}
}

// Of a stream that nobody knows the shape of, the recording says whether it
// ended: one response may be all that there was to receive.
func TestAStreamOfUnknownShapeEndsWithItsOnlyResponse(t *testing.T) {
	one := []entry{{kind: create, method: said}, {kind: send, value: "a", ref: 1}, {kind: recv, value: "b", ref: 1}}
	for _, test := range []struct {
		what string
		more []entry
		ends bool
	}{
		{"alone", nil, true},
		{"another that failed", []entry{
			{kind: create, method: said}, {kind: recv, status: &tape.Status{Code: 5}, ref: 4},
		}, true},
		{"another with two responses", []entry{
			{kind: create, method: said}, {kind: recv, value: "b", ref: 4}, {kind: recv, value: "c", ref: 4},
		}, false},
		{"another that was received to its end", []entry{
			{kind: create, method: said}, {kind: recv, value: "b", ref: 4}, {kind: recv, isErr: true, ref: 4},
		}, false},
	} {
		tp := read(t, file(append(one, test.more...)...), samples(t))
		end := tp.Call(0).Ended()
		if (end != nil) != test.ends || end != nil && end.Status.Code != 0 {
			t.Errorf("%s: the stream ends with %+v", test.what, end)
		}
	}
}

func TestNothingIsReceivedAfterAClientStreamsResponse(t *testing.T) {
	sent := file(entry{kind: create, method: put},
		entry{kind: send, value: "a", ref: 1}, entry{kind: recv, value: "b", ref: 1})
	tp := read(t, sent, samples(t))
	if tp.Call(0).Ended() == nil {
		t.Error("the call did not end")
	}
	again := write(t, tp, samples(t))
	if len(again) > len(sent) {
		t.Errorf("three entries are written as\n%q", again)
	}
}
