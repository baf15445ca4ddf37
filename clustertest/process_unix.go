// Signals to the processes of nodes, where there are signals.

//go:build unix

package clustertest

import (
	"os"
	"syscall"
)

// endProcess asks a process to end.
func endProcess(p *os.Process) { p.Signal(syscall.SIGTERM) }

// pauseProcess stops a process until resume is called.
func pauseProcess(p *os.Process) (resume func(), err error) {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	return func() { p.Signal(syscall.SIGCONT) }, nil
}
