// The root command: its subcommands, and how it ends.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// commands are the root's subcommands, each in a file of its own.
var commands = []func() *cobra.Command{
	versionCommand,
	traceCommand,
	upCommand,
	recordCommand,
	replayCommand,
	kafkaCommand,
	doctorCommand,
	demoCommand,
	logCommand,
}

// How the command exits.
const (
	exitDone      = 0
	exitDifferent = 1 // something is not as it should be, and has been told
	exitUsage     = 2 // also a file that is not what it should be
)

// insistence is how long after an interrupt another one is not meant to kill
// yet: shells, timeout(1) and npm signal a process and then its whole group,
// and what is being written would be lost.
const insistence = time.Second

// errDifferent ends a command that found a difference and has told it.
var errDifferent = errors.New("different")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(insistence, stop) }) // a later interrupt kills
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return exitDone
	case errors.Is(err, errDifferent) || errors.Is(err, errProblems):
		return exitDifferent
	default:
		fmt.Fprintf(s.err, "rehearse: %v\n", err)
		return exitUsage
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "rehearse",
		Short:         "Rehearse the bad day: stand-ins to run, and what tests left behind to look at",
		Args:          noArguments,
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(flagError)
	for _, command := range commands {
		root.AddCommand(command())
	}
	return root
}
