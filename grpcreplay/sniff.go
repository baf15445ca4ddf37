// Opening a recording with more than its name, and telling whether it is one.

package grpcreplay

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

// sniffed is how many bytes of what is compressed are looked at.
const sniffed = 4 << 10

// Sniff tells whether a recording of any form that Open knows begins with
// these bytes: a few hundred suffice. That it is a good one, only Open tells.
func Sniff(b []byte) bool {
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return false
		}
		b, _ = io.ReadAll(io.LimitReader(z, sniffed)) // the rest may be cut off
	}
	if text.Sniff(b) {
		return true
	}
	if _, ok := spool.Sniff(b); ok {
		return true
	}
	_, ok := foreign.Sniff(b)
	return ok
}

// Open opens File by the Config's Schema and Limits, as Open does without
// them: recordings that name types without describing them need a Schema.
func (c Config) Open() (*Recording, error) { return c.open() }

// Read is Open for what is no file; File is its name in errors.
func (c Config) Read(r io.Reader) (*Recording, error) { return c.read(r) }
