// An entry of rpcreplay's forms.

package foreign

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The kinds of entries, in both packages' Entry.Kind.
const (
	request      = 1
	response     = 2
	createStream = 3
	send         = 4
	recv         = 5
)

var kindNames = [...]string{"TYPE_UNSPECIFIED", "REQUEST", "RESPONSE", "CREATE_STREAM", "SEND", "RECV"}

// The fields of an Entry.
const (
	entryKind    protowire.Number = 1
	entryMethod  protowire.Number = 2
	entryMessage protowire.Number = 3
	entryIsError protowire.Number = 4
	entryRef     protowire.Number = 5
	entryRaw     protowire.Number = 6 // grpcreplay only, since v1.5
)

const statusType = "google.rpc.Status"

// An entry is one Entry of a file.
type entry struct {
	kind    int32
	method  string
	message *tape.Any // nil if there is none
	raw     []byte
	isError bool
	ref     int32
}

// parseEntry reads an Entry's bytes.
func parseEntry(b []byte) (e entry, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(entryKind, varint):
			e.kind = int32(f.n)
		case f.is(entryMethod, nested):
			e.method = string(f.b)
		case f.is(entryMessage, nested):
			message, err := parseAny(f.b)
			e.message = &message
			return err
		case f.is(entryIsError, varint):
			e.isError = f.n != 0
		case f.is(entryRef, varint):
			e.ref = int32(f.n)
		case f.is(entryRaw, nested):
			e.raw = f.b
		}
		return nil
	})
	return e, err
}

// bytes returns the message's bytes on the wire. An empty message of either
// sort may have left no trace in the file.
func (e *entry) bytes() []byte {
	if e.message != nil {
		return e.message.Value
	}
	return e.raw
}

// typeName is a type's full name: what follows the last slash of its URL.
func typeName(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
