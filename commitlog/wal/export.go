// Sealed segments on their way to another node.

package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// An export is a line, a manifest (length, CRC32C, then per segment first
// index, first offset and size, and the size and CRC32C of the checkpoint),
// the segments' files as they are, and the checkpoint.
const (
	exportLine  = "rehearse log export 1\n"
	exportEntry = 24
	maxExported = 1 << 16 // segments
)

// An Export writes sealed segments out, for [Log.Import] on another node.
type Export struct {
	log        *Log
	segments   []*segment
	checkpoint []byte
}

// Export returns an export of the sealed segments that hold entries behind
// after up to through, which must be the end of a sealed segment, and of the
// checkpoint that follows. It begins with the entry after it where a segment
// does, else before; if that was removed, behind.
func (l *Log) Export(after, through uint64) (*Export, error) {
	x := &Export{log: l}
	err := l.retry(func(v *view) error {
		x.segments = nil
		for _, s := range v.sealed {
			if s.last > after && s.last <= through {
				x.segments = append(x.segments, s)
			}
		}
		if n := len(x.segments); n == 0 || n > maxExported || x.segments[n-1].last != through {
			return fmt.Errorf("wal: no export of entries behind %d up to %d: %d sealed segments lie there, "+
				"and one of them must end with the last", after, through, n)
		}
		return nil
	})
	if err == nil {
		_, x.checkpoint, err = l.CheckpointAt(through + 1)
	}
	return x, err
}

// Size returns how many bytes WriteTo writes.
func (x *Export) Size() int64 {
	n := int64(len(exportLine) + 8 + len(x.manifest()) + len(x.checkpoint))
	for _, s := range x.segments {
		n += s.size
	}
	return n
}

// First returns the first index in it.
func (x *Export) First() uint64 { return x.segments[0].first }

func (x *Export) manifest() []byte {
	le := binary.LittleEndian
	var b []byte
	for _, s := range x.segments {
		b = le.AppendUint64(le.AppendUint64(b, s.first), s.base)
		b = le.AppendUint64(b, uint64(s.size))
	}
	b = le.AppendUint32(b, uint32(len(x.checkpoint)))
	return le.AppendUint32(b, crc32.Checksum(x.checkpoint, castagnoli))
}

// WriteTo writes the export. It fails if a segment has been trimmed since.
func (x *Export) WriteTo(w io.Writer) (n int64, err error) {
	le, m := binary.LittleEndian, x.manifest()
	b := []byte(exportLine)
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(m))), crc32.Checksum(m, castagnoli))
	to := &counter{w: w}
	if _, err = to.Write(append(b, m...)); err != nil {
		return to.n, err
	}
	buf := make([]byte, 1<<20)
	for _, s := range x.segments {
		if err = x.copy(to, s, buf); err != nil {
			return to.n, err
		}
	}
	_, err = to.Write(x.checkpoint)
	return to.n, err
}

// copy writes a segment's file.
func (x *Export) copy(w io.Writer, s *segment, buf []byte) error {
	f, err := x.log.config.FS.OpenFile(s.name, os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("wal: a segment to be exported: %w", err)
	}
	defer f.Close()
	return copyFile(w, f, s.size, buf)
}

// copyFile writes the first size bytes of f.
func copyFile(w io.Writer, f File, size int64, buf []byte) error {
	for pos := int64(0); pos < size; {
		b := buf[:min(int64(len(buf)), size-pos)]
		if err := readFull(f, b, pos); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		pos += int64(len(b))
	}
	return nil
}

// A counter counts what is written through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
