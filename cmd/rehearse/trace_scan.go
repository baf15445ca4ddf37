// rehearse trace scan: secrets that stand in files.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func traceScanCommand() *cobra.Command {
	var types typesFlags
	c := &cobra.Command{
		Use:   "scan FILE...",
		Short: "Find secrets in recordings, journals and other files",
		Long: "Find secrets in files, and in all files of directories; - reads standard input. Of a\n" +
			"recording of gRPC, every value is looked at by the rules of redaction that stand in it; of\n" +
			"other files, what looks like a token. Each secret's place and kind are printed, and how it\n" +
			"begins, never the whole. It exits with 1 if there are any.",
		Example: "  rehearse trace scan testdata",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			reader, err := types.reader(c.Context())
			if err != nil {
				return err
			}
			s := scan{reader: reader, in: c.InOrStdin(), out: c.OutOrStdout()}
			for _, name := range args {
				s.path(name)
			}
			return s.end(c.ErrOrStderr())
		},
	}
	types.add(c)
	return c
}

// A scan looks for secrets in one file after the other.
type scan struct {
	reader  traceReader
	in      io.Reader
	out     io.Writer
	files   int
	secrets int
	errs    []error
}

// path scans a file, or those of a directory. Directories of version control
// are passed over.
func (s *scan) path(name string) {
	if name == "-" {
		s.read("standard input", s.in)
		return
	}
	err := filepath.WalkDir(name, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			s.errs = append(s.errs, plainError(err))
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.IsDir() && (d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0):
			s.file(name)
		}
		return nil
	})
	s.errs = append(s.errs, err)
}

func (s *scan) file(name string) {
	f, err := os.Open(name)
	if err != nil {
		s.errs = append(s.errs, plainError(err))
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return // a link to one
	}
	s.read(name, f)
}

// mostScanned is how large a file may be, in bytes.
const mostScanned = 1 << 30

// read scans what r gives.
func (s *scan) read(name string, r io.Reader) {
	b, err := io.ReadAll(io.LimitReader(r, mostScanned+1))
	if err == nil && len(b) > mostScanned {
		err = fmt.Errorf("it is larger than %d bytes", mostScanned)
	}
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("%s: %w", name, plainError(err)))
		return
	}
	s.files++
	found, err := s.secretsIn(name, b)
	if err != nil {
		s.errs = append(s.errs, err)
	}
	for _, secret := range found {
		s.secrets++
		fmt.Fprintf(s.out, "%s: %s: %s, %s\n", name, oneLine(secret.Where), secret.What, oneLine(secret.Sample))
	}
}

// secretsIn finds the secrets of a recording by its rules, those of any other
// file by their looks. A recording that cannot be opened is a file like any
// other, and an error.
func (s *scan) secretsIn(name string, b []byte) ([]grpcreplay.Secret, error) {
	if bytes.HasPrefix(b, []byte(journalBegins)) || !grpcreplay.Sniff(b) {
		return grpcreplay.SecretsIn(b)
	}
	c := s.reader.grpc
	c.File = name
	rec, err := c.Read(bytes.NewReader(b))
	if err == nil {
		return rec.Secrets()
	}
	found, scanning := grpcreplay.SecretsIn(b)
	return found, errors.Join(told(err), scanning)
}

// end tells how many secrets there were.
func (s *scan) end(w io.Writer) error {
	if err := errors.Join(s.errs...); err != nil {
		return err
	}
	if s.secrets > 0 {
		fmt.Fprintf(w, "rehearse: %s in %s\n", counted(s.secrets, "secret"), counted(s.files, "file"))
		return errDifferent
	}
	return nil
}
