// What the tests see of the network's inside.

package loopback

import (
	"bytes"
	"encoding/json"
	"net"
)

// Hub is the real address that datagrams come to.
func (n *Network) Hub() string { return n.hub.addr.String() }

// Real is the real address that a listener has.
func Real(l net.Listener) string { return l.(*listener).real.Addr().String() }

// ReadFrame reads a frame and returns it as JSON, and how many bytes are left.
func ReadFrame(b []byte) (text string, left int, err error) {
	r := bytes.NewReader(b)
	m, err := readFrame(r)
	if err != nil {
		return "", r.Len(), err
	}
	out, err := json.Marshal(m)
	return string(out), r.Len(), err
}

// Frame makes the frame of a message given as JSON, and reports whether it
// can be sent.
func Frame(text string) ([]byte, bool) {
	var m message
	var b bytes.Buffer
	if json.Unmarshal([]byte(text), &m) != nil || writeFrame(&b, m) != nil {
		return nil, false
	}
	return b.Bytes(), true
}

// ParseGram takes a datagram apart and puts it together again.
func ParseGram(b []byte) (again []byte, ok bool) {
	kind, a, payload, ok := parseGram(b)
	if !ok {
		return nil, false
	}
	return append(appendGram(nil, kind, a), payload...), true
}

// MaxFrame bounds a frame's text.
const MaxFrame = maxFrame

// Abandon closes what a listener or packet connection really is and tells
// nobody, as the end of its process would.
func Abandon(s any) {
	switch s := s.(type) {
	case *listener:
		s.real.Close()
	case *packetConn:
		s.real.Close()
	}
}
