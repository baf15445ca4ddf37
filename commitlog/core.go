// The core: Raft and the ledger as one value, without clock, goroutine or I/O of its own.

package commitlog

import (
	"fmt"
	"log/slog"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A core is stepped by one goroutine. Whatever it is told, its outbox then
// holds what must be stored, sent and said.
type core struct {
	id      uint64
	raft    *raft.RawNode
	ledger  *ledger.Ledger
	storage *storage
	log     *wal.Log

	role    raft.StateType
	leader  uint64
	term    uint64
	commit  uint64
	ready   bool        // leads, and has applied an entry of its term
	applied ledger.Mark // the last entry that can be read
	low     uint64      // the first offset that can be read
	durable uint64      // the last index on this node's disk

	produce  produce
	reads    reads
	storing  []uint64               // the first indexes of jobs with entries that are not stored yet
	staged   map[uint64]*wal.Staged // segments that were fetched, by their last index
	fetching bool                   // segments are being fetched
	put      bool                   // segments are being put in the place of the log
	behind   []ledger.Mark          // what was not committed in the log that they replace
	offers   map[uint64]int         // ticks that nodes have left to fetch what they were offered
	trimming uint64                 // the offset up to which removal was proposed
	failed   error                  // a Latched: the core stands still
	noRoom   error                  // a Full: it takes no batches

	newMembers bool  // since the last picture
	cuts       []cut // likewise

	out outbox
}

// An outbox is what a core wants done.
type outbox struct {
	jobs   []job             // to be stored, in this order
	send   []*raftpb.Message // to other nodes
	events []Event
}

// A job is something for the disk. What it answers may go out once it is
// durable; without answers it need not be.
type job struct {
	state   wal.State
	entries []wal.Entry
	staged  *wal.Staged
	trim    uint64 // remove segments before this index
	commit  uint64 // what is committed by now
	answers []*raftpb.Message
}

// newCore makes the core of what the log and its ledger hold.
func newCore(c Config, id uint64, l *wal.Log, book *ledger.Ledger) (*core, error) {
	state := l.State()
	commit := max(book.Committed().Index, min(state.Commit, l.Last()))
	k := &core{
		id: id, ledger: book, log: l, commit: commit, term: state.Term, newMembers: true,
		applied: book.Committed(), low: book.Low, durable: l.Last(),
		staged:  map[uint64]*wal.Staged{},
		produce: newProduce(), reads: reads{round: uint64(c.Now().UnixNano())},
	}
	k.storage = &storage{log: l, ledger: book, applied: commit}
	k.storage.hard = raftpb.HardState{Term: &state.Term, Vote: &state.Vote, Commit: &commit}
	return k, k.start(c, commit)
}

// start makes the Raft of the core.
func (k *core) start(c Config, commit uint64) (err error) {
	defer func() {
		if why := ofRaft(recover(), k.storage); why != nil {
			err = why
		}
	}()
	k.raft, err = raft.NewRawNode(&raft.Config{
		ID: k.id, ElectionTick: c.Election, HeartbeatTick: 1,
		Storage: k.storage, Applied: commit, AsyncStorageWrites: true,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256, MaxInflightBytes: 64 << 20,
		MaxCommittedSizePerReady:  64 << 20,
		MaxUncommittedEntriesSize: uint64(c.MaxWaiting),
		PreVote:                   true, CheckQuorum: true, StepDownOnRemoval: true,
		DisableProposalForwarding: true,
		Logger:                    raftLogger{c.Logger.With(slog.String("part", "raft"))},
	})
	return err
}

// found makes this node the only voter of a new cluster.
func (k *core) found(self ledger.Member) error {
	err := k.raft.Bootstrap([]raft.Peer{{ID: k.id, Context: ledger.AppendMembers(nil, self)}})
	if err != nil {
		return fmt.Errorf("commitlog: founding a cluster: %w", err)
	}
	return nil
}

// hurry lets a node that is the only voter lead at once: there is nobody whose
// sign of life it could be waiting for.
func (k *core) hurry() {
	if k.alone() && k.role == raft.StateFollower && k.leader == raft.None {
		// Raft refuses while entries are not applied; the next call tries again.
		_ = k.raft.Campaign()
	}
}

// alone says whether this node is the only voter.
func (k *core) alone() bool {
	return len(k.ledger.Config.State.GetVoters()) == 1 && ledger.Votes(k.ledger.Config.State, k.id)
}

// settle takes from Raft what it has ready, until there is nothing.
func (k *core) settle() {
	for k.raft.HasReady() {
		k.handle(k.raft.Ready())
	}
}

func (k *core) handle(rd raft.Ready) {
	if rd.HardState != nil {
		k.term, k.commit = rd.HardState.GetTerm(), rd.HardState.GetCommit()
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		k.restore(rd.Snapshot)
	}
	entries := k.appended(rd.Entries)
	if rd.SoftState != nil {
		k.turned(rd.SoftState)
	}
	for _, m := range rd.Messages {
		switch m.GetTo() {
		case raft.LocalAppendThread:
			k.store(m, entries)
		case raft.LocalApplyThread:
			k.apply(m)
		default:
			k.out.send = append(k.out.send, m)
		}
	}
	k.reads.take(rd.ReadStates)
}

// appended tells the ledger of new entries, and their producers of those that
// were replaced.
func (k *core) appended(entries []*raftpb.Entry) []wal.Entry {
	if len(entries) == 0 {
		return nil
	}
	told := make([]wal.Entry, len(entries))
	for i, e := range entries {
		told[i] = wal.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Type: byte(e.GetType()), Data: e.GetData()}
		gone, err := k.ledger.Append(told[i])
		if err != nil {
			k.fail(Latched{err})
		}
		k.replaced(gone, e.GetTerm())
		k.produce.appended(told[i])
	}
	return told
}

