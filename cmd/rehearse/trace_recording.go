// Recordings of gRPC as the trace commands read them.

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
)

// sniffed is how much of a file is looked at to tell what it is.
const sniffed = 4 << 10

// journalBegins is how a journal begins.
const journalBegins = "rehearse journal "

// A traceReader reads journals and recordings of gRPC, of any form.
type traceReader struct {
	grpc grpcreplay.Config // by which recordings are opened
}

// read reads a journal or a recording, whose form its beginning tells. What is
// neither is read as a journal, which says what is wrong.
func (t traceReader) read(name string, r io.Reader) (recording, error) {
	b := bufio.NewReaderSize(r, sniffed)
	begins, _ := b.Peek(sniffed) // an error comes again as it is read
	if bytes.HasPrefix(begins, []byte(journalBegins)) || !grpcreplay.Sniff(begins) {
		return readJournal(name, b)
	}
	c := t.grpc
	c.File = name
	rec, err := c.Read(b)
	if err != nil {
		return recording{}, told(err)
	}
	return recording{header: headerOf(rec), events: slices.Collect(rec.Events()), grpc: rec}, nil
}

// recordingNote is the first note in the header of a recording.
const recordingNote = "recording"

// headerOf makes a journal's header of what stands at a recording's top.
func headerOf(rec *grpcreplay.Recording) journal.Header {
	var h journal.Header
	note := func(key, format string, args ...any) {
		h.Notes = append(h.Notes, journal.Note{Key: key, Value: fmt.Sprintf(format, args...)})
	}
	inFlight, untyped := 0, map[string]bool{}
	for c := range rec.Calls() {
		if c.InFlight {
			inFlight++
		}
		if !c.Described() {
			untyped[c.Method] = true
		}
	}
	note(recordingNote, "gRPC, %s", counted(rec.Len(), "call"))
	if rec.Source() != "" {
		note("imported from", "%s", rec.Source())
	}
	if inFlight > 0 {
		note("in flight at its end", "%s", counted(inFlight, "call"))
	}
	if len(untyped) > 0 {
		note("types unknown of", "%s", strings.Join(sortedKeys(untyped), ", "))
	}
	return h
}
