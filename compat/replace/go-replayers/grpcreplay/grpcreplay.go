// The names of the original, forwarded.

package grpcreplay

import (
	"io"

	"github.com/rehearse-go/rehearse/compat/grpcreplay"
)

// What programs use of the original.
type (
	Recorder        = grpcreplay.Recorder
	RecorderOptions = grpcreplay.RecorderOptions
	Replayer        = grpcreplay.Replayer
	ReplayerOptions = grpcreplay.ReplayerOptions
)

// NewRecorder returns a recorder to a file.
func NewRecorder(filename string, opts *RecorderOptions) (*Recorder, error) {
	return grpcreplay.NewRecorder(filename, opts)
}

// NewRecorderWriter returns a recorder to w.
func NewRecorderWriter(w io.Writer, opts *RecorderOptions) (*Recorder, error) {
	return grpcreplay.NewRecorderWriter(w, opts)
}

// NewReplayer returns a replayer of a file.
func NewReplayer(filename string, opts *ReplayerOptions) (*Replayer, error) {
	return grpcreplay.NewReplayer(filename, opts)
}

// NewReplayerReader returns a replayer of what is no file.
func NewReplayerReader(r io.Reader, opts *ReplayerOptions) (*Replayer, error) {
	return grpcreplay.NewReplayerReader(r, opts)
}

// Fprint prints a recording.
func Fprint(w io.Writer, filename string) error { return grpcreplay.Fprint(w, filename) }

// FprintReader prints what is no file.
func FprintReader(w io.Writer, r io.Reader) error { return grpcreplay.FprintReader(w, r) }
