// A writer that does not wait for ever for whoever reads.

package main

import (
	"bytes"
	"io"
	"time"
)

// patience is how long a log waits for its reader. A program that starts this
// one and never reads its standard error must not bring the brokers to a halt
// when the pipe is full.
const patience = time.Second

// A patient writes what it is given, piece by piece, from a goroutine of its
// own. Whoever writes waits when that has fallen behind, but not for longer
// than limit; from then on what cannot be taken at once is lost.
type patient struct {
	pieces chan []byte
	done   chan struct{}
	limit  time.Duration
	gone   bool // nobody seems to read
}

func newPatient(w io.Writer, limit time.Duration) *patient {
	p := &patient{pieces: make(chan []byte, 64), done: make(chan struct{}), limit: limit}
	go func() {
		defer close(p.done)
		for piece := range p.pieces {
			_, _ = w.Write(piece)
		}
	}()
	return p
}

// Write never fails. It is for one goroutine at a time.
func (p *patient) Write(piece []byte) (int, error) {
	kept := bytes.Clone(piece)
	select {
	case p.pieces <- kept:
		p.gone = false
		return len(piece), nil
	default:
	}
	if p.gone {
		return len(piece), nil
	}
	select {
	case p.pieces <- kept:
	case <-time.After(p.limit):
		p.gone = true
	}
	return len(piece), nil
}

// close waits until all is written, as far as patience goes. Nothing may be
// written any more.
func (p *patient) close() {
	close(p.pieces)
	select {
	case <-p.done:
	case <-time.After(p.limit):
	}
}
