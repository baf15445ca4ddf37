// rehearse version.

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of rehearse, of Go, and of the journals it reads",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "rehearse %s, %s, %s/%s, journal %d\n",
				moduleVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, journal.Version)
			return err
		},
	}
}

// moduleVersion is what the build knows: a release, or "(devel)".
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
