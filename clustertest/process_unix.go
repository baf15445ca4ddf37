// A group of processes, which ends when this process does, however that ends.

//go:build unix

package clustertest

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// keep is what a keeper runs: told a group, and then no more, it kills the
// group. Its standard input ends when the process does that holds the other
// end, also if that is killed.
const keep = `read -r group && { read -r over || kill -s KILL -- "-$group"; }`

// group is the process group of a command: all that it starts, and that starts,
// unless it leaves (setsid). A keeper kills it when this process has ended.
type group struct {
	id     int
	keeper *exec.Cmd
	in     io.WriteCloser
}

// newGroup returns a group without processes, whose keeper runs. The keeper is
// in another, so that what is sent to the test's does not reach it.
func newGroup() (*group, error) {
	g := &group{keeper: exec.Command("sh", "-c", keep)}
	lead(g.keeper)
	var err error
	if g.in, err = g.keeper.StdinPipe(); err == nil {
		err = g.keeper.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("a shell, which is to end the process if the test cannot: %w", err)
	}
	return g, nil
}

// start starts the command as the first of the group.
func (g *group) start(cmd *exec.Cmd) error {
	lead(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	g.id = cmd.Process.Pid
	fmt.Fprintln(g.in, g.id)
	return nil
}

// lead lets a command lead a group of its own.
func lead(cmd *exec.Cmd) {
	var attr syscall.SysProcAttr
	if cmd.SysProcAttr != nil {
		attr = *cmd.SysProcAttr
	}
	attr.Setpgid, attr.Pgid = !attr.Setsid, 0 // who leads a session leads a group
	cmd.SysProcAttr = &attr
}

// signal signals everybody of the group.
func (g *group) signal(s syscall.Signal) error { return syscall.Kill(-g.id, s) }

// dismiss ends the keeper and waits for that: the group has ended, or was never
// started.
func (g *group) dismiss() {
	if g.id != 0 {
		fmt.Fprintln(g.in, "over")
	}
	g.in.Close()
	g.keeper.Wait()
}

// closeOnExec keeps a file from the programs that this process starts.
func closeOnExec(fd int) { syscall.CloseOnExec(fd) }
