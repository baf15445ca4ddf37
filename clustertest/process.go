// Mode Processes, the parent's side: each life is a process.

package clustertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// nodeVar is the environment variable by which a test binary knows that it is
// to be a node.
const nodeVar = "REHEARSE_NODE"

// orders is what a node's process is told at its start.
type orders struct {
	Test    string // the name of the test whose Run it is to join
	Gateway string // where its network is
	Who     identity
}

// A report is one line that a node's process writes to its parent.
type report struct {
	Up    bool           `json:",omitempty"` // the program is built
	Event *journal.Event `json:",omitempty"`
	Fatal string         `json:",omitempty"` // how it ended, if not well
}

// process is a life that is a process.
type process struct {
	m      *member
	cmd    *exec.Cmd
	orders io.WriteCloser // its standard input
	up     chan struct{}  // closed when the program is built
	done   chan fate
	fatal  string // what it reported last; owned by watch
}

// spawn starts a node's process and waits until its program is built.
func (w *processes) spawn(m *member, who identity) (life, error) {
	if err := os.MkdirAll(who.Dir, 0o755); err != nil {
		return nil, err
	}
	p := &process{m: m, up: make(chan struct{}), done: make(chan fate, 1)}
	own, err := p.prepare(w, who)
	if err != nil {
		return nil, err
	}
	events, err := p.launch()
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	go p.watch(events, over)
	if !own {
		return p, nil
	}
	grace := time.NewTimer(m.cluster.config.Grace)
	defer grace.Stop()
	select {
	case <-p.up:
		return p, nil
	case <-over:
		end := <-p.done
		return nil, fmt.Errorf("the process of %s ended before its program was built: %w", who.Name, end.err)
	case <-grace.C:
		p.cmd.Process.Kill()
		return nil, fmt.Errorf("the process of %s has not built its program within %v",
			who.Name, m.cluster.config.Grace)
	}
}

// prepare makes the command, and tells whether it is this test binary.
func (p *process) prepare(w *processes, who identity) (own bool, err error) {
	if command := p.m.cluster.config.Command; command != nil {
		info := &NodeInfo{
			Name: who.Name, Index: who.Index, Life: who.Life, Nodes: who.Nodes, Seed: who.Seed, Dir: who.Dir,
			host: w.network.Host(who.Name),
		}
		if p.cmd = command(info); p.cmd == nil {
			return false, fmt.Errorf("Config.Command made no command for %s", who.Name)
		}
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, info.files...)
		return false, info.err
	}
	gateway, err := w.network.Host(who.Name).Gateway()
	if err != nil {
		return false, err
	}
	told, err := json.Marshal(orders{Test: p.m.cluster.t.Name(), Gateway: gateway, Who: who})
	if err != nil {
		return false, err
	}
	p.cmd = selfCommand(p.m.cluster.t.Name())
	p.cmd.Env = append(os.Environ(), nodeVar+"="+string(told))
	return true, nil
}

// launch starts the process, with its log and its events coming here.
func (p *process) launch() (events *os.File, err error) {
	events, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	log := &lines{emit: p.log}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.ExtraFiles = append([]*os.File{theirs}, p.cmd.ExtraFiles...)
	if p.orders, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		events.Close()
		return nil, fmt.Errorf("starting %s: %w", p.m.name, err)
	}
	return events, nil
}

func (p *process) log(line string) {
	p.m.note(journal.Event{Kind: "node.log", Where: p.m.name, Body: []byte(line)})
}

// watch reads what the process reports until it ends.
func (p *process) watch(events *os.File, over chan<- struct{}) {
	defer close(over)
	p.read(events)
	events.Close()
	err := p.cmd.Wait()
	if p.fatal != "" {
		err = errors.New(p.fatal)
	}
	p.done <- fate{err}
}

// longestReport bounds the line of one report, in bytes.
const longestReport = 1 << 20

func (p *process) read(events io.Reader) {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, longestReport)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			p.log(fmt.Sprintf("clustertest: not a report: %q", clip(lines.Text())))
			continue
		}
		switch {
		case r.Event != nil:
			r.Event.Where = p.m.name
			p.m.note(journal.Event{
				Kind: r.Event.Kind, Where: p.m.name, Subject: r.Event.Subject,
				Body: r.Event.Body, Notes: r.Event.Notes,
			})
		case r.Fatal != "":
			p.fatal = r.Fatal
		case r.Up:
			p.isUp()
		}
	}
	io.Copy(io.Discard, events)
}

func (p *process) isUp() {
	select {
	case <-p.up:
	default:
		close(p.up)
	}
}

func (p *process) program() Program   { return nil }
func (p *process) ended() <-chan fate { return p.done }
func (p *process) end()               { endProcess(p.cmd.Process) }
func (p *process) cut()               { p.cmd.Process.Kill() }

func (p *process) pause() (resume func(), err error) { return pauseProcess(p.cmd.Process) }

// pace sends the new rate. A program that does not take its time from its Env
// ends with an error then.
func (p *process) pace(rate float64) error {
	if p.m.cluster.config.Command != nil {
		return errCannot(Processes, "clocks of a Command")
	}
	_, err := fmt.Fprintf(p.orders, "clock %v\n", rate)
	return err
}

// clip shortens what is told of a text.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
