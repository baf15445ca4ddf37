// Copying without a copy: what io.Copy finds on a stream.

package vnet

import (
	"io"
	"net"

	"github.com/rehearse-go/rehearse/vnet/internal/flow"
)

// WriteTo writes what arrives to w until the stream ends, handing over the
// memory it arrived in. io.Copy uses it.
func (s *stream) WriteTo(w io.Writer) (int64, error) {
	total, err := s.pour(w)
	if err == io.EOF {
		err = nil
	}
	return total, s.fail("writeto", err)
}

func (s *stream) pour(w io.Writer) (total int64, err error) {
	for {
		pieces, done, err := s.steal()
		if err != nil {
			return total, s.fail("read", err)
		}
		n, err := pieces.WriteTo(w)
		done()
		if total += n; err != nil {
			return total, err
		}
	}
}

// steal waits for bytes and takes all of them.
func (s *stream) steal() (pieces net.Buffers, done func(), err error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for {
		if err := s.mayTake(); err != nil {
			return pieces, nil, err
		}
		if s.mayRead() {
			if pieces, done, ok := s.takeAll(); ok {
				s.cond.Broadcast() // there is room
				return pieces, done, nil
			}
			if err := s.atEnd(); err != nil {
				return pieces, nil, err
			}
		}
		s.in.Rest()
		s.cond.Wait()
	}
}

// takeAll takes what a read may see, without a copy where that is possible.
func (s *stream) takeAll() (pieces net.Buffers, done func(), ok bool) {
	if s.slow == nil {
		if pieces, done, ok = s.in.Steal(); ok {
			return pieces, done, true
		}
	}
	b := flow.Buffer()
	n := s.in.Read(s.slow.portion(b), s.ended())
	if n == 0 {
		flow.Done(b)
		return pieces, nil, false
	}
	s.slow.spend(s, n)
	return net.Buffers{b[:n]}, func() { flow.Done(b) }, true
}

// ReadFrom sends what r gives until r ends, through a buffer that streams
// share. io.Copy uses it.
func (s *stream) ReadFrom(r io.Reader) (int64, error) {
	b := flow.Buffer()
	defer flow.Done(b)
	n, err := io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{r}, b)
	return n, s.fail("readfrom", err)
}
