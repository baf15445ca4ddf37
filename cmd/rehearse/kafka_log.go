// What is told of the stand-in while it runs: its journal's file, and logs read from the journal.

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
)

// A kafkaRecord is where what happens goes. Its journal is nil if nobody wants
// to know.
type kafkaRecord struct {
	journal *journal.Journal
	log     *slog.Logger
	file    *os.File
	pipe    *io.PipeWriter
	logged  chan struct{} // closed when all is logged
	lines   *patient      // of the log
}

// memory is what the journal keeps in memory: its readers read the stream.
const memory = 1 << 20

// records opens the file of the journal, and begins to log.
func (c kafkaConfig) records(stderr io.Writer) (*kafkaRecord, error) {
	r := &kafkaRecord{lines: newPatient(stderr, patience)}
	r.log = c.logger(r.lines)
	var outs []io.Writer
	if c.Journal != "" {
		var err error
		if r.file, err = os.OpenFile(c.Journal, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			r.lines.close()
			return nil, plainError(err)
		}
		outs = append(outs, r.file)
	}
	if c.level() != logOff {
		var events *io.PipeReader
		events, r.pipe = io.Pipe()
		r.logged = make(chan struct{})
		outs = append(outs, r.pipe)
		go func() {
			defer close(r.logged)
			defer events.Close()
			logEvents(r.log, events, c.level() == logRequests)
		}()
	}
	if outs == nil {
		return r, nil
	}
	r.journal = newKafkaJournal(c)
	r.journal.Stream(io.MultiWriter(outs...))
	return r, nil
}

func newKafkaJournal(c kafkaConfig) *journal.Journal {
	j := &journal.Journal{Limit: memory}
	j.SetHeader(journal.Header{Seed: max(c.Seed, 1), Notes: []journal.Note{{Key: "test", Value: "rehearse kafka"}}})
	return j
}

func (c kafkaConfig) logger(w io.Writer) *slog.Logger {
	switch {
	case c.level() == logOff:
		return slog.New(slog.DiscardHandler)
	case isTrue(c.JSON):
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// close ends file and log when the last event has been written.
func (r *kafkaRecord) close() error {
	var errs []error
	if r.journal != nil {
		errs = append(errs, r.journal.Err())
		r.journal.Stream(nil)
	}
	if r.pipe != nil {
		r.pipe.Close()
		<-r.logged
	}
	r.lines.close()
	if r.file != nil {
		errs = append(errs, r.file.Close())
	}
	return errors.Join(errs...)
}

// logEvents logs a journal's stream to its end.
func logEvents(log *slog.Logger, stream io.Reader, requests bool) {
	r, err := journal.NewReader(stream)
	if err != nil {
		return
	}
	for e, err := range r.Events() {
		if err != nil {
			return
		}
		if requests || e.Kind != "kafka.request" && e.Kind != "kafka.response" {
			logEvent(log, e)
		}
	}
}

// logEvent logs one event: its kind as the message, the rest as attributes.
func logEvent(log *slog.Logger, e journal.Event) {
	level := slog.LevelInfo
	if e.Kind == "kafka.bad" {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("at", e.Where)}
	if e.Peer != "" {
		attrs = append(attrs, slog.String("client", e.Peer))
	}
	if e.Subject != "" {
		attrs = append(attrs, slog.String("subject", e.Subject))
	}
	if e.Size > 0 {
		attrs = append(attrs, slog.Int("bytes", e.Size))
	}
	for _, n := range e.Notes {
		attrs = append(attrs, slog.String(n.Key, n.Value))
	}
	log.LogAttrs(context.Background(), level, strings.TrimPrefix(string(e.Kind), "kafka."), attrs...)
}
