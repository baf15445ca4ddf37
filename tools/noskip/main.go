// The command noskip: go test's answer, with every skipped test a failure.

// Noskip runs go test with the arguments it is given and fails when a test
// fails or is skipped. A skipped test proves nothing, and nobody reads of it.
//
//	noskip [-allow "package.TestName=reason"]... [--] [go test arguments]
//
// It prints a line for each package, the output of what failed, and the names
// of what was skipped. A skip that has a reason is allowed by name; a name
// ending in "/..." allows the test's subtests too.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	allowed := allowance{}
	flag.Var(allowed, "allow", "a test that may be skipped, as `package.TestName=reason`; may be repeated")
	flag.Parse()
	os.Exit(run(allowed, flag.Args(), os.Stdout))
}

// run runs go test and returns the exit code: 0 when everything ran and
// passed, 1 otherwise, 2 when go test could not be run.
func run(allowed allowance, args []string, out io.Writer) int {
	test := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	test.Stderr = os.Stderr
	answer, err := test.StdoutPipe()
	if err == nil {
		err = test.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "noskip: running go test:", err)
		return 2
	}
	s := newSummary(allowed, out)
	readErr := s.read(answer)
	code := s.verdict()
	if err := test.Wait(); err != nil {
		fmt.Fprintln(out, "go test:", err)
		code = 1
	}
	if readErr != nil {
		fmt.Fprintln(os.Stderr, "noskip: reading what go test says:", readErr)
		code = 2
	}
	return code
}

// An allowance holds the reason for each test that may be skipped.
type allowance map[string]string

// String is part of flag.Value.
func (a allowance) String() string { return "" }

// Set takes one "package.TestName=reason"; it is part of flag.Value.
func (a allowance) Set(s string) error {
	name, reason, ok := strings.Cut(s, "=")
	if !ok || name == "" || reason == "" {
		return errors.New("want package.TestName=reason")
	}
	a[name] = reason
	return nil
}

// reason returns why the named test may be skipped, "" if it may not.
func (a allowance) reason(test string) string {
	if why, ok := a[test]; ok {
		return why
	}
	for name := test; ; {
		cut := strings.LastIndex(name, "/")
		if cut < 0 {
			return ""
		}
		name = name[:cut]
		if why, ok := a[name+"/..."]; ok {
			return why
		}
	}
}

// readLines calls f for each line, however long, until one is wrong.
func readLines(r io.Reader, f func(line []byte) error) error {
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := f(line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// An event is one line of go test -json, as go doc test2json tells it.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

func parseEvent(line []byte) (event, error) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("not a line of go test -json: %q: %w", line, err)
	}
	return e, nil
}
