// Streaming: each event is written to a file as it is appended.

package journal

import (
	"fmt"
	"io"
)

// Stream writes the header and the events kept so far to w, and from now on
// every event as one line, by one Write call, before its Append returns. A
// panic or a timeout thus leaves a file that can be read, if w does not
// buffer. A nil w ends the stream; it is then w's owner who closes the file.
//
// Appends wait for each other's Write, readers do not. The first error of w
// ends the stream; Err returns it.
func (j *Journal) Stream(w io.Writer) {
	j.outMu.Lock()
	defer j.outMu.Unlock()

	j.mu.Lock()
	j.out = w
	h, from := j.header, j.store.head
	j.mu.Unlock()

	if j.outErr = nil; w == nil {
		return
	}
	var err error
	if j.line, err = appendHeader(j.line[:0], h); err != nil {
		j.endOut(err)
		return
	}
	j.writeLine(w)
	for e := range j.Events(from + 1) {
		if j.outErr != nil {
			return
		}
		j.writeEvent(w, &e)
	}
}

// Err returns the error that ended the stream, or nil.
func (j *Journal) Err() error {
	j.outMu.Lock()
	defer j.outMu.Unlock()
	return j.outErr
}

// appendOut keeps e and writes it, in the order of numbers.
func (j *Journal) appendOut(e *Event) int {
	j.outMu.Lock()
	defer j.outMu.Unlock()
	j.mu.Lock()
	j.keep(e)
	w := j.out
	j.mu.Unlock()
	if w != nil {
		j.writeEvent(w, e)
	}
	return e.Seq
}

func (j *Journal) writeEvent(w io.Writer, e *Event) {
	var err error
	if j.line, err = appendEvent(j.line[:0], e); err != nil {
		j.endOut(err)
		return
	}
	j.writeLine(w)
}

func (j *Journal) writeLine(w io.Writer) {
	n, err := w.Write(j.line)
	if err == nil && n < len(j.line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		j.endOut(err)
	}
}

func (j *Journal) endOut(err error) {
	j.outErr = fmt.Errorf("journal: stream: %w", err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.out = nil
}
