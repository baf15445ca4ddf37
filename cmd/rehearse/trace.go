// rehearse trace: what has to do with journals and recordings.

package main

import "github.com/spf13/cobra"

func traceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trace",
		Short: "Show, open, compare, convert and scan journals and recordings",
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(traceShowCommand(), traceOpenCommand(), traceDiffCommand(), traceConvertCommand(),
		traceScanCommand())
	return c
}
