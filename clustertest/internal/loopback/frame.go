// The frames in which gateway, children and listeners tell each other things.

package loopback

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// handshake is how long a stranger may take to say who it is, and how long
// whoever does not read may hold a message up. It is long: on a busy machine
// the other side may have to wait for its turn.
const handshake = 20 * time.Second

// greeting is how long a listener's Accept waits for a relay's first message,
// and so how long a stranger can keep others waiting. A relay sends it with the
// connection.
const greeting = 5 * time.Second

// maxFrame bounds a frame's text, in bytes. Whoever announces more is not one
// of ours.
const maxFrame = 4 << 10

// frameMark begins every frame, so that a stray protocol is known by its first byte.
const frameMark = 0x1f

// A message is what one frame says, as JSON after a mark and two bytes that
// tell its length, the high one first.
type message struct {
	Op   string `json:",omitempty"` // what it is, see below
	Seq  int    `json:",omitempty"` // of a request on a control connection, and of its answer
	Host string `json:",omitempty"` // who speaks
	Key  string `json:",omitempty"` // its token

	Network string         `json:",omitempty"`
	Address string         `json:",omitempty"` // dialled, or to be listened on
	Real    netip.AddrPort `json:",omitzero"`  // where the socket really is
	Local   netip.AddrPort `json:",omitzero"`  // virtual, as the reader's program sees them
	Remote  netip.AddrPort `json:",omitzero"`
	Name    string         `json:",omitempty"` // of the connection
	Socket  int            `json:",omitempty"` // its number
	Hub     netip.AddrPort `json:",omitzero"`  // where datagrams go

	Failure *failure `json:",omitempty"`
}

// What a message is. To the gateway goes first a dial or a join; to a
// listener an accept. On a control connection the child opens (or dials, for
// datagrams) and shuts, which is answered, and says what it took; the network
// says what it has shut.
const (
	opDial   = "dial"
	opJoin   = "join"
	opAccept = "accept"
	opOpen   = "open"
	opShut   = "shut"
	opTook   = "took"
	opAnswer = "answer"
)

var errFrame = errors.New("loopback: not a frame")

// writeFrame sends m in one Write.
func writeFrame(w io.Writer, m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return fmt.Errorf("loopback: a message of %d bytes, where %d are allowed", len(text), maxFrame)
	}
	b := append(make([]byte, 0, 3+len(text)), frameMark, byte(len(text)>>8), byte(len(text)))
	_, err = w.Write(append(b, text...))
	return err
}

// readFrame reads one message and nothing behind it.
func readFrame(r io.Reader) (m message, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return m, err
	}
	size := int(binary.BigEndian.Uint16(head[1:]))
	if head[0] != frameMark || size > maxFrame {
		return m, errFrame
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return m, err
	}
	if json.Unmarshal(text, &m) != nil {
		return message{}, errFrame
	}
	return m, nil
}

// What a datagram to or from the hub begins with: a kind, and the virtual
// address it goes to or comes from, of four bytes and two for the port.
const (
	gramData    = 1
	gramRefused = 2 // nobody receives at that address
	gramHeader  = 1 + 4 + 2
)

// maxGram is the longest payload of a datagram: what UDP carries over IPv4,
// less the header.
const maxGram = 65507 - gramHeader

// appendGram appends the header of a datagram to b.
func appendGram(b []byte, kind byte, a netip.AddrPort) []byte {
	ip := a.Addr().Unmap().As4()
	b = append(append(b, kind), ip[:]...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

// parseGram takes a datagram apart; ok is false when it is none of ours.
func parseGram(b []byte) (kind byte, a netip.AddrPort, payload []byte, ok bool) {
	if len(b) < gramHeader || b[0] != gramData && b[0] != gramRefused {
		return 0, a, nil, false
	}
	ip := netip.AddrFrom4([4]byte(b[1:5]))
	return b[0], netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[5:])), b[gramHeader:], true
}
