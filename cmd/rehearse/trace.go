// rehearse trace: what has to do with one or two journals.

package main

import "github.com/spf13/cobra"

func traceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trace",
		Short: "Show, open or compare journals",
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(traceShowCommand(), traceOpenCommand(), traceDiffCommand())
	return c
}
