// Starting a service for a test: it ends with the test, and says what went wrong.

package grpcreplay

import (
	"path/filepath"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/journal"
)

// A TB is what a test is to Start: *testing.T, *testing.B, *testing.F.
type TB interface {
	Helper()
	Name() string
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// tail is how many events of the journal a failed test prints.
const tail = 30

// journalLimit bounds the journal that Start makes where it is given none.
const journalLimit = 8 << 20

// Start is New for tests: it fails the test at once if that errs, and closes
// the service when the test is over. What Close returns is an error of the
// test. A test that has failed leaves the recording as it was, and prints
// the end of the journal.
func Start(tb TB, c Config) *Service {
	tb.Helper()
	c.test = tb.Name()
	if c.File == "" && c.Recording == nil && c.Writer == nil && !c.NoFile {
		c.File = filepath.Join("testdata", fileName(tb.Name())+".journal")
	}
	if c.Journal == nil {
		c.Journal = &journal.Journal{Limit: journalLimit}
	}
	s, err := New(c)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(func() { s.report(tb) })
	return s
}

// report ends the service and says what went wrong.
func (s *Service) report(tb TB) {
	tb.Helper()
	failed := tb.Failed()
	if err := s.close(!failed); err != nil {
		tb.Errorf("%v", err)
	}
	for _, st := range s.RuleStats() {
		if st.Fired == 0 {
			tb.Logf("grpcreplay: %v", st)
		}
	}
	if !tb.Failed() {
		return
	}
	if failed && s.recorder != nil && s.mode != ModeVerify {
		tb.Logf("grpcreplay: the test failed: %s is left as it was", s.config.File)
	}
	events := s.config.Journal.Tail(tail)
	lines := make([]string, len(events))
	for i, e := range events {
		lines[i] = s.line(e)
	}
	tb.Logf("grpcreplay: the end of the journal:\n%s", strings.Join(lines, "\n"))
}

// line returns an event as a line, a message in it as JSON if its type is known.
func (s *Service) line(e journal.Event) string {
	method, _, _ := strings.Cut(e.Subject, "#")
	types := s.book.set()
	md := types.Output("/" + method)
	if e.Kind == kindOf(tape.Send) {
		md = types.Input("/" + method)
	} else if e.Kind != kindOf(tape.Recv) {
		md = nil
	}
	if md != nil {
		e.Body = []byte(showMessage(types, md, e.Body))
	}
	return brief(e.String())
}

// fileName makes a file's name of a test's.
func fileName(test string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) {
			return '_'
		}
		return r
	}, test)
}
