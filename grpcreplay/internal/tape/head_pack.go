// The packed form of a head, written and read.

package tape

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// The packed form of a head is this message, as that of a call is.
//
//	message Head {
//	  uint64 version = 1;           bytes initial = 2;            string source = 3;
//	  bool lenient = 4;             repeated string metadata = 5; repeated string ignore = 6;
//	  repeated string redact = 7;   repeated string comments = 8;
//	}
const (
	headVersion, headInitial, headSource, headLenient  = 1, 2, 3, 4
	headMetadata, headIgnore, headRedact, headComments = 5, 6, 7, 8
)

// AppendHead appends a head's packed form to b. Its version is Version: that
// is what is written, whatever was read.
func AppendHead(b []byte, h Head) []byte {
	b = appendNumber(b, headVersion, Version)
	b = appendString(b, headInitial, string(h.Initial))
	b = appendString(b, headSource, h.Source)
	b = appendNumber(b, headLenient, protowire.EncodeBool(h.Lenient))
	for i, lines := range [][]string{h.Metadata, h.Ignore, h.Redact, h.Comments} {
		for _, line := range lines {
			b = protowire.AppendTag(b, headMetadata+protowire.Number(i), protowire.BytesType)
			b = protowire.AppendString(b, line)
		}
	}
	return b
}

// ParseHead unpacks a head. It errs on one of a later version.
func ParseHead(b []byte) (h Head, err error) {
	field, n, v, b := next(b)
	for ; field != 0; field, n, v, b = next(b) {
		switch field {
		case headVersion:
			if n > Version {
				return Head{}, fmt.Errorf("it is a recording of version %d, and this program reads versions up to %d: "+
					"take a newer one", n, Version)
			}
			h.Version = int(n)
		case headInitial:
			h.Initial = slices.Clone(v)
		case headSource:
			h.Source = string(v)
		case headLenient:
			h.Lenient = n != 0
		case headMetadata:
			h.Metadata = append(h.Metadata, string(v))
		case headIgnore:
			h.Ignore = append(h.Ignore, string(v))
		case headRedact:
			h.Redact = append(h.Redact, string(v))
		case headComments:
			h.Comments = append(h.Comments, string(v))
		}
	}
	if err := ended(b); err != nil {
		return Head{}, err
	}
	return h, nil
}
