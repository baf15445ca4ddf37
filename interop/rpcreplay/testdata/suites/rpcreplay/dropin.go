// The drop-in in the place of what the original's tests test.

package rpcreplay

import (
	"bytes"

	ours "github.com/rehearse-go/rehearse/compat/rpcreplay"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

type (
	Recorder = ours.Recorder
	Replayer = ours.Replayer
)

var (
	NewRecorder       = ours.NewRecorder
	NewRecorderWriter = ours.NewRecorderWriter
	NewReplayer       = ours.NewReplayer
	NewReplayerReader = ours.NewReplayerReader
)

// readHeader is the original's, of what the drop-in recorded, exported.
func readHeader(b *bytes.Buffer) ([]byte, error) {
	rec, err := grpcreplay.Read(b)
	if err != nil {
		return nil, err
	}
	b.Reset()
	if err := rec.Write(b, grpcreplay.RPCReplay); err != nil {
		return nil, err
	}
	return originalreadHeader(b)
}
