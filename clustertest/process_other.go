// Ending the processes of nodes where there are no signals.

//go:build !unix

package clustertest

import "os"

// endProcess ends a process: there is no way to ask it.
func endProcess(p *os.Process) { p.Kill() }

// pauseProcess is not possible here.
func pauseProcess(*os.Process) (resume func(), err error) {
	return nil, errCannot(Processes, "pause, on this operating system")
}
