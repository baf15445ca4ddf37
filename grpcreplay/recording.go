// A recording: opened, read, looked at, written.

package grpcreplay

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

// A Format is a form of recordings.
type Format string

// The forms that are written. Open and Read tell by themselves what they
// have, and read others' too.
const (
	Text             Format = "text"              // to be read, reviewed and edited
	Binary           Format = "binary"            // small and fast, for many calls
	CompressedBinary Format = "compressed binary" // smaller
	RPCReplay        Format = "rpcreplay"         // of cloud.google.com/go/rpcreplay; loses metadata and causes
)

// A Recording is what was recorded: immutable, shared freely between tests
// and goroutines.
type Recording struct {
	tape   *tape.Tape
	schema *schema.Set // the recording's own types, before the program's
	own    *schema.Set // the recording's own alone; nil if it has none
}

// A FormatError says what is wrong with a file, and where.
type FormatError struct {
	File   string // "" if it was no file
	Line   int    // in a text form, from 1; else 0
	Offset int64  // in a binary form
	Msg    string
}

// Error says where and what.
func (e *FormatError) Error() string {
	where := (&tape.FormatError{Line: e.Line, Offset: e.Offset, Msg: e.Msg}).Error()
	if e.File == "" {
		return "grpcreplay: " + where
	}
	return fmt.Sprintf("grpcreplay: %s: %s", e.File, where)
}

// Open opens a recording of any form: the text and binary forms of this
// package, also compressed by gzip; the side file of a recorder that was
// killed; binary and text files of cloud.google.com/go/rpcreplay and
// github.com/google/go-replayers/grpcreplay; gRPC's binary log; the dumps of
// grpc-tools. What is wrong with it is a *FormatError.
func Open(file string) (*Recording, error) { return Config{File: file}.open() }

// Read is Open for what is no file.
func Read(r io.Reader) (*Recording, error) { return Config{}.read(r) }

// open opens the Config's file, by its schema and limits.
func (c Config) open() (*Recording, error) {
	f, err := os.Open(c.File)
	if err != nil {
		return nil, c.missing(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("grpcreplay: %s is a directory, not a recording", c.File)
	}
	return c.read(f)
}

// missing adds to an error of a file that is not there what may be done.
func (c Config) missing(err error) error {
	parts, _ := filepath.Glob(c.File + ".*.part")
	if errors.Is(err, os.ErrNotExist) && len(parts) > 0 {
		return fmt.Errorf("grpcreplay: %w: but %s is what a recorder left that was not closed: it can be opened",
			err, parts[len(parts)-1])
	}
	return fmt.Errorf("grpcreplay: %w", err)
}

// read reads a recording of any form.
func (c Config) read(r io.Reader) (*Recording, error) {
	limits := c.Limits.tape()
	b, err := readAll(r, limits.File)
	if err == nil && bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		b, err = unzip(b, limits.File)
	}
	if err != nil {
		return nil, c.fault(err)
	}
	program, err := c.types()
	if err != nil {
		return nil, err
	}
	t, err := parse(b, program, limits)
	if err != nil {
		return nil, c.fault(err)
	}
	rec := &Recording{tape: t, schema: program}
	if len(t.Schema) > 0 {
		own, err := schema.Parse(t.Schema)
		if err != nil {
			return nil, c.fault(fmt.Errorf("its descriptors: %w", err))
		}
		rec.own, rec.schema = own, own.Or(rec.schema)
	}
	return rec, nil
}

// parse makes a tape of bytes in any form. The program's types are for forms
// that are read by them.
func parse(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	if text.Sniff(b) {
		return text.Read(b, program, limits)
	}
	if form, ok := spool.Sniff(b); ok {
		if form == spool.Whole {
			return spool.Read(b, limits)
		}
		return recovered(b, limits)
	}
	if _, ok := foreign.Sniff(b); ok {
		return foreign.Read(b, program, limits)
	}
	if len(b) == 0 {
		return nil, &tape.FormatError{Line: 1, Msg: "it is empty: no recording begins like that"}
	}
	return nil, &tape.FormatError{Line: 1, Msg: fmt.Sprintf(
		"no known recording begins with %.20q: see grpcreplay.Open for the forms that are", b[:min(len(b), 20)])}
}

