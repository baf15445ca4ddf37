// Files that are replaced whole.

package grpcreplay

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// replaceFile puts what fill writes into a file's place, when it is whole
// and on the disk: until then, and after any error, the old one stands. The
// file is its owner's alone.
func replaceFile(file string, fill func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.new")
	if err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	return nil
}
