// Hello: what two nodes tell each other first.

package peer

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Hello is what a node says of itself when it meets another.
type Hello struct {
	Cluster string // its identity; "" while the node belongs to none
	Name    string
	Addr    string // where peers reach it
	ID      uint64 // in Raft; 0 while it has none
	Version uint32 // of what it speaks, for Admit to judge
}

// What a connection is for.
const (
	forMessages = 0
	forStream   = 1
)

const (
	maxHello = 4 << 10 // bytes of the frame
	maxWord  = 512     // bytes of a name
)

// helloMark opens a hello: a stranger's bytes are told from another version's.
const helloMark = "rlp1"

// hello adds h and what the connection is for, as a frame. A field that is too
// long to be accepted is refused here, where it can be understood.
func (b *batch) hello(h Hello, purpose byte) error {
	for _, s := range []string{h.Cluster, h.Name, h.Addr} {
		if err := checkWord(s); err != nil {
			return err
		}
	}
	b.begin(helloFrame)
	b.bytes = append(b.bytes, helloMark...)
	b.bytes = append(b.bytes, purpose)
	b.uint(uint64(h.Version))
	b.uint(h.ID)
	b.text(h.Cluster)
	b.text(h.Name)
	b.text(h.Addr)
	return b.end(maxHello)
}

// parseHello reads a hello's body. What follows it is left for later versions.
func parseHello(body []byte) (h Hello, purpose byte, err error) {
	rest, ok := strings.CutPrefix(string(body), helloMark)
	if !ok || rest == "" {
		return h, 0, Malformed{What: "hello", Why: fmt.Sprintf("it begins with %.8q, not with %q", body, helloMark)}
	}
	f := fields{what: "hello", rest: []byte(rest[1:])}
	version := f.uint("version")
	h.ID = f.uint("id")
	h.Cluster, h.Name, h.Addr = f.word("cluster"), f.word("name"), f.word("address")
	if version > 1<<32-1 {
		f.fail("version %d is out of range", version)
	}
	h.Version = uint32(version)
	if purpose = rest[0]; purpose > forStream {
		f.fail("a connection for purpose %d, which is not known here", purpose)
	}
	if f.err != nil {
		return Hello{}, 0, f.err
	}
	return h, purpose, nil
}

func checkWord(s string) error {
	switch {
	case len(s) > maxWord:
		return Oversized{What: "name", Bytes: len(s), Limit: maxWord}
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return Malformed{What: "name", Why: fmt.Sprintf("%q is not plain text", s)}
	}
	return nil
}

// fields takes a body apart. The first error stays.
type fields struct {
	what string
	rest []byte
	err  error
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = Malformed{What: f.what, Why: fmt.Sprintf(format, args...)}
		f.rest = nil
	}
}

func (f *fields) uint(name string) uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.fail("no number where its %s should be", name)
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

// bytes returns a part of the body itself, not a copy.
func (f *fields) bytes(name string) []byte {
	n := f.uint(name)
	if n > uint64(len(f.rest)) {
		f.fail("its %s has %d bytes, of which %d are there", name, n, len(f.rest))
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) word(name string) string {
	s := string(f.bytes(name))
	if err := checkWord(s); err != nil && f.err == nil {
		f.err = err
	}
	return s
}

// reason adds a frame that says why.
func (b *batch) reason(kind byte, why string) {
	b.begin(kind)
	b.bytes = append(b.bytes, printable(why)...)
	b.end(maxText) // printable keeps to it
}

// printable is text that may be logged and sent: short, valid, on one line.
func printable(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
	return s
}
