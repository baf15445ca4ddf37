// rehearse trace diff: where two runs part.

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/spf13/cobra"
)

func traceDiffCommand() *cobra.Command {
	var shape, exact bool
	var types typesFlags
	c := &cobra.Command{
		Use:   "diff WANT GOT",
		Short: "Print where two journals or recordings part",
		Long: "Print where two journals, or recordings of gRPC, part, and exit with 1 if they do. Their\n" +
			"shapes are compared: who did what to whom, and how much, without time and payload; with\n" +
			"--exact, everything. Headers do not count; a difference of seeds is noted on standard error.",
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			want, got, err := readTwo(c, args, &types)
			if err != nil {
				return err
			}
			wantEvents, gotEvents := slices.Values(want.events), slices.Values(got.events)
			if !exact {
				wantEvents, gotEvents = journal.Shapes(wantEvents), journal.Shapes(gotEvents)
			}
			d := journal.Diff(wantEvents, gotEvents)
			if d == "" {
				return nil
			}
			if want.header.Seed != got.header.Seed {
				fmt.Fprintf(c.ErrOrStderr(), "rehearse: note: the seeds are %d and %d\n",
					want.header.Seed, got.header.Seed)
			}
			if err := printDiff(c.OutOrStdout(), d); err != nil {
				return err
			}
			return errDifferent
		},
	}
	c.Flags().BoolVar(&shape, "shape", false, "compare shapes, as is done without any flag")
	c.Flags().BoolVar(&exact, "exact", false, "compare everything, time and payload too")
	types.add(c)
	c.MarkFlagsMutuallyExclusive("shape", "exact")
	return c
}

func readTwo(c *cobra.Command, names []string, types *typesFlags) (want, got recording, err error) {
	if names[0] == "-" && names[1] == "-" {
		return want, got, fmt.Errorf("standard input cannot be both journals")
	}
	if want, err = types.read(c, names[0]); err != nil {
		return want, got, err
	}
	if got, err = types.read(c, names[1]); err != nil {
		return want, got, err
	}
	noteCut(c, want)
	noteCut(c, got)
	return want, got, nil
}

// printDiff colours the lines of either side if w is a terminal.
func printDiff(w io.Writer, d string) error {
	if colorful(w) {
		d = colored(d)
	}
	_, err := io.WriteString(w, d)
	return err
}

func colored(d string) string {
	var b strings.Builder
	for line := range strings.Lines(d) {
		text := strings.TrimSuffix(line, "\n")
		switch line[0] {
		case '-':
			text = "\x1b[31m" + text + "\x1b[0m"
		case '+':
			text = "\x1b[32m" + text + "\x1b[0m"
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

func colorful(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
