// The header of a journal: what one must know to play it again.

package journal

import "slices"

// Version is the version of the text form that this package writes. It reads
// this version and none that is newer.
const Version = 1

// A Header says what a journal was made from. The zero Header is valid.
type Header struct {
	Version int    // of the text form; 0 stands for Version when writing
	Seed    uint64 // of the run
	Config  string // of the run, as text of one or more lines; never parsed
	Notes   []Note // anything else: test name, versions, how to run it again
}

// SetHeader sets what Header returns and what a Stream begun later starts
// with.
func (j *Journal) SetHeader(h Header) {
	h.Notes = slices.Clone(h.Notes)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.header = h
}

// Header returns the header set last, with the present Version.
func (j *Journal) Header() Header {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.header
	h.Version = Version
	h.Notes = slices.Clone(h.Notes)
	return h
}
