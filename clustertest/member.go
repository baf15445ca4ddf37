// A member: a node through all its lives, whatever its program's type.

package clustertest

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
	"github.com/rehearse-go/rehearse/vnet"
)

// member is one node. What changes its life is done one after the other: turn
// is a lock whose waiting a bubble's clock understands.
type member struct {
	cluster *cluster
	name    string
	index   int
	build   func(*Env) (Program, error)
	disk    *vdisk.Disk // nil in Processes
	dir     string
	clock   *clock

	turn  chan struct{} // holds a token while the member is being changed
	life  life
	over  chan struct{} // closed when life has ended
	last  fate          // of a life that was asked to end, once it is over
	lives int
	up    func() // ends the network fault of a node that is down
	state atomic.Int32
	fell  atomic.Bool // its last life ended by itself
}

// errDown is that a node does not run.
var errDown = errors.New("it does not run")

// What a member is doing.
const (
	down int32 = iota
	running
	leaving // it was told to end
	dying   // it was cut off
)

var stateNames = [...]string{"is down", "runs", "is ending", "is dying"}

func (m *member) lock()   { m.turn <- struct{}{} }
func (m *member) unlock() { <-m.turn }

// start begins a new life.
func (m *member) start() error {
	m.lock()
	defer m.unlock()
	if m.state.Load() != down {
		return fmt.Errorf("%s runs already", m.name)
	}
	m.rise()
	c := m.cluster
	who := identity{
		Name: m.name, Index: m.index, Life: m.lives, Nodes: c.names(), Seed: c.seed, Dir: m.dir,
	}
	m.lives++
	m.note(journal.Event{
		Kind: "node.start", Where: m.name,
		Notes: []journal.Note{{Key: "life", Value: strconv.Itoa(who.Life)}},
	})
	life, err := c.world.spawn(m, who)
	if err != nil {
		return err
	}
	m.life, m.over = life, make(chan struct{})
	m.fell.Store(false)
	m.state.Store(running)
	go m.follow(life, m.over)
	return nil
}

// rise ends what keeps the host of a dead node from the network.
func (m *member) rise() {
	if m.up != nil {
		m.up()
		m.up = nil
	}
}

// follow waits for the end of a life, and judges one that nobody asked for.
func (m *member) follow(l life, over chan<- struct{}) {
	defer close(over)
	end := <-l.ended()
	if !m.state.CompareAndSwap(running, down) {
		m.last = end
		return // leave tells of it
	}
	m.fell.Store(true)
	m.noteExit(end)
	if c := m.cluster; !c.config.Failed(m.name, end.err) {
		c.t.Errorf("clustertest: the program of %s ended by itself: %v", m.name, end.err)
	}
}

// judged waits until follow has judged the end of a life that is over.
func (m *member) judged() {
	m.lock()
	over := m.over
	m.unlock()
	if over != nil && m.state.Load() == down {
		<-over
	}
}

// noteExit records the end of a life: of a process with how it ended.
func (m *member) noteExit(end fate) {
	e := journal.Event{Kind: "node.exit", Where: m.name}
	if end.how != "" {
		e.Notes = append(e.Notes, journal.Note{Key: "process", Value: end.how})
	}
	if end.err != nil && end.err.Error() != end.how {
		e.Notes = append(e.Notes, journal.Note{Key: "error", Value: end.err.Error()})
	}
	m.note(e)
}

// stop lets the program end, and waits until it has.
func (m *member) stop() error {
	m.lock()
	defer m.unlock()
	if !m.tell() {
		return nil
	}
	err := m.leave("it was stopped")
	m.fall("down")
	return err
}

// tell tells the program to end, if it runs.
func (m *member) tell() bool {
	if !m.state.CompareAndSwap(running, leaving) {
		return false
	}
	m.note(journal.Event{Kind: "node.stop", Where: m.name})
	m.life.end()
	return true
}

// A death is how a life is cut short.
type death struct {
	kind  journal.Kind // of the event
	host  string       // the fault of its host
	crash vdisk.Crash  // what becomes of its disk
}

var (
	killed   = death{"node.kill", "down", vdisk.Crash{Keep: true, Ghost: true}}
	crashed  = death{"node.crash", "down", vdisk.Crash{Ghost: true}}
	powerOff = death{"node.poweroff", "crash", vdisk.Crash{Ghost: true}}
)

