// Frames and headers, as clients and strangers send them.

package wire_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryRequestOfEveryVersionComesBackAsItWasSent(t *testing.T) {
	client := "a client"
	for key := range int16(kmsg.MaxKey + 1) {
		req := kmsg.RequestForKey(key)
		if req == nil {
			continue
		}
		for version := range req.MaxVersion() + 1 {
			req.SetVersion(version)
			sent := wire.AppendRequest(nil, wire.Header{Correlation: 7, ClientID: &client}, req)
			frame, err := wire.ReadFrame(bufio.NewReader(bytes.NewReader(sent)), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			h, rest, err := wire.ParseHeader(frame)
			if err != nil {
				t.Fatalf("%s: %v", h.Name(), err)
			}
			if key == int16(kmsg.ControlledShutdown) && version == 0 {
				continue // its header has no client id, which AppendRequest always writes
			}
			got, err := wire.ParseBody(h, rest)
			if err != nil {
				t.Fatalf("%s: %v", h.Name(), err)
			}
			if *h.ClientID != client || h.Correlation != 7 || !bytes.Equal(got.AppendTo(nil), req.AppendTo(nil)) {
				t.Errorf("%s came back as something else", h.Name())
			}
		}
	}
}

func TestAResponseOfEveryVersionIsReadBack(t *testing.T) {
	for key := range int16(kmsg.MaxKey + 1) {
		req := kmsg.RequestForKey(key)
		if req == nil {
			continue
		}
		for version := range req.MaxVersion() + 1 {
			req.SetVersion(version)
			resp := req.ResponseKind()
			sent := wire.AppendResponse(nil, 9, resp)
			correlation, err := wire.ParseResponse(sent[4:], req.ResponseKind())
			if err != nil || correlation != 9 {
				t.Errorf("%s v%d: correlation %d, %v", kmsg.NameForKey(key), version, correlation, err)
			}
		}
	}
}

func TestAStrangersFrameIsRefusedByItsLength(t *testing.T) {
	rows := []struct{ name, sent, want string }{
		{"HTTP", "GET / HTTP/1.1\r\n", "HTTP"},
		{"TLS", "\x16\x03\x01\x02\x00\x01", "TLS"},
		{"two gigabytes", "\x7f\xff\xff\xff", "more than the 100 allowed"},
		{"negative", "\xff\xff\xff\xff", "a frame of -1 bytes"},
		{"one too many", "\x00\x00\x00\x65", "a frame of 101 bytes"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := wire.ReadFrame(bufio.NewReader(strings.NewReader(row.sent)), 100)
			var size *wire.SizeError
			if !errors.As(err, &size) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want a SizeError that says %q", err, row.want)
			}
		})
	}
}

func TestAFrameThatEndsEarlyIsAnError(t *testing.T) {
	rows := []struct {
		sent string
		want error
	}{
		{"", io.EOF},
		{"\x00\x00", io.ErrUnexpectedEOF},
		{"\x00\x00\x00\x05", io.ErrUnexpectedEOF},
		{"\x00\x00\x00\x05abc", io.ErrUnexpectedEOF},
	}
	for _, row := range rows {
		_, err := wire.ReadFrame(bufio.NewReader(strings.NewReader(row.sent)), 100)
		if !errors.Is(err, row.want) {
			t.Errorf("%q: %v, want %v", row.sent, err, row.want)
		}
	}
}

func TestALongFrameIsReadWhole(t *testing.T) {
	body := bytes.Repeat([]byte("rehearse"), 1<<19) // 4 MiB: larger than the first read
	sent := append([]byte{0, 0x40, 0, 0}, body...)
	got, err := wire.ReadFrame(bufio.NewReader(bytes.NewReader(sent)), 1<<23)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes and %v, want %d", len(got), err, len(body))
	}
}

func TestAFrameIsReadIntoOneThatWasGivenBack(t *testing.T) {
	first, second := bytes.Repeat([]byte("a"), 1<<17), bytes.Repeat([]byte("b"), 1<<16)
	sent := slices.Concat([]byte{0, 2, 0, 0}, first, []byte{0, 1, 0, 0}, second, []byte{0, 2, 0, 0}, first)
	r := bufio.NewReader(bytes.NewReader(sent))
	for i, want := range [][]byte{first, second, first} {
		got, err := wire.ReadFrame(r, 1<<20)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("frame %d: %d bytes and %v, want %d of another kind", i, len(got), err, len(want))
		}
		wire.Spare(got)
	}
}

func FuzzRequest(f *testing.F) {
	for key := range int16(kmsg.MaxKey + 1) {
		if req := kmsg.RequestForKey(key); req != nil {
			req.SetVersion(req.MaxVersion())
			f.Add(wire.AppendRequest(nil, wire.Header{}, req)[4:])
		}
	}
	f.Add([]byte{0, 18, 0, 3})
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, rest, err := wire.ParseHeader(frame)
		if err != nil {
			return
		}
		req, err := wire.ParseBody(h, rest)
		if err != nil {
			return
		}
		if req.Key() != h.Key || req.GetVersion() != h.Version {
			t.Errorf("%s was read as %s v%d", h.Name(), kmsg.NameForKey(req.Key()), req.GetVersion())
		}
	})
}
