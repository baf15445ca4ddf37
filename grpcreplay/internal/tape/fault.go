// What is wrong with a file that is no recording.

package tape

import "fmt"

// A FormatError says what is wrong with a recording, where, and what to do.
// Every reader of a form returns it for bytes that it does not understand.
type FormatError struct {
	Line   int   // in a text form, from 1; 0 in a binary one
	Offset int64 // in a binary form
	Msg    string
}

// Error says where and what.
func (e *FormatError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
	}
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Msg)
}

// Limits bound what a reader takes in. Zero fields stand for the defaults.
type Limits struct {
	Message int64 // bytes of one message; 64 MiB
	File    int64 // bytes of a whole file, decompressed; 1 GiB
}

// Or returns the limits with defaults for what is zero.
func (l Limits) Or() Limits {
	if l.Message == 0 {
		l.Message = 64 << 20
	}
	if l.File == 0 {
		l.File = 1 << 30
	}
	return l
}