// die cuts the lives of members short, at one blow: at once nothing of them
// reaches anybody or is stored. It returns when all of them are over.
func die(d death, members ...*member) (err error) {
	slices.SortFunc(members, func(a, b *member) int { return a.index - b.index }) // one order for all who lock
	for _, m := range members {
		if d == powerOff && m.disk == nil {
			return errCannot(m.cluster.config.Mode, "poweroff "+m.name)
		}
	}
	var dead []*member
	for _, m := range members {
		m.lock()
		defer m.unlock()
		if m.state.CompareAndSwap(running, dying) {
			dead = append(dead, m)
		}
	}
	for _, m := range dead {
		err = cmp.Or(err, m.cutOff(d))
	}
	for _, m := range dead {
		m.life.end() // only now, so that nobody sees it go
	}
	for _, m := range dead {
		err = cmp.Or(err, m.leave("it was cut off"))
	}
	return err
}

// cutOff lets nothing of a dying member reach anybody.
func (m *member) cutOff(d death) error {
	m.note(journal.Event{Kind: d.kind, Where: m.name})
	m.life.cut()
	err := m.fall(d.host)
	if m.disk != nil {
		m.disk.Crash(d.crash)
	}
	return err
}

// fall takes the host off the network until the next start.
func (m *member) fall(kind string) error {
	up, err := m.cluster.world.fault(vnet.Fault{Kind: kind, A: m.name})
	m.up = up
	return err
}

// leave waits until the life is over.
func (m *member) leave(why string) error {
	grace := time.NewTimer(m.cluster.config.Grace)
	defer grace.Stop()
	select {
	case <-m.over:
		if m.state.Swap(down) == dying {
			m.last.err = nil // the last words of the dead mean nothing
		}
		m.noteExit(m.last)
		return nil
	case <-grace.C:
		return m.overdue(why)
	}
}

// overdue cuts off a program that does not end, and tells of it. A process is
// dead then.
func (m *member) overdue(why string) error {
	c := m.cluster.config
	m.life.cut()
	if c.Mode == Processes {
		<-m.over
		m.state.Store(down)
		m.noteExit(m.last)
	}
	if c.Mode == Processes && c.Command != nil {
		return fmt.Errorf("the process of %s has not ended %v after %s; it was killed", m.name, c.Grace, why)
	}
	return fmt.Errorf("the Run of %s has not returned %v after %s; it must when its context is done",
		m.name, c.Grace, why)
}

// pause makes the node stand still.
func (m *member) pause() (resume func(), err error) {
	m.lock()
	defer m.unlock()
	if m.state.Load() != running {
		return nil, fmt.Errorf("%s: %w", m.name, errDown)
	}
	host, err := m.cluster.world.fault(vnet.Fault{Kind: "pause", A: m.name})
	if err != nil {
		return nil, err
	}
	program, err := m.life.pause()
	if err != nil {
		host()
		return nil, err
	}
	disk := func() {}
	if m.disk != nil {
		disk = m.disk.Pause()
	}
	return func() {
		disk()
		program()
		host()
	}, nil
}

// pace lets the node's clock run at another rate.
func (m *member) pace(rate float64) error {
	m.lock()
	defer m.unlock()
	switch {
	case rate <= 0:
		return fmt.Errorf("a clock of rate %v: it must be positive", rate)
	case m.state.Load() != running:
		return fmt.Errorf("%s: %w", m.name, errDown)
	}
	m.note(journal.Event{Kind: "node.clock", Where: m.name, Subject: strconv.FormatFloat(rate, 'g', -1, 64)})
	return m.life.pace(rate)
}

// roll is who belongs to the cluster, in the order of joining.
type roll struct {
	mu    sync.Mutex
	all   []*member // replaced, never changed
	added int
}

func (r *roll) load() []*member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// add adds what enlist makes of the next number.
func (r *roll) add(enlist func(index int) *member) *member {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := enlist(r.added)
	r.added++
	r.all = append(slices.Clip(r.all), m)
	return m
}

func (r *roll) strike(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(slices.Clone(r.all), func(o *member) bool { return o == m })
}

// join makes a new member with a host, a disk and files of its own.
func (c *cluster) join(build func(*Env) (Program, error)) *member {
	return c.members.add(func(index int) *member {
		name := fmt.Sprintf("n%d", index)
		m := &member{
			cluster: c, name: name, index: index, build: build, clock: newClock(),
			turn: make(chan struct{}, 1), dir: filepath.Join(c.root, name),
		}
		if c.config.Mode != Processes {
			disk := c.config.Disk
			disk.Seed, disk.Name, disk.Journal = keyed(c.seed, "disk", name), name, c.journal
			m.disk = vdisk.New(disk)
		}
		c.world.host(name)
		return m
	})
}
