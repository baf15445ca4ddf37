// What a process prints and reports, and what it tells of how it ended.

//go:build unix

package clustertest

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// heard is what a process has said. Log and reports have a reader each; when
// both are done it may be asked.
type heard struct {
	p      *process
	words  string // the end of its Run, as it reported it last
	cry    string // the line that a Go program's end begins with
	racing bool   // within what a race detector prints
	race   []string
}

// read reads what the process prints.
func (h *heard) read(log io.Reader) {
	all := &lines{emit: func(line string) {
		h.p.note(line)
		h.listen(line)
	}}
	io.Copy(all, log)
	all.flush()
	h.tellRace()
}

// listen understands a line, if it is of Go's own.
func (h *heard) listen(line string) {
	switch {
	case line == "WARNING: DATA RACE":
		h.tellRace()
		h.racing = true
	case strings.HasPrefix(line, "=========="):
		h.tellRace()
	case h.cry == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")):
		h.cry = line
	}
	if h.racing {
		h.race = append(h.race, line)
	}
}

// tellRace fails the test if a race was found: the process itself goes on.
func (h *heard) tellRace() {
	if h.racing {
		h.p.m.cluster.t.Errorf("clustertest: in the process of %s:\n%s", h.p.m.name, strings.Join(h.race, "\n"))
	}
	h.racing, h.race = false, nil
}

// fatal notes what the program's Run returned.
func (h *heard) fatal(words string) { h.words = words }

// sense makes of a command's end what the process said of it.
func (h *heard) sense(end error) error {
	switch {
	case h.words != "":
		return errors.New(h.words)
	case errors.Is(end, exec.ErrWaitDelay): // the process itself ended well
		return nil
	case end != nil && h.cry != "":
		return fmt.Errorf("%w: %s", end, h.cry)
	}
	return end
}
