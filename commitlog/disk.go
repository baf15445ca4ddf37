// The goroutine that writes: what waits is written at once and made durable together.

package commitlog

import (
	"errors"
	"sync"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A disk takes jobs, in order, and tells when they are durable. It keeps a
// ledger of its own, of what is written, for the segments' checkpoints.
type disk struct {
	log    *wal.Log
	ledger *ledger.Ledger
	told   chan<- done
	coming []wal.Entry // being written; the ledger has not been told yet
	state  wal.State   // as it was last written
	dirty  bool        // something was written that answers must wait for

	mu     sync.Mutex
	queue  []job
	closed bool
	wake   chan struct{} // of length 1
}

// done tells what became durable.
type done struct {
	answers   []*raftpb.Message
	appends   int    // jobs with entries
	last      uint64 // index on the disk
	installed bool   // segments were put in place
	err       error  // the disk failed; nothing more will be done
	full      error  // it has no room; the jobs are tried again at the next retry
	room      bool   // it had none, and has now
}

func newDisk(l *wal.Log, book *ledger.Ledger, told chan<- done) *disk {
	return &disk{log: l, ledger: book, told: told, state: l.State(), wake: make(chan struct{}, 1)}
}

// add hands over jobs; it never blocks.
func (d *disk) add(jobs []job) {
	d.mu.Lock()
	d.queue = append(d.queue, jobs...)
	d.mu.Unlock()
	d.retry()
}

// retry lets the disk look whether it can go on.
func (d *disk) retry() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// close ends run, which leaves what is queued undone.
func (d *disk) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.retry()
}

// take returns all that waits.
func (d *disk) take(rest []job) (jobs []job, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	jobs, d.queue = append(rest, d.queue...), nil
	return jobs, d.closed
}

// run works until close, or until the disk fails.
func (d *disk) run(end <-chan struct{}) {
	var rest []job
	full := false
	for range d.wake {
		jobs, closed := d.take(rest)
		if closed {
			return
		}
		rest = nil
		if len(jobs) == 0 {
			_ = d.log.Mark() // if it fails, so does the next write
			continue
		}
		told := done{}
		left, err := d.do(jobs, &told)
		switch {
		case errors.Is(err, wal.ErrFull):
			rest, told.full, full = left, err, true
		case err != nil:
			told.err = err
		default:
			told.room, full = full, false
		}
		select {
		case d.told <- told:
		case <-end:
			return
		}
		if told.err != nil {
			return
		}
	}
}

// do does jobs until one fails, and syncs if an answer needs it. It returns
// the jobs that were not done.
func (d *disk) do(jobs []job, told *done) (left []job, err error) {
	answers := false
	for len(jobs) > 0 && err == nil {
		n := mergeable(jobs)
		if err = d.write(jobs[:n]); err != nil {
			break
		}
		for _, j := range jobs[:n] {
			told.answers = append(told.answers, j.answers...)
			if len(j.entries) > 0 {
				told.appends++
			}
			answers = answers || len(j.answers) > 0
			told.installed = told.installed || j.staged != nil
		}
		jobs = jobs[n:]
	}
	if answers && d.dirty && !ackBeforeSync {
		if syncErr := d.log.Sync(); syncErr != nil {
			told.answers, err = nil, syncErr
		}
		d.dirty = false
	}
	told.last = d.log.Last()
	return jobs, err
}

// mergeable is how many jobs from the front are one write: their entries
// follow one another.
func mergeable(jobs []job) int {
	if jobs[0].staged != nil || jobs[0].trim != 0 {
		return 1
	}
	var last uint64
	for i, j := range jobs {
		if j.staged != nil || j.trim != 0 {
			return i
		}
		if len(j.entries) == 0 {
			continue
		}
		if last != 0 && j.entries[0].Index != last+1 {
			return i
		}
		last = j.entries[len(j.entries)-1].Index
	}
	return len(jobs)
}

