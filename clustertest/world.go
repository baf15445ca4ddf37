// What the modes have in common: a world with hosts, faults and lives.

package clustertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// A world is what a cluster lives in; each mode has one.
type world interface {
	host(name string) Host
	fault(f vnet.Fault) (end func(), err error)
	reset(a, b string) // every connection between two hosts; if b is "", of a
	await(t *testing.T, what string, within time.Duration, ok func() bool)
	settle() error
	spawn(m *member, who identity) (life, error)
}

// A life is a node's program from one start to its end.
type life interface {
	program() Program       // nil if it is in another process
	end()                   // asks Run to return
	cut()                   // lets nothing of it reach anybody any more; end follows
	ended() <-chan fate     // has its fate once, when Run has returned or the process has ended
	pause() (func(), error) // beyond what the network does
	pace(rate float64) error
}

// A fate is how a life ended. A process that was killed ended so.
type fate struct {
	err error
	how string // of a process: "exit status 3", "signal: killed"
}

// errCannot says that a mode cannot do something. It wraps ErrUnsupported.
func errCannot(m Mode, what string) error {
	return fmt.Errorf("mode %v cannot do this: %s: %w", m, what, errors.ErrUnsupported)
}

// inside is a life that is goroutines of this process.
type inside struct {
	env    *Env
	run    Program
	cancel context.CancelFunc
	done   chan fate
}

// spawnInside builds the program and runs it.
func spawnInside(m *member, who identity, host Host) (life, error) {
	env := &Env{who: who, host: host, fs: m.disk.Mount(), clock: m.clock, note: m.note}
	p, err := m.build(env)
	if err != nil {
		env.dead.Store(true)
		return nil, fmt.Errorf("building %s: %w", who.Name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &inside{env: env, run: p, cancel: cancel, done: make(chan fate, 1)}
	go l.live(ctx, m)
	return l, nil
}

// live runs the program. A panic of it ends the process, of which nobody else
// says whose it was.
func (l *inside) live(ctx context.Context, m *member) {
	returned := false
	defer func() {
		if !returned {
			fmt.Fprint(os.Stderr, m.obituary())
		}
	}()
	err := l.run.Run(ctx)
	returned = true
	l.done <- fate{err: err}
}

// obituary is what is said of a program that ends with the process.
func (m *member) obituary() string {
	c := m.cluster
	return fmt.Sprintf("clustertest: the program of %s does not return: a panic, or a Fatal of the test's\n"+
		"seed   %#x, faults in force: %s\nrerun  %s\n",
		m.name, c.seed, c.force.String(), again.Command(c.t.Name(), fmt.Sprintf("-rehearse.seed=%#x", c.seed)))
}

func (l *inside) program() Program   { return l.run }
func (l *inside) end()               { l.cancel() }
func (l *inside) cut()               { l.env.dead.Store(true) }
func (l *inside) ended() <-chan fate { return l.done }

func (l *inside) pause() (func(), error) { return func() {}, nil }

func (l *inside) pace(rate float64) error {
	if !l.env.clock.set(rate) {
		return fmt.Errorf("%s takes its time from package time; let it take ticks from its Env, or give it longer "+
			"timeouts: %w", l.env.Name(), errors.ErrUnsupported)
	}
	return nil
}

// note puts an event into the cluster's journal.
func (m *member) note(e journal.Event) { m.cluster.journal.Append(e) }
