// Reading journals from files.

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
)

// A recording is a journal, or a recording of gRPC, read from a file.
type recording struct {
	header journal.Header
	events []journal.Event
	cut    error                 // why the file ends too early, if it does
	grpc   *grpcreplay.Recording // nil: it is a journal
}

// readJournal reads a journal to its end. One that was cut short, as when its
// test was killed, is no error as long as its header is whole.
func readJournal(name string, r io.Reader) (recording, error) {
	h, events, err := journal.Read(r)
	if err != nil {
		err = located(name, err)
	}
	rec := recording{header: h, events: events}
	if errors.Is(err, io.ErrUnexpectedEOF) && h.Version != 0 {
		rec.cut, err = err, nil
	}
	return rec, err
}

// located puts file and line before an error, as compilers do.
func located(name string, err error) error {
	var syntax *journal.SyntaxError
	if errors.As(err, &syntax) {
		return &fileError{fmt.Sprintf("%s:%d: %s", name, syntax.Line, syntax.Msg), err}
	}
	return fmt.Errorf("%s: %w", name, plainError(err))
}

// A fileError tells place and reason, and keeps the error it comes from.
type fileError struct {
	text  string
	cause error
}

func (e *fileError) Error() string { return e.text }
func (e *fileError) Unwrap() error { return e.cause }

// plainError drops the system call's name from an error of a file.
func plainError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}
