// Mode Processes, the parent's side: each life is a process.

//go:build unix

package clustertest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// processes is the world of mode Processes.
type processes struct {
	real
	run    int            // the number of this Run among those of its test
	owned  sync.WaitGroup // every goroutine that looks after a process
	mu     sync.Mutex
	living map[*process]bool
}

// openProcesses makes the world of one Run. At the test's end every process of
// it is dead.
func openProcesses(t *testing.T, r real, run int) (world, error) {
	w := &processes{real: r, run: run, living: map[*process]bool{}}
	t.Cleanup(w.close)
	return w, nil
}

// close kills what still lives, and waits for the end of all.
func (w *processes) close() {
	w.mu.Lock()
	for p := range w.living {
		p.cut()
	}
	w.mu.Unlock()
	w.owned.Wait()
}

// process is a life that is a process, and the processes that it starts.
type process struct {
	m         *member
	own       bool // it is this test binary
	cmd       *exec.Cmd
	inherited []*os.File
	group     *group
	orders    io.WriteCloser // its standard input; nil if the command has one
	log       *os.File       // what it prints comes here
	events    *os.File       // its reports come here
	heard     heard
	up        chan struct{} // closed, once, when the program is built
	once      sync.Once
	reaped    chan struct{} // closed when it has ended
	over      chan struct{} // closed when all that it said is known, too
	done      chan fate
	rise      func() // ends the fault of the host of who ended by itself; nil without
}

// spawn starts a node's process and waits until its program is built; of a
// Command, which tells nothing of that, until the process is there.
func (w *processes) spawn(m *member, who identity) (life, error) {
	if last, ok := m.life.(*process); ok && last.rise != nil {
		last.rise()
	}
	if err := os.MkdirAll(who.Dir, 0o755); err != nil {
		return nil, err
	}
	p := &process{
		m: m, own: m.cluster.config.Command == nil,
		up: make(chan struct{}), reaped: make(chan struct{}), over: make(chan struct{}), done: make(chan fate, 1),
	}
	p.heard.p = p
	err := p.prepare(w, who)
	if err == nil {
		err = p.launch()
	}
	for _, f := range p.inherited {
		f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("starting the process of %s: %w", m.name, err)
	}
	w.follow(p)
	if p.own {
		if err := p.awaitUp(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// follow looks after a process from now on.
func (w *processes) follow(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.living[p] = true
	w.owned.Go(func() {
		p.watch(w)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.living, p)
	})
}

// prepare makes the command.
func (p *process) prepare(w *processes, who identity) (err error) {
	host := w.network.Host(who.Name)
	if p.own {
		gateway, err := host.Gateway()
		if err != nil {
			return err
		}
		p.cmd, err = selfCommand(orders{
			Test: p.m.cluster.t.Name(), Run: w.run, Gateway: gateway, Who: who, Rate: p.m.clock.pace(),
		})
		return err
	}
	info := &NodeInfo{
		Name: who.Name, Index: who.Index, Life: who.Life, Nodes: who.Nodes, Seed: who.Seed, Dir: who.Dir,
		host: host,
	}
	p.cmd = p.m.cluster.config.Command(info)
	p.inherited = info.files
	if info.err == nil && p.cmd == nil {
		return errors.New("Config.Command made no command")
	}
	return info.err
}

// launch starts the process, with what it prints and reports coming here.
func (p *process) launch() error {
	log, printed, err := os.Pipe()
	if err != nil {
		return err
	}
	defer printed.Close()
	events, reported, err := os.Pipe()
	if err != nil {
		log.Close()
		return err
	}
	defer reported.Close()
	if err := p.connect(printed, reported); err != nil {
		log.Close()
		events.Close()
		return err
	}
	p.log, p.events = log, events
	return nil
}

// connect starts the process with these files.
func (p *process) connect(printed, reported *os.File) (err error) {
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = printed
	}
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = printed
	}
	if p.cmd.WaitDelay == 0 {
		p.cmd.WaitDelay = lingering
	}
	files := append([]*os.File{reported}, p.inherited...)
	p.cmd.ExtraFiles = append(files, p.cmd.ExtraFiles...)
	if p.group, err = newGroup(); err != nil {
		return err
	}
	if p.cmd.Stdin == nil {
		p.orders, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.group.start(p.cmd)
	}
	if err != nil {
		p.group.dismiss()
	}
	return err
}

