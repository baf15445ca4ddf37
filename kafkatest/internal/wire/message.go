// Messages: headers and bodies of requests and responses.

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Header opens every request.
type Header struct {
	Key         int16
	Version     int16
	Correlation int32
	ClientID    *string
}

// Name returns the request's name and version: "Produce v9".
func (h Header) Name() string {
	if kmsg.RequestForKey(h.Key) == nil {
		return fmt.Sprintf("API key %d v%d", h.Key, h.Version)
	}
	return fmt.Sprintf("%s v%d", kmsg.NameForKey(h.Key), h.Version)
}

// errShort says that the frame ended within its header.
var errShort = errors.New("the frame ends within the request header")

// apiVersionsKey is the one request whose version may be beyond us, and whose
// response header never is flexible (KIP-511).
const apiVersionsKey = int16(kmsg.ApiVersions)

// ParseHeader reads the fixed part of a request header and returns what
// follows it. It needs no knowledge of the API.
func ParseHeader(frame []byte) (h Header, rest []byte, err error) {
	if len(frame) < 8 {
		return h, nil, errShort
	}
	h.Key = int16(binary.BigEndian.Uint16(frame))
	h.Version = int16(binary.BigEndian.Uint16(frame[2:]))
	h.Correlation = int32(binary.BigEndian.Uint32(frame[4:]))
	rest = frame[8:]
	if h.Key == int16(kmsg.ControlledShutdown) && h.Version == 0 {
		return h, rest, nil // header version 0 has no client id
	}
	if len(rest) < 2 {
		return h, nil, errShort
	}
	size := int16(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if size < -1 || int(size) > len(rest) {
		return h, nil, fmt.Errorf("a client id of %d bytes in a header that has %d", size, len(rest))
	}
	if size >= 0 {
		id := string(rest[:size])
		h.ClientID, rest = &id, rest[size:]
	}
	return h, rest, nil
}

// ParseBody decodes the body of the request that h opens. The request's
// byte slices are parts of rest.
func ParseBody(h Header, rest []byte) (kmsg.Request, error) {
	req := kmsg.RequestForKey(h.Key)
	if req == nil {
		return nil, fmt.Errorf("there is no API with key %d", h.Key)
	}
	if h.Version < 0 || h.Version > req.MaxVersion() {
		return nil, fmt.Errorf("there is no version %d of %s; the newest known is %d",
			h.Version, kmsg.NameForKey(h.Key), req.MaxVersion())
	}
	req.SetVersion(h.Version)
	if req.IsFlexible() {
		var err error
		if rest, err = skipTags(rest); err != nil {
			return nil, err
		}
	}
	if err := bounded(h, rest, req.IsFlexible()); err != nil {
		return nil, err
	}
	if err := req.ReadFrom(rest); err != nil {
		return nil, fmt.Errorf("the body of %s cannot be decoded: %w", h.Name(), err)
	}
	return req, nil
}

// skipTags passes over the tagged fields of a flexible header (KIP-482).
func skipTags(b []byte) ([]byte, error) {
	w := walk{rest: b, flexible: true}
	if w.tags(); w.over {
		return nil, errShort
	}
	return w.rest, nil
}

// AppendResponse appends a whole frame: length, header and body.
func AppendResponse(dst []byte, correlation int32, r kmsg.Response) []byte {
	start := len(dst)
	dst = beginFrame(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlation))
	if r.IsFlexible() && r.Key() != apiVersionsKey {
		dst = append(dst, 0) // no tagged fields
	}
	dst = r.AppendTo(dst)
	return endFrame(dst, start)
}

// AppendRequest appends a whole frame, as a client sends it.
func AppendRequest(dst []byte, h Header, r kmsg.Request) []byte {
	start := len(dst)
	dst = beginFrame(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(r.Key()))
	dst = binary.BigEndian.AppendUint16(dst, uint16(r.GetVersion()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.Correlation))
	if h.ClientID == nil {
		dst = binary.BigEndian.AppendUint16(dst, 0xffff)
	} else {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(*h.ClientID)))
		dst = append(dst, *h.ClientID...)
	}
	if r.IsFlexible() {
		dst = append(dst, 0)
	}
	dst = r.AppendTo(dst)
	return endFrame(dst, start)
}

// ParseResponse reads a response frame's payload, as a client does: r must be
// the empty response of the request that was sent.
func ParseResponse(frame []byte, r kmsg.Response) (correlation int32, err error) {
	if len(frame) < 4 {
		return 0, errors.New("the frame ends within the response header")
	}
	correlation = int32(binary.BigEndian.Uint32(frame))
	rest := frame[4:]
	if r.IsFlexible() && r.Key() != apiVersionsKey {
		if rest, err = skipTags(rest); err != nil {
			return correlation, err
		}
	}
	return correlation, r.ReadFrom(rest)
}