// replaced says that entries are not in the log any more.
func (k *core) replaced(gone []ledger.Mark, by uint64) {
	if len(gone) == 0 {
		return
	}
	for _, m := range gone {
		k.produce.replaced(m, k.leading())
	}
	k.cuts = append(k.cuts, cut{index: gone[0].Index, last: gone[len(gone)-1].Index, term: by})
	k.say(Event{Kind: Truncated, Index: gone[0].Index, Term: by})
}

// store hands entries and state to the disk.
func (k *core) store(m *raftpb.Message, entries []wal.Entry) {
	j := job{entries: entries, answers: m.GetResponses(), commit: k.ledger.Committed().Index}
	if m.Term != nil {
		j.state = wal.State{Term: m.GetTerm(), Vote: m.GetVote(), Commit: m.GetCommit()}
	}
	if s := m.GetSnapshot(); !raft.IsEmptySnap(s) {
		at := s.GetMetadata().GetIndex()
		j.staged = k.staged[at]
		delete(k.staged, at)
	}
	if len(entries) > 0 {
		k.storing = append(k.storing, entries[0].Index)
		k.durable = min(k.durable, entries[0].Index-1)
	}
	k.out.jobs = append(k.out.jobs, j)
}

// apply makes committed entries readable.
func (k *core) apply(m *raftpb.Message) {
	for _, e := range m.GetEntries() {
		k.applyEntry(e)
	}
	for _, answer := range m.GetResponses() {
		k.step(answer)
	}
}

func (k *core) applyEntry(e *raftpb.Entry) {
	index := e.GetIndex()
	before := k.ledger.Config
	if err := k.ledger.Commit(index); err != nil {
		k.fail(Latched{err})
		return
	}
	k.storage.applied = index
	k.applied, k.low = k.ledger.Committed(), k.ledger.Low
	change := ledger.Change{Index: index, Type: e.GetType(), Data: e.GetData()}
	switch {
	case e.GetType() != raftpb.EntryNormal:
		k.reconfigure(before, change)
	case ledger.IsTrim(e.GetData()):
		k.trim(e)
	}
	k.produce.committed(k.ledger.Committed())
	if !k.ready && k.role == raft.StateLeader && e.GetTerm() == k.term {
		k.ready = true
		k.say(Event{Kind: Ready, Index: index, Term: k.term})
	}
}

