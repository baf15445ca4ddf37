// Putting another node's segments into the log, at once or not at all.

package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// A plan is what an installation does, as it is written down before it is done.
type plan struct {
	from uint64   // segments that begin here or behind go
	put  []string // and these come
}

func (p plan) text() string {
	s := fmt.Sprintf("from %d\n", p.from)
	for _, name := range p.put {
		s += "put " + name + "\n"
	}
	return fmt.Sprintf("%ssum %d\n", s, crc32.Checksum([]byte(s), castagnoli))
}

func parsePlan(data []byte) (p plan, err error) {
	lines := strings.Split(string(data), "\n")
	_, err = fmt.Sscanf(lines[0], "from %d", &p.from)
	for _, line := range lines[1:] {
		name, ok := strings.CutPrefix(line, "put ")
		if _, _, valid := parseName(name); ok && valid {
			p.put = append(p.put, name)
		}
	}
	if err != nil || p.text() != string(data) {
		return p, &Corrupt{Segment: path.Join(installName, manifestName), Why: "it does not match its checksum"}
	}
	return p, nil
}

// Install puts s into the log: what the log has from there on is gone, and so
// is what it has before unless s follows it. Behind s a new segment begins,
// with the log's own hard state and the checkpoint of s. All that is done at
// once, also in a crash. [ErrFull] leaves all as it was, and s may be installed
// again. It fails if s ends before what is committed.
func (l *Log) Install(s *Staged) error {
	if err := l.usable(); err != nil {
		return err
	}
	end := &s.segments[len(s.segments)-1]
	if s.over || s.log != l {
		return errors.New("wal: what is to be installed was installed or discarded, or is another log's")
	}
	if end.last < l.state.Commit {
		return fmt.Errorf("wal: entries up to %d are committed; segments that end with %d cannot take their place",
			l.state.Commit, end.last)
	}
	p, err := l.stage(s)
	if errors.Is(err, ErrFull) {
		return err
	}
	if err == nil {
		err = l.commit(p)
	}
	if err != nil {
		return l.latch(err)
	}
	s.over = true
	l.staging.Store(false)
	return nil
}

// stage puts beside the segments what else the log will consist of.
func (l *Log) stage(s *Staged) (p plan, err error) {
	for i := range s.segments {
		p.put = append(p.put, s.segments[i].name)
	}
	end := &s.segments[len(s.segments)-1]
	next := newSegment(end.last+1, end.next, end.lastTerm())
	p.put = append(p.put, next.name)
	if err := l.stageNext(&next, s.checkpoint); err != nil {
		return p, full(err)
	}
	head, err := l.kept(&s.segments[0])
	if err != nil {
		return p, err
	}
	if head != nil {
		p.from = head.first
		if p.from == s.First() {
			return p, nil
		}
		p.put = append(p.put, head.name)
		return p, full(l.stageHead(head))
	}
	return p, nil
}

// stageNext makes the segment that will be active.
func (l *Log) stageNext(next *segment, checkpoint []byte) error {
	f, err := l.config.FS.OpenFile(path.Join(stagingName, next.name), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	b, _ := next.preface(l.state, checkpoint)
	size := max(l.config.SegmentSize, (int64(len(b))+next.sealRoom(1)+511)&^511)
	if err = allocate(f, 0, size); err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// kept returns where the log must be cut so that first follows it: a place
// that begins at first or before. It returns nil if first does not follow, and
// nothing is kept.
func (l *Log) kept(first *segment) (*place, error) {
	v := l.peek()
	if first.first <= v.oldest().first || first.first > v.active.last+1 {
		return nil, nil
	}
	var p *place
	if first.first == v.active.last+1 {
		p = &place{active: l.active}
		p.content = p.size
	} else {
		var err error
		if p, err = l.find(first.first); err != nil {
			return nil, err
		}
	}
	follows := p.next == first.base && p.lastTerm() == first.before
	if !follows && l.state.Commit >= first.first-1 {
		return nil, fmt.Errorf("wal: segments from entry %d on do not follow the one before it, which is committed",
			first.first)
	}
	if !follows {
		return nil, nil
	}
	return p, nil
}

// stageHead copies what is kept of the segment that is cut, and seals it.
func (l *Log) stageHead(p *place) error {
	from, err := l.config.FS.OpenFile(p.name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := l.config.FS.OpenFile(path.Join(stagingName, p.name), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	err = copyFile(io.NewOffsetWriter(to, 0), from, p.size, make([]byte, 1<<20))
	if err == nil && !p.complete {
		f := frame.Frame{Kind: frame.Seal, Data: p.sealData(p.chain.Link)}
		_, err = to.WriteAt(p.chain.Append(nil, p.size, f), p.size)
	}
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(err, to.Close())
}

// commit makes the staged plan the log. Readers wait meanwhile.
func (l *Log) commit(p plan) error {
	f := l.config.FS
	if err := writeSynced(f, path.Join(stagingName, manifestName), []byte(p.text())); err != nil {
		return err
	}
	if err := f.SyncDir(stagingName); err != nil {
		return err
	}
	defer l.hold()()
	if err := f.Rename(stagingName, installName); err != nil {
		return err
	}
	if err := f.SyncDir("."); err != nil {
		return err
	}
	old := l.active.handle
	l.files.closeAll()
	l.dropSpare()
	l.sealed = nil
	if err := l.recover(); err != nil {
		return err
	}
	l.gen++
	l.publish(func(t *tail) { *t = tail{} })
	l.files.end(old)
	return nil
}

// hold makes readers wait until the function it returns is called.
func (l *Log) hold() (free func()) {
	ready := make(chan struct{})
	l.gen++
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pub.ready, l.pub.gen = ready, l.gen
	l.files.renew(l.gen)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pub.ready = nil
		close(ready)
	}
}

// redoInstall finishes an installation that was written down, and clears away
// one that was not.
func (l *Log) redoInstall() error {
	f := l.config.FS
	data, err := readFile(f, path.Join(installName, manifestName), 1<<24)
	if err == nil {
		err = redoPlan(f, data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeDir(f, installName); err != nil {
		return err
	}
	if !l.staging.Load() {
		return removeDir(f, stagingName)
	}
	return nil
}

// redoPlan does what the plan says, as often as it takes.
func redoPlan(f FS, data []byte) error {
	p, err := parsePlan(data)
	if err != nil {
		return err
	}
	stays := map[string]bool{}
	for _, name := range p.put {
		stays[name] = true
	}
	names, err := f.ReadDir(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		first, _, ok := parseName(name)
		if !ok || first < p.from || stays[name] {
			continue
		}
		if err := f.Remove(name); err != nil {
			return err
		}
	}
	for _, name := range p.put {
		if err := moveIn(f, name); err != nil {
			return err
		}
	}
	if err := f.SyncDir("."); err != nil {
		return err
	}
	if err := f.SyncDir(installName); err != nil {
		return err
	}
	if err := f.Remove(path.Join(installName, manifestName)); err != nil {
		return err
	}
	return f.SyncDir(installName)
}

// moveIn moves a segment and its index into the log, unless that was done.
func moveIn(f FS, name string) error {
	err := f.Rename(path.Join(installName, name), name)
	if err == nil {
		err = remove(f, indexName(name)) // of what was there before
	}
	if err = ignore(err, fs.ErrNotExist); err != nil {
		return err
	}
	index := indexName(name)
	return ignore(f.Rename(path.Join(installName, index), index), fs.ErrNotExist)
}