func (d *disk) write(jobs []job) error {
	first := jobs[0]
	switch {
	case first.staged != nil:
		return d.install(first)
	case first.trim != 0:
		return d.log.Trim(first.trim)
	}
	state, entries := d.state, first.entries
	for i, j := range jobs {
		if j.state != (wal.State{}) {
			state = j.state
		}
		if i > 0 && len(j.entries) > 0 {
			entries = append(entries[:len(entries):len(entries)], j.entries...)
		}
	}
	if err := d.append(state, entries); err != nil {
		return err
	}
	return d.ledger.Commit(jobs[len(jobs)-1].commit)
}

// append writes entries and state. A state of which only the commit index is
// new waits for the next entries: whoever starts without it learns it again.
func (d *disk) append(state wal.State, entries []wal.Entry) error {
	same := state.Term == d.state.Term && state.Vote == d.state.Vote
	if same && len(entries) == 0 {
		d.state.Commit = state.Commit
		return nil
	}
	if len(entries) > 0 {
		d.ledger.Truncate(entries[0].Index)
	}
	d.coming = entries
	if err := d.log.Append(state, entries); err != nil {
		return err
	}
	d.state, d.dirty = state, true
	return d.follow(d.log.Last())
}

// follow tells the ledger of what is being written, up to last.
func (d *disk) follow(last uint64) error {
	for len(d.coming) > 0 && d.coming[0].Index <= last {
		if _, err := d.ledger.Append(d.coming[0]); err != nil {
			return err
		}
		d.coming = d.coming[1:]
	}
	return nil
}

// checkpoint is asked by the log when a segment begins.
func (d *disk) checkpoint(before uint64) []byte {
	if err := d.follow(before - 1); err != nil {
		panic("commitlog: " + err.Error()) // the core's ledger has taken the same entries
	}
	return d.ledger.Checkpoint().Bytes()
}

// install puts segments in the place of the log, and begins a new ledger.
func (d *disk) install(j job) error {
	if err := d.log.Install(j.staged); err != nil {
		return err
	}
	if j.state != (wal.State{}) { // it may be of a new term, and says that all of it is committed
		if err := d.log.Append(j.state, nil); err != nil {
			return err
		}
		d.state, d.dirty = j.state, true
	}
	books, err := openLedgers(d.log, 1)
	if err != nil {
		return err
	}
	d.ledger = books[0]
	return nil
}

// openLedgers returns so many ledgers of what the log holds, which is read
// once. They begin with a checkpoint of which everything is known to be
// committed, for what lies before a ledger's beginning it never takes back.
func openLedgers(l *wal.Log, count int) ([]*ledger.Ledger, error) {
	before, state, err := l.CheckpointAt(max(l.State().Commit+1, l.First()))
	if err != nil {
		return nil, err
	}
	last, err := boundary(l, before)
	if err != nil {
		return nil, err
	}
	books := make([]*ledger.Ledger, count)
	for i := range books {
		c, err := ledger.ParseCheckpoint(state)
		if err != nil {
			return nil, err
		}
		books[i] = ledger.Open(c, last)
	}
	for next := before; next <= l.Last(); {
		entries, err := l.Entries(next, l.Last()+1, 4<<20)
		if err != nil {
			return nil, err
		}
		for _, book := range books {
			if err := tellAll(book, entries); err != nil {
				return nil, err
			}
		}
		next += uint64(len(entries))
	}
	if forgetPast {
		for _, book := range books {
			book.Producers = ledger.NewProducers()
		}
	}
	return books, nil
}

func tellAll(book *ledger.Ledger, entries []wal.Entry) error {
	for _, e := range entries {
		if _, err := book.Append(e); err != nil {
			return err
		}
	}
	return nil
}

// boundary is the mark of the entry before index.
func boundary(l *wal.Log, index uint64) (ledger.Mark, error) {
	m := ledger.Mark{Index: index - 1, Offset: l.Next()}
	if index <= l.Last() {
		next, err := l.Entries(index, index+1, 0)
		if err != nil {
			return m, err
		}
		m.Offset = next[0].Base
	}
	if index <= 1 {
		return m, nil
	}
	var err error
	m.Term, err = l.Term(index - 1)
	return m, err
}