// awaitUp waits until the program is built. One that is not is dead then.
func (p *process) awaitUp() error {
	limit := p.m.cluster.config.Grace
	grace := time.NewTimer(limit)
	defer grace.Stop()
	late := false
	select {
	case <-p.up:
	case <-p.over:
	case <-grace.C:
		late = true
		p.cut()
		<-p.over
	}
	select {
	case <-p.up:
		return nil
	default:
	}
	end := <-p.done
	p.m.noteExit(end)
	switch {
	case late:
		return fmt.Errorf("the process of %s has not built its program within %v; it was killed", p.m.name, limit)
	case end.err == nil:
		return fmt.Errorf("the process of %s never came to its Run: %s", p.m.name, end.how)
	}
	return fmt.Errorf("the process of %s ended before its program was built: %w", p.m.name, end.err)
}

// lingering is how long what a dead process printed is waited for while
// somebody else holds the pipe: a process that it started, and that left its
// group. Else the pipe ends with the group.
const lingering = time.Second

// watch reads what the process says until it has ended, ends what it has left
// behind, and tells its fate.
func (p *process) watch(w *processes) {
	var readers sync.WaitGroup
	readers.Go(func() { p.heard.read(p.log) })
	readers.Go(func() { p.read(p.events) })
	err := p.cmd.Wait()
	p.group.signal(syscall.SIGKILL)
	close(p.reaped)
	p.group.dismiss()
	soon := time.Now().Add(lingering)
	p.log.SetReadDeadline(soon)
	p.events.SetReadDeadline(soon)
	readers.Wait()
	p.log.Close()
	p.events.Close()
	if !p.own && p.m.state.Load() == running { // what it listened with may be open still
		p.rise, _ = w.fault(vnet.Fault{Kind: "down", A: p.m.name})
	}
	close(p.over)
	p.done <- fate{err: p.heard.sense(err), how: p.cmd.ProcessState.String()}
}

// read reads what the process reports.
func (p *process) read(events io.Reader) {
	all := &lines{longest: longestReport, emit: func(line string) {
		if !p.take(line) {
			p.note(fmt.Sprintf("clustertest: on file %d, not a report: %q", reportsFile, clip(line)))
		}
	}}
	io.Copy(all, events)
	all.flush()
}

// take takes a report, and tells whether it was one. The events that tell of a
// node's life are the harness's to tell.
func (p *process) take(line string) bool {
	r, err := readReport(line)
	switch {
	case err != nil:
		return false
	case r.Event != nil:
		e := r.Event
		if e.Kind == "" || strings.HasPrefix(string(e.Kind), "node.") && e.Kind != "node.log" {
			return false
		}
		p.m.note(journal.Event{Kind: e.Kind, Where: p.m.name, Subject: e.Subject, Body: e.Body, Notes: e.Notes})
		return true
	case p.own && r.Fatal != "":
		p.heard.fatal(r.Fatal)
		return true
	case p.own && r.Up:
		p.once.Do(func() { close(p.up) })
		return true
	}
	return false
}

// note records a line of the node's log.
func (p *process) note(line string) {
	p.m.note(journal.Event{Kind: "node.log", Where: p.m.name, Body: []byte(line)})
}

func (p *process) program() Program   { return nil }
func (p *process) ended() <-chan fate { return p.done }
func (p *process) end()               { p.cmd.Process.Signal(syscall.SIGTERM) }
func (p *process) cut()               { p.signal(syscall.SIGKILL) }

// signal signals the process and all that it started.
func (p *process) signal(s syscall.Signal) error {
	select {
	case <-p.reaped:
		return os.ErrProcessDone
	default:
		return p.group.signal(s)
	}
}

func (p *process) pause() (resume func(), err error) {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("pausing the process of %s: %w", p.m.name, err)
	}
	return func() { p.signal(syscall.SIGCONT) }, nil
}

// pace sends the new rate. A program that does not take its time from its Env
// ends with an error then.
func (p *process) pace(rate float64) error {
	if !p.own {
		return errCannot(Processes, "clocks of a Command")
	}
	_, err := fmt.Fprintf(p.orders, "clock %v\n", rate)
	if err == nil {
		p.m.clock.set(rate) // lives to come have it too
	}
	return err
}
