// rehearse trace open: a journal as a page in the browser.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/traceview"
	"github.com/spf13/cobra"
)

func traceOpenCommand() *cobra.Command {
	var output string
	var noBrowser bool
	var types typesFlags
	c := &cobra.Command{
		Use:   "open FILE",
		Short: "Write a journal or recording as one HTML page, and open it",
		Long: "Write a journal or a recording of gRPC as one HTML page beside it, print the page's path,\n" +
			"and open it in the browser, unless CI is set. The page needs no server and may be sent\n" +
			"to others.",
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			rec, err := types.read(c, args[0])
			if err != nil {
				return err
			}
			page, err := pageName(args[0], output)
			if err != nil {
				return err
			}
			if err := writeWhole(page, rec.writePage); err != nil {
				return err
			}
			noteCut(c, rec)
			if _, err := fmt.Fprintln(c.OutOrStdout(), page); err != nil {
				return err
			}
			if noBrowser || os.Getenv("CI") != "" {
				return nil
			}
			if err := openBrowser(page); err != nil {
				fmt.Fprintf(c.ErrOrStderr(), "rehearse: note: no browser opened: %v\n", err)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "write the page to this `file`")
	types.add(c)
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "do not open a browser")
	return c
}

// pageName returns where the page of a journal goes.
func pageName(file, output string) (string, error) {
	switch {
	case output == "" && file == "-":
		return "", errors.New("a journal from standard input needs -o FILE for its page")
	case output == "":
		output = strings.TrimSuffix(file, filepath.Ext(file)) + ".html"
	}
	if filepath.Clean(output) == filepath.Clean(file) {
		return "", fmt.Errorf("%s: the page would replace its journal; name another file with -o", file)
	}
	return output, nil
}

// writePage writes the page; it says if the journal was cut short.
func (rec recording) writePage(w io.Writer) error {
	h := rec.header
	if rec.cut != nil {
		h.Notes = append(slices.Clip(h.Notes), journal.Note{Key: "cut short", Value: rec.cut.Error()})
	}
	return traceview.Write(w, h, slices.Values(rec.events))
}

// openBrowser starts a browser and does not wait for it.
func openBrowser(page string) error {
	path, err := filepath.Abs(page)
	if err != nil {
		return err
	}
	command := browserCommand(runtime.GOOS, os.Getenv("BROWSER"), path)
	cmd := exec.Command(command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// browserCommand returns the command that opens a file on a system.
func browserCommand(system, wanted, path string) []string {
	switch {
	case wanted != "":
		return []string{wanted, path}
	case system == "darwin":
		return []string{"open", path}
	case system == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", path}
	}
	return []string{"xdg-open", path}
}
