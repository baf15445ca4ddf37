// Printing recordings.

package grpcreplay

import (
	"io"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// Fprint prints a recording, the initial bytes first, in rehearse's text form.
// It needs the recording's types only if the recording is go-replayers' text.
func Fprint(w io.Writer, filename string) error { return grpcreplay.Fprint(w, filename) }

// FprintReader is Fprint for what is no file.
func FprintReader(w io.Writer, r io.Reader) error { return grpcreplay.FprintReader(w, r) }
