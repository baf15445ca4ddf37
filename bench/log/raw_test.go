// The limit: one write and one fdatasync, and no log at all.

package log_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
)

// A rawFile is appended to and synced; each record has its length before it.
// Acknowledged means: written, and synced by fdatasync, in one write.
type rawFile struct {
	f     *os.File
	next  int64
	size  int64 // of a file that begins again at its end; 0 for one that grows
	syncs int
	buf   []byte
}

// limitSize is that of the preallocated file. It begins again when it is full,
// which spares it what a log has to do for a new segment.
const limitSize = 64 << 20

// openLimit writes zeros first, so that no append changes the file's size or
// its extents: nothing but the record's own blocks is left to write.
func openLimit(dir string) (localLog, error) {
	r, err := openGrowing(dir)
	if err != nil {
		return nil, err
	}
	raw := r.(*rawFile)
	raw.size = limitSize
	info, err := raw.f.Stat()
	if err != nil || info.Size() == limitSize {
		return raw, err
	}
	if _, err := raw.f.WriteAt(make([]byte, limitSize), 0); err != nil {
		return nil, err
	}
	return raw, raw.f.Sync()
}

// openGrowing appends to a file as it is: each sync has the new size to write.
func openGrowing(dir string) (localLog, error) {
	f, err := os.OpenFile(filepath.Join(dir, "raw"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &rawFile{f: f}, nil
}

func (r *rawFile) Append(batch [][]byte) error {
	r.buf = r.buf[:0]
	for _, record := range batch {
		r.buf = binary.LittleEndian.AppendUint32(r.buf, uint32(len(record)))
		r.buf = append(r.buf, record...)
	}
	if r.size > 0 && r.next+int64(len(r.buf)) > r.size {
		r.next = 0
	}
	if _, err := r.f.WriteAt(r.buf, r.next); err != nil {
		return err
	}
	r.next += int64(len(r.buf))
	r.syncs++
	return fdatasync(r.f)
}

func (r *rawFile) Records() (all [][]byte, err error) {
	text, err := os.ReadFile(r.f.Name())
	if err != nil {
		return nil, err
	}
	for len(text) > 4 {
		n := binary.LittleEndian.Uint32(text)
		if n == 0 {
			break
		}
		all = append(all, text[4:4+n])
		text = text[4+n:]
	}
	return all, nil
}

func (r *rawFile) Close() error { return r.f.Close() }
