// Clients that ask whether the connection still stands.

package grpcreplay_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// Frames of HTTP/2 (RFC 9113, section 6).
const (
	settingsFrame, pingFrame, goAwayFrame = 4, 6, 7
	acknowledges                          = 1
)

// A server of gRPC's hangs up on the third ping within five minutes, unless it
// is told otherwise; the real service may have been.
func TestClientsMayPingAsOftenAsTheyLike(t *testing.T) {
	var config net.ListenConfig
	s, err := grpcreplay.New(grpcreplay.Config{
		File: t.TempDir() + "/a.journal", Mode: grpcreplay.ModeAll, Target: "127.0.0.1:1", Listen: config.Listen,
	})
	s = must(t, s, err)
	defer s.Close()
	c, err := net.Dial("tcp", s.Addr())
	c = must(t, c, err)
	defer c.Close()
	io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	c.Write([]byte{0, 0, 0, settingsFrame, 0, 0, 0, 0, 0})
	for range 10 {
		_, err := c.Write([]byte{0, 0, 8, pingFrame, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})
		must(t, 0, err)
	}
	for answered := 0; answered < 10; {
		head := make([]byte, 9)
		_, err := io.ReadFull(c, head)
		must(t, 0, err)
		_, err = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head)>>8))
		must(t, 0, err)
		switch {
		case head[3] == goAwayFrame:
			t.Fatalf("the connection is ended after %d pings", answered)
		case head[3] == pingFrame && head[4] == acknowledges:
			answered++
		}
	}
}
