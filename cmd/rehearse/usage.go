// What a command line that does not fit is told.

package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// asUsed demands as many arguments as the command's Use names.
func asUsed(c *cobra.Command, args []string) error {
	if names := strings.Fields(c.Use)[1:]; len(args) != len(names) {
		return fmt.Errorf("%d arguments given; want %s", len(args), c.UseLine())
	}
	return nil
}

// noArguments refuses what is no subcommand, and guesses which one was meant.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	guess := ""
	c.SuggestionsMinimumDistance = 2 // letters between what is there and what was typed
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		guess = fmt.Sprintf(", did you mean %q?", near[0])
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), guess)
}

// flagName finds the names of flags in what help says of them.
var flagName = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`)

// flagError adds to the error of an unknown flag which one was meant.
func flagError(c *cobra.Command, err error) error {
	name, long := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !long && !strings.HasPrefix(err.Error(), "unknown shorthand flag: ") {
		return err
	}
	var known []string
	for _, m := range flagName.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
		known = append(known, m[1])
	}
	if guess := meant(name, known); guess != "" {
		return fmt.Errorf("%w%s", err, guess)
	}
	return fmt.Errorf("%w; %s --help tells which there are", err, c.CommandPath())
}
