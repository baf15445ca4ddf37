// Another node's segments, checked before they become part of the log.

package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
)

// maxCheckpoint is how many bytes the checkpoint of an export may have.
const maxCheckpoint = 1 << 28

// A Staged are segments of another node that were checked, and lie beside the
// log until they are installed or discarded.
type Staged struct {
	log        *Log
	segments   []segment
	checkpoint []byte
	over       bool // it was installed or discarded
}

// First returns the first index in the staged segments.
func (s *Staged) First() uint64 { return s.segments[0].first }

// Last returns the last entry in the staged segments, and its term.
func (s *Staged) Last() (index, term uint64) {
	end := &s.segments[len(s.segments)-1]
	return end.last, end.lastTerm()
}

// Next returns the offset behind the last entry.
func (s *Staged) Next() uint64 { return s.segments[len(s.segments)-1].next }

// Checkpoint returns the state of all entries up to the last.
func (s *Staged) Checkpoint() []byte { return s.checkpoint }

// Discard removes the segments.
func (s *Staged) Discard() error {
	if s.over {
		return nil
	}
	s.over = true
	defer s.log.staging.Store(false)
	return removeDir(s.log.config.FS, stagingName)
}

// An incoming export is one that is being read.
type incoming struct {
	fs    FS
	r     io.Reader
	sizes []int64
	sum   uint32 // of the checkpoint
	Staged
}

// Import reads an export, and checks all of it: every frame, every record,
// that nothing is missing between. It takes room on the disk as the bytes
// come in, and little memory; a reader that never ends is the caller's to
// bound. One import at a time may be under way or staged. Import may be called
// from any goroutine.
func (l *Log) Import(r io.Reader) (*Staged, error) {
	if !l.staging.CompareAndSwap(false, true) {
		return nil, errors.New("wal: there is an import already: install or discard it first")
	}
	in := &incoming{fs: l.config.FS, r: r, Staged: Staged{log: l}}
	if err := in.run(); err != nil {
		return nil, errors.Join(fmt.Errorf("wal: import: %w", full(err)), in.Discard())
	}
	return &in.Staged, nil
}

func (in *incoming) run() error {
	if err := removeDir(in.fs, stagingName); err != nil {
		return err
	}
	if err := in.fs.Mkdir(stagingName, 0o755); err != nil {
		return err
	}
	if err := in.readManifest(); err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for i := range in.segments {
		if err := in.receive(i, buf); err != nil {
			return err
		}
	}
	if err := in.readCheckpoint(); err != nil {
		return err
	}
	return in.fs.SyncDir(stagingName)
}

// readManifest reads the export's beginning.
func (in *incoming) readManifest() error {
	le := binary.LittleEndian
	b := make([]byte, len(exportLine)+8)
	if _, err := io.ReadFull(in.r, b); err != nil {
		return fmt.Errorf("the beginning: %w", err)
	}
	if string(b[:len(exportLine)]) != exportLine {
		return fmt.Errorf("it begins with %q, not %q", b[:len(exportLine)], exportLine)
	}
	n, sum := le.Uint32(b[len(exportLine):]), le.Uint32(b[len(exportLine)+4:])
	if n > maxExported*exportEntry+8 || n%exportEntry != 8 || n == 8 {
		return fmt.Errorf("a manifest of %d bytes makes no sense", n)
	}
	m := make([]byte, n)
	if _, err := io.ReadFull(in.r, m); err != nil {
		return fmt.Errorf("the manifest: %w", err)
	}
	if crc32.Checksum(m, castagnoli) != sum {
		return errors.New("the manifest does not match its checksum")
	}
	for ; len(m) > 8; m = m[exportEntry:] {
		size := le.Uint64(m[16:])
		if size > math.MaxInt64/2 {
			return fmt.Errorf("a segment of %d bytes makes no sense", size)
		}
		first, base := le.Uint64(m), le.Uint64(m[8:])
		if first == 0 || first >= beyond || base >= beyond {
			return fmt.Errorf("a segment that begins with entry %d, offset %d makes no sense", first, base)
		}
		in.segments = append(in.segments, newSegment(first, base, 0))
		in.sizes = append(in.sizes, int64(size))
	}
	if n = le.Uint32(m); n > maxCheckpoint {
		return fmt.Errorf("a checkpoint of %d bytes is too large", n)
	}
	in.checkpoint, in.sum = make([]byte, 0, min(n, 1<<16)), le.Uint32(m[4:])
	in.sizes = append(in.sizes, int64(n))
	return nil
}

// receive stores one segment and checks it.
func (in *incoming) receive(i int, buf []byte) error {
	s := &in.segments[i]
	f, err := in.fs.OpenFile(path.Join(stagingName, s.name), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	for pos := int64(0); pos < in.sizes[i]; {
		b := buf[:min(int64(len(buf)), in.sizes[i]-pos)]
		if _, err := io.ReadFull(in.r, b); err != nil {
			return fmt.Errorf("segment %s ends after %d of %d bytes or later: %w", s.name, pos, in.sizes[i], err)
		}
		if _, err := f.WriteAt(b, pos); err != nil {
			return err
		}
		pos += int64(len(b))
	}
	if err := in.check(i, f); err != nil {
		return err
	}
	return f.Sync()
}

// check checks a segment that was received: all of it.
func (in *incoming) check(i int, f File) error {
	s := &in.segments[i]
	if err := s.readSealed(f); err != nil {
		return err
	}
	if s.last < s.first || s.last >= beyond || s.next >= beyond {
		return s.corrupt(s.size, "a segment without entries, or with too many")
	}
	if i > 0 {
		if err := s.follows(&in.segments[i-1]); err != nil {
			return err
		}
	}
	list, err := s.scan(f, int64(in.log.config.IndexEvery), checkRecords)
	if err != nil {
		return err
	}
	link, err := s.link(f)
	if err == nil {
		in.log.writeIndex(stagingName, s, list, link)
	}
	return err
}

// checkRecords checks every record of an entry.
func checkRecords(e Entry) error {
	for _, err := range Decode(e) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (in *incoming) readCheckpoint() error {
	left := in.sizes[len(in.sizes)-1]
	for left > 0 {
		n := min(left, 1<<16)
		at := len(in.checkpoint)
		in.checkpoint = append(in.checkpoint, make([]byte, n)...)
		if _, err := io.ReadFull(in.r, in.checkpoint[at:]); err != nil {
			return fmt.Errorf("the checkpoint: %w", err)
		}
		left -= n
	}
	if crc32.Checksum(in.checkpoint, castagnoli) != in.sum {
		return errors.New("the checkpoint does not match its checksum")
	}
	return nil
}

// removeDir removes a directory and the files in it, if it is there.
func removeDir(f FS, name string) error {
	names, err := f.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := remove(f, path.Join(name, n)); err != nil {
			return err
		}
	}
	return f.Remove(name)
}
