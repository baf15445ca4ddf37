// Where mode Processes is not: without process groups, signals and files to inherit.

//go:build !unix

package clustertest

import (
	"runtime"
	"testing"
)

func openProcesses(*testing.T, real, int) (world, error) {
	return nil, errCannot(Processes, "anything on "+runtime.GOOS)
}

// closeOnExec does nothing: no file is inherited here unless it is asked for.
func closeOnExec(int) {}
