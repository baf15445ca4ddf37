// Random operations on both ends of a connection, and what can be observed of each.

package vnettest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// An op is one operation on one end.
type op struct {
	end  int // 0 dialled, 1 was accepted
	kind opKind
	size int // of a read or a write
}

type opKind int

const (
	write opKind = iota
	writeMuch
	writeNothing
	read
	readAll
	readNothing
	closeWrite
	closeRead
	closeBoth
	abort
	expireRead
	expireWrite
	unexpire
	setting
	opKinds
)

var opNames = [opKinds]string{"write", "write-much", "write-nothing", "read", "read-all", "read-nothing", "close-write",
	"close-read", "close", "abort", "expire-read", "expire-write", "unexpire", "setting"}

func (o op) String() string {
	s := fmt.Sprintf("%c %s", 'a'+o.end, opNames[o.kind])
	if o.kind == write || o.kind == read {
		s += fmt.Sprint(" ", o.size)
	}
	return s
}

// deck is what a byte may choose: the ends of a connection are rarer than its uses.
var deck = []opKind{write, write, write, read, read, read, readAll, readNothing, writeNothing, writeMuch, closeWrite,
	closeRead, closeBoth, abort, expireRead, expireWrite, unexpire, unexpire, setting}

// parseOps makes operations of bytes, two for each; every bytes are some operations.
func parseOps(data []byte) (ops []op) {
	for ; len(data) >= 2 && len(ops) < 64; data = data[2:] {
		ops = append(ops, op{
			end:  int(data[0] & 1),
			kind: deck[int(data[0]>>1)%len(deck)],
			size: 1 + int(data[1]),
		})
	}
	return ops
}

// tell makes the bytes of a story: "a write, b read". Writes and reads are of 9 bytes.
func tell(story string) (data []byte) {
	for step := range strings.SplitSeq(story, ", ") {
		end, name, _ := strings.Cut(step, " ")
		kind := opKind(slices.Index(opNames[:], name))
		data = append(data, byte(slices.Index(deck, kind)<<1)|end[0]-'a', 8)
	}
	return data
}

// A couple is a connection's two ends, driven by operations.
type couple struct {
	ends [2]net.Conn
	sent [2]byte // what each end writes next: bytes count up
}

// tuned is what the operations need beside net.Conn.
type tuned interface {
	net.Conn
	CloseRead() error
	CloseWrite() error
	SetLinger(int) error
	SetNoDelay(bool) error
}

// do does one operation and tells what a program sees of it, without addresses.
func (c *couple) do(o op) string {
	e := c.ends[o.end].(tuned)
	switch o.kind {
	case write, writeMuch, writeNothing:
		n, err := e.Write(c.next(o))
		return told(n, nil, err)
	case read, readAll, readNothing:
		p := make([]byte, o.room())
		n, err := e.Read(p)
		return told(n, p[:n], err)
	case closeWrite:
		return told(0, nil, e.CloseWrite())
	case closeRead:
		return told(0, nil, e.CloseRead())
	case closeBoth:
		return told(0, nil, e.Close())
	case abort:
		return told(0, nil, errors.Join(e.SetLinger(0), e.Close()))
	case expireRead:
		return told(0, nil, e.SetReadDeadline(time.Unix(1, 0)))
	case expireWrite:
		return told(0, nil, e.SetWriteDeadline(time.Unix(1, 0)))
	case unexpire:
		return told(0, nil, e.SetDeadline(time.Time{}))
	default:
		return told(0, nil, e.SetNoDelay(o.size%2 == 0))
	}
}

// room is how much a read asks for, or a write brings.
func (o op) room() int {
	switch o.kind {
	case read, write:
		return o.size
	case readAll:
		return 64 << 10
	case writeMuch:
		return 5000
	}
	return 0
}

// next returns the bytes of a write.
func (c *couple) next(o op) []byte {
	p := make([]byte, o.room())
	for i := range p {
		p[i] = c.sent[o.end]
		c.sent[o.end]++
	}
	return p
}

// told writes down what an operation returned; of the bytes, enough to tell others from them.
func told(n int, p []byte, err error) string {
	s := fmt.Sprint(n)
	if len(p) > 0 {
		sum := 0
		for i, b := range p {
			sum = sum*31 + int(b) + i
		}
		s += fmt.Sprintf(" [%d…%d #%x]", p[0], p[len(p)-1], uint32(sum))
	}
	return s + " " + kindOf(err)
}

// kindOf is an error without its addresses.
func kindOf(err error) string {
	if err == nil || err == io.EOF {
		return fmt.Sprint(err)
	}
	if both, ok := err.(interface{ Unwrap() []error }); ok {
		s := ""
		for _, e := range both.Unwrap() {
			s += kindOf(e) + "; "
		}
		return s
	}
	var e *net.OpError
	if !errors.As(err, &e) {
		return fmt.Sprintf("%v (%T)", err, err)
	}
	named := fmt.Sprintf("(source %v, addr %v)", e.Source != nil, e.Addr != nil)
	return fmt.Sprintf("%s %s: %v, timeout %v", e.Op, named, e.Err, e.Timeout())
}
