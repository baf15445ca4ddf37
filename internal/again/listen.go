// What a test binary prints, understood as it comes.

package again

import (
	"bytes"
	"strings"
)

// tailSize is how much of the output is kept.
const tailSize = 64 << 10

// frame begins a line of go test's own in its form for machines.
const frame = "\x16"

// listener reads a test binary's output and notes what becomes of one test.
type listener struct {
	name     string
	began    bool
	verdict  string // PASS, FAIL or SKIP once the test has ended
	timedOut bool   // the binary's own timeout came
	line     []byte // begun and not yet ended
	tail     tail
}

// Write implements io.Writer.
func (l *listener) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		l.line = append(l.line, line...)
		if !whole {
			return n, nil
		}
		l.read(string(l.line) + "\n")
		l.line = l.line[:0]
		b = rest
	}
}

// end reads what has no end of line.
func (l *listener) end() {
	if len(l.line) > 0 {
		l.read(string(l.line))
		l.line = nil
	}
}

// read takes one line. What go test says may follow on what a program printed
// without an end of line.
func (l *listener) read(line string) {
	said, own := line, ""
	if at := strings.LastIndex(line, frame); at >= 0 {
		said, own = line[:at], strings.TrimSuffix(line[at+len(frame):], "\n")
		if said != "" {
			said += "\n"
		}
	}
	l.tail.add(said)
	l.timedOut = l.timedOut || strings.HasPrefix(said, "panic: test timed out after ")
	switch kind, rest, _ := strings.Cut(own, " "); kind {
	case "===":
		l.began = l.began || strings.TrimSpace(strings.TrimPrefix(rest, "RUN")) == l.name
	case "---":
		verdict, of, _ := strings.Cut(rest, ": ")
		if of, _, _ = strings.Cut(of, " ("); of == l.name {
			l.verdict = verdict
		}
	}
}

// tail keeps the end of what is added, and at most twice that meanwhile.
type tail struct{ b []byte }

func (t *tail) add(s string) {
	t.b = append(t.b, s...)
	if len(t.b) > 2*tailSize {
		t.b = append(t.b[:0], t.b[len(t.b)-tailSize:]...)
	}
}

// String returns the end, from the beginning of a line.
func (t *tail) String() string {
	if len(t.b) <= tailSize {
		return string(t.b)
	}
	_, rest, _ := bytes.Cut(t.b[len(t.b)-tailSize:], []byte("\n"))
	return string(rest)
}
