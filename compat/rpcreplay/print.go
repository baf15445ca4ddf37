// Printing recordings.

package rpcreplay

import (
	"io"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// Fprint prints a recording, the initial bytes first, in grpcreplay's text
// form. It needs none of the recording's types.
func Fprint(w io.Writer, filename string) error { return grpcreplay.Fprint(w, filename) }

// FprintReader is Fprint for what is no file.
func FprintReader(w io.Writer, r io.Reader) error { return grpcreplay.FprintReader(w, r) }
