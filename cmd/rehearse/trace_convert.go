// rehearse trace convert: a recording in another form.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func traceConvertCommand() *cobra.Command {
	var as formOfFile
	var types typesFlags
	c := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Write a recording of gRPC in another form",
		Long: "Write a recording of gRPC in another form, whole or not at all; - is standard input or\n" +
			"output. What IN is, it tells by itself: the text and binary forms of rehearse record, what a\n" +
			"recorder left that was killed, files of rpcreplay and grpcreplay, gRPC's binary log, dumps of\n" +
			"grpc-tools. What OUT is to be, its name says (.bin, .bin.gz, .replay, else text), or --as.",
		Example: "  rehearse trace convert old.replay testdata/pay.journal\n" +
			"  rehearse trace convert pay.journal.123.part pay.journal",
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			rec, err := types.read(c, args[0])
			if err != nil {
				return err
			}
			if rec.grpc == nil {
				return fmt.Errorf("%s is a journal: only recordings of gRPC have other forms", args[0])
			}
			form := formFor(as, args[1])
			if form == grpcreplay.RPCReplay && rec.grpc.Source() == "" {
				fmt.Fprintln(c.ErrOrStderr(), "rehearse: note: rpcreplay's form has no metadata, half-closes and "+
					"causes: they are lost")
			}
			write := func(w io.Writer) error { return told(rec.grpc.Write(w, form)) }
			if args[1] == "-" {
				return write(c.OutOrStdout())
			}
			return writeWhole(args[1], write)
		},
	}
	c.Flags().Var(&formFlag{&as}, "as", "the `form`: text, binary, compressed or rpcreplay")
	types.add(c)
	return c
}

// A formFlag is a form on the command line.
type formFlag struct{ form *formOfFile }

func (f *formFlag) String() string        { return "" }
func (f *formFlag) Type() string          { return "form" }
func (f *formFlag) Set(text string) error { return f.form.UnmarshalText([]byte(text)) }

// formFor returns the form that is asked for, else that which a name says.
func formFor(as formOfFile, name string) grpcreplay.Format {
	switch {
	case as != "":
		return as.format()
	case strings.HasSuffix(name, ".bin.gz"):
		return grpcreplay.CompressedBinary
	case strings.HasSuffix(name, ".bin"):
		return grpcreplay.Binary
	case strings.HasSuffix(name, ".replay"):
		return grpcreplay.RPCReplay
	}
	return grpcreplay.Text
}

// writeWhole writes a file whole or not at all, for its owner's eyes only.
func writeWhole(name string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".rehearse-*"+filepath.Ext(name))
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", name, path.Err)
	}
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = fill(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// typesFlags are the flags that describe types to a command that reads
// recordings.
type typesFlags struct {
	Schema grpcSchema `yaml:"schema"`
	Limits grpcLimits `yaml:"limits"`
}

func (t *typesFlags) add(c *cobra.Command) { addFieldFlags(c, reflect.ValueOf(t).Elem(), grpcDocs) }

// reader returns a reader that knows these types.
func (t *typesFlags) reader(ctx context.Context) (traceReader, error) {
	files, err := t.Schema.files(ctx)
	return traceReader{grpcreplay.Config{Schema: files, Limits: t.Limits.config()}}, err
}

// read reads the journal or recording in a file, or from standard input if
// name is "-".
func (t *typesFlags) read(c *cobra.Command, name string) (recording, error) {
	reader, err := t.reader(c.Context())
	if err != nil {
		return recording{}, err
	}
	return reader.readFile(name, c.InOrStdin())
}

// readFile is read by the reader's types.
func (t traceReader) readFile(name string, stdin io.Reader) (recording, error) {
	if name == "-" {
		return t.read("standard input", stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return recording{}, plainError(err)
	}
	defer f.Close()
	return t.read(name, f)
}