// recovered makes a tape of a side file.
func recovered(b []byte, limits tape.Limits) (*tape.Tape, error) {
	head, types, calls, _, err := spool.Load(b, limits)
	if err != nil {
		return nil, err
	}
	endThem(calls)
	calls = cause.Arrange(calls)
	cause.Presume(calls)
	t := &tape.Tape{Head: head, Schema: types}
	for i, c := range calls {
		c.Number = i + 1
		t.Add(c)
	}
	return t, nil
}

// endThem makes the end of each call the last of it: what its client did later
// came to nobody.
func endThem(calls []*tape.Call) {
	for _, c := range calls {
		ends := func(e tape.Event) bool { return e.Kind == tape.End }
		if end := slices.IndexFunc(c.Events, ends); end >= 0 {
			c.Events = c.Events[:end+1]
		}
	}
}

// fault is an error of the Config's file.
func (c Config) fault(err error) error {
	if fe, ok := errors.AsType[*tape.FormatError](err); ok {
		return &FormatError{File: c.File, Line: fe.Line, Offset: fe.Offset, Msg: fe.Msg}
	}
	if c.File == "" {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	return fmt.Errorf("grpcreplay: %s: %w", c.File, err)
}

// readAll reads all of r, and errs if that is more than limit.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	var all bytes.Buffer
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			all.Grow(int(min(info.Size(), limit)) + bytes.MinRead) // it need not grow any more
		}
	}
	_, err := all.ReadFrom(io.LimitReader(r, limit+1))
	b := all.Bytes()
	if err == nil && int64(len(b)) > limit {
		return nil, &tape.FormatError{Offset: limit, Msg: fmt.Sprintf(
			"it is larger than %d bytes: set Config.Limits.File", limit)}
	}
	return b, err
}

// unzip undoes gzip.
func unzip(b []byte, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, &tape.FormatError{Msg: "it begins like gzip: " + err.Error()}
	}
	plain, err := readAll(z, limit)
	if err != nil {
		return nil, err
	}
	return plain, z.Close()
}

// Initial returns the program's own bytes that were kept with the recording.
func (r *Recording) Initial() []byte { return r.tape.Head.Initial }

// Len returns the number of calls.
func (r *Recording) Len() int { return r.tape.Len() }

// Source returns what the recording was imported from, such as "rpcreplay";
// "" if it is of this package's making.
func (r *Recording) Source() string { return r.tape.Head.Source }

// Calls yields the calls in their order.
func (r *Recording) Calls() iter.Seq[*Call] {
	return func(yield func(*Call) bool) {
		for _, c := range r.tape.Calls() {
			if !yield(newCall(c, r.schema)) {
				return
			}
		}
	}
}

// Write writes the recording in a form.
func (r *Recording) Write(w io.Writer, f Format) error {
	switch f {
	case "", Text:
		return text.Write(w, r.tape, r.schema)
	case Binary:
		return spool.Write(w, r.tape, false)
	case CompressedBinary:
		return spool.Write(w, r.tape, true)
	case RPCReplay:
		return foreign.WriteRPCReplay(w, r.tape, r.schema)
	}
	return fmt.Errorf("grpcreplay: no form is called %q: text, binary, compressed binary and rpcreplay are", f)
}

// Fprint prints a recording, in its text form, whatever form the file has.
func Fprint(w io.Writer, file string) error {
	r, err := Open(file)
	if err != nil {
		return err
	}
	return r.Write(w, Text)
}

// FprintReader is Fprint for what is no file.
func FprintReader(w io.Writer, r io.Reader) error {
	rec, err := Read(r)
	if err != nil {
		return err
	}
	return rec.Write(w, Text)
}

// format returns the form in which the Config's file is written.
func (c Config) format() (Format, error) {
	switch c.Format {
	case Text, Binary, CompressedBinary, RPCReplay:
		return c.Format, nil
	case "":
	default:
		return "", fmt.Errorf("grpcreplay: Config.Format is %q: "+
			"text, binary, compressed binary and rpcreplay are known", c.Format)
	}
	switch {
	case strings.HasSuffix(c.File, ".bin.gz"):
		return CompressedBinary, nil
	case strings.HasSuffix(c.File, ".bin"):
		return Binary, nil
	case strings.HasSuffix(c.File, ".replay"):
		return RPCReplay, nil
	}
	return Text, nil
}
