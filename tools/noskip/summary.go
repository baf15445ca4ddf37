// What is made of go test's events: the output of failures, and who skipped.

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A summary follows one run of go test.
type summary struct {
	allowed allowance
	out     io.Writer
	output  map[string]*strings.Builder // what each running test has said
	skipped []string                    // without leave
	failed  bool
	tests   int
}

func newSummary(allowed allowance, out io.Writer) *summary {
	return &summary{allowed: allowed, out: out, output: map[string]*strings.Builder{}}
}

// read takes in go test's whole answer. It reads to the end whatever it
// finds, since go test would wait for its reader otherwise.
func (s *summary) read(r io.Reader) (wrong error) {
	err := readLines(r, func(line []byte) error {
		e, err := parseEvent(line)
		if err != nil && wrong == nil {
			wrong = err
		}
		if err == nil {
			s.add(e)
		}
		return nil
	})
	if wrong == nil {
		wrong = err
	}
	return wrong
}

func (s *summary) add(e event) {
	name := e.Package
	if e.Test != "" {
		name += "." + e.Test
	}
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		s.said(name).WriteString(e.Output)
	case "pass", "fail", "skip":
		s.end(name, e)
		delete(s.output, name)
	}
}

func (s *summary) said(name string) *strings.Builder {
	if s.output[name] == nil {
		s.output[name] = &strings.Builder{}
	}
	return s.output[name]
}

// end notes how a test, or with no Test a package, came out.
func (s *summary) end(name string, e event) {
	switch {
	case e.Action == "fail":
		s.failed = true
		if e.Test == "" {
			s.unfinished(name + ".")
		}
		fmt.Fprint(s.out, s.said(name))
	case e.Test == "" && e.Action == "skip":
		fmt.Fprintf(s.out, "-    %s has no tests\n", name)
	case e.Test == "":
		fmt.Fprintf(s.out, "ok   %s %.1fs\n", name, e.Elapsed)
	case e.Action == "skip":
		s.skip(name)
	}
	if e.Test != "" {
		s.tests++
	}
}

// unfinished tells what those tests said that a panic or a timeout cut off.
func (s *summary) unfinished(prefix string) {
	for _, name := range slices.Sorted(maps.Keys(s.output)) {
		if strings.HasPrefix(name, prefix) {
			fmt.Fprint(s.out, s.output[name])
		}
	}
}

func (s *summary) skip(name string) {
	if why := s.allowed.reason(name); why != "" {
		fmt.Fprintf(s.out, "skip %s: %s\n", name, why)
		return
	}
	s.skipped = append(s.skipped, name)
	fmt.Fprint(s.out, s.said(name))
}

// verdict ends the report and returns the exit code.
func (s *summary) verdict() int {
	for _, name := range s.skipped {
		fmt.Fprintf(s.out, "SKIPPED %s: make it run, or allow it by name and with a reason\n", name)
	}
	fmt.Fprintf(s.out, "%d tests ran, %d of them skipped without leave\n", s.tests, len(s.skipped))
	if s.failed || len(s.skipped) > 0 {
		return 1
	}
	return 0
}
