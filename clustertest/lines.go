// A node's log, cut into lines.

package clustertest

import (
	"bytes"
	"cmp"
	"strings"
	"sync"
)

const (
	longest       = 64 << 10 // of a log's lines, in bytes; what is longer is cut into several
	longestReport = 1 << 20  // of the lines of reports
)

// lines is an io.Writer that hands on whole lines, without their ends. Empty
// ones are left out.
type lines struct {
	longest int // if 0, that of a log
	emit    func(line string)

	mu   sync.Mutex
	rest []byte
}

// Write takes text and hands on the lines that it completes.
func (l *lines) Write(b []byte) (int, error) {
	for _, line := range l.take(b) {
		l.emit(line)
	}
	return len(b), nil
}

// flush hands on what has no end of line.
func (l *lines) flush() { l.Write([]byte("\n")) }

// take appends b and returns the lines that are whole or too long.
func (l *lines) take(b []byte) (whole []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	most := cmp.Or(l.longest, longest)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		cut := end + 1
		if end < 0 && len(l.rest) < most {
			return whole
		}
		if end < 0 || end > most {
			end, cut = most, most
		}
		if line := strings.TrimRight(string(l.rest[:end]), "\r"); line != "" {
			whole = append(whole, line)
		}
		l.rest = l.rest[cut:]
	}
}

// clip shortens what is told of a text.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
