// A node's log, cut into lines.

package clustertest

import (
	"bytes"
	"strings"
	"sync"
)

// longest is how long a line may become, in bytes, before it is cut.
const longest = 64 << 10

// lines is an io.Writer that hands on whole lines, without their ends.
type lines struct {
	emit func(line string)

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

// take appends b and returns the lines that are whole or too long.
func (l *lines) take(b []byte) (whole []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		cut := end + 1
		if end < 0 {
			if len(l.rest) < longest {
				return whole
			}
			end, cut = longest, longest
		}
		if line := strings.TrimRight(string(l.rest[:end]), "\r"); line != "" {
			whole = append(whole, line)
		}
		l.rest = l.rest[cut:]
	}
}