// reconfigure tells Raft of a configuration that was committed.
func (k *core) reconfigure(before ledger.Config, change ledger.Change) {
	if change.Index <= before.Index {
		return // the configuration came with segments, and holds this change already
	}
	v2, err := change.Parse()
	if err != nil {
		k.fail(Latched{err})
		return
	}
	k.raft.ApplyConfChange(v2)
	k.sayMembers(before, k.ledger.Config)
}

func (k *core) trim(e *raftpb.Entry) {
	t, err := ledger.ParseTrim(e.GetData())
	if err != nil {
		k.fail(Latched{err})
		return
	}
	k.out.jobs = append(k.out.jobs, job{trim: t.Index, commit: k.ledger.Committed().Index})
	k.say(Event{Kind: Trimmed, Index: t.Index})
}

// turned notes who leads now.
func (k *core) turned(s *raft.SoftState) {
	was := k.role
	k.role = s.RaftState
	if k.role != raft.StateLeader {
		k.ready = false
	}
	if s.Lead != k.leader {
		k.leader = s.Lead
		if s.Lead != raft.None {
			k.say(Event{Kind: Elected, Node: k.name(s.Lead), Term: k.term})
		}
	}
	if was == raft.StateLeader && k.role != raft.StateLeader {
		k.say(Event{Kind: SteppedDown, Term: k.term})
		k.trimming = 0 // what was proposed may never be committed
		k.produce.lost(k.leading())
	}
}

// step tells Raft of a message; what it does not like it drops.
func (k *core) step(m *raftpb.Message) {
	if m.GetTo() != k.id {
		k.out.send = append(k.out.send, m)
		return
	}
	// The errors say that a message came from a node that left, or too late.
	_ = k.raft.Step(m)
}

// stored is told that jobs are durable.
func (k *core) stored(d done) {
	k.storing = k.storing[d.appends:]
	k.durable = d.last
	for _, first := range k.storing { // what is on the disk there is about to be replaced
		k.durable = min(k.durable, first-1)
	}
	if d.installed {
		k.restored()
	}
	for _, m := range d.answers {
		k.step(m)
	}
}

// fail makes the core stand still, for good.
func (k *core) fail(why error) {
	if k.failed != nil {
		return
	}
	k.failed = why
	k.ready = false
	k.say(Event{Kind: LatchedUp, Note: why.Error()})
	k.produce.fail(why)
	k.reads.fail(why)
}

// full notes that the disk has no room: no batch is taken until it has.
func (k *core) full(why error) {
	if k.noRoom != nil {
		return
	}
	k.noRoom = Full{why}
	k.say(Event{Kind: DiskFull, Note: why.Error()})
	k.produce.refuse(k.noRoom)
}

func (k *core) roomAgain() {
	k.noRoom = nil
	k.say(Event{Kind: RoomAgain})
}

func (k *core) say(e Event) { k.out.events = append(k.out.events, e) }

func (k *core) sayMembers(before, now ledger.Config) {
	k.newMembers = true
	for _, m := range sortedMembers(now) {
		if _, ok := before.Members[m.ID]; !ok || ledger.Votes(now.State, m.ID) != ledger.Votes(before.State, m.ID) {
			note := "learner"
			if ledger.Votes(now.State, m.ID) {
				note = "voter"
			}
			k.say(Event{Kind: MemberAdded, Node: m.Name, Index: now.Index, Note: note})
		}
	}
	for _, m := range sortedMembers(before) {
		if _, ok := now.Members[m.ID]; !ok {
			k.say(Event{Kind: MemberGone, Node: m.Name, Index: now.Index})
		}
	}
}

// leading is who leads, as clients should know it: a leader that is not ready
// yet is none.
func (k *core) leading() Leader {
	m, ok := k.ledger.Config.Members[k.leader]
	if !ok || k.leader == k.id && !k.ready {
		return Leader{Term: k.term}
	}
	return Leader{ID: m.Name, Addr: m.Addr, Term: k.term}
}

func (k *core) name(id uint64) string {
	if m, ok := k.ledger.Config.Members[id]; ok {
		return m.Name
	}
	return fmt.Sprintf("%x", id)
}
