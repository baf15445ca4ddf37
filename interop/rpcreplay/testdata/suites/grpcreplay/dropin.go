// The drop-in in the place of what the original's tests test.

package grpcreplay

import (
	"bytes"
	"io"

	ours "github.com/rehearse-go/rehearse/compat/grpcreplay"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

type (
	Recorder        = ours.Recorder
	RecorderOptions = ours.RecorderOptions
	Replayer        = ours.Replayer
	ReplayerOptions = ours.ReplayerOptions
)

var (
	NewRecorder       = ours.NewRecorder
	NewRecorderWriter = ours.NewRecorderWriter
	NewReplayer       = ours.NewReplayer
	NewReplayerReader = ours.NewReplayerReader
)

// newReader is the original's reader of what the drop-in recorded, exported.
func newReader(r io.Reader, file string) (reader, error) {
	rec, err := grpcreplay.Read(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := rec.Write(&b, grpcreplay.RPCReplay); err != nil {
		return nil, err
	}
	return originalnewReader(&b, file)
}
