// rehearse log: the replicated commit log, its nodes and its clients.

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func logCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "log",
		Short: "Run a replicated commit log, and use one",
		Long: "Run the nodes of a replicated commit log, make certificates for them, and produce to the\n" +
			"log and consume from it. docs/log.md tells all of it.",
		Example: "  rehearse log serve --bootstrap --data-dir data\n" +
			"  rehearse log produce hello world\n" +
			"  rehearse log consume --follow",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, command := range []func() *cobra.Command{
		logServeCommand, logProduceCommand, logConsumeCommand, logServersCommand, logStatusCommand,
		logWaitCommand, logWatchCommand, logHealthCommand, logBenchCommand, logCertsCommand,
	} {
		c.AddCommand(command())
	}
	return c
}

// failed tells of what is no mistake of the command line: the log, or the way
// to it, is not as it should be.
func failed(w io.Writer, err error) error {
	fmt.Fprintf(w, "rehearse: %v\n", err)
	return errDifferent
}
