// One subtest in a child process, and what became of it.

package again

import (
	"cmp"
	"context"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// inside is set in the environment of a child, to the name of its test.
const inside = "REHEARSE_AGAIN"

// Inside tells whether this process was started by [Run], and not to keep
// anything. Such a process answers one question; it should shrink nothing and
// keep nothing.
func Inside() bool { return os.Getenv(inside) != "" }

// A Config says how a test is run again. The zero Config runs it as this
// process was run.
type Config struct {
	Args    []string      // flags after this binary's own, such as "-rehearse.seed=7"; the later of two alike counts
	Env     []string      // after this process's own, "key=value"
	Timeout time.Duration // of real time, after which the child is ended; if 0, a minute: it is one test
	Keep    bool          // the child keeps what a test keeps that somebody runs: Inside does not hold there
}

func (c Config) limit() time.Duration { return cmp.Or(c.Timeout, time.Minute) }

// A Result is what became of a test that was run again. With all but Output
// zero the test was not run: the binary has none of that name, or the process
// ended before its turn.
type Result struct {
	Found   bool   // the test began
	Failed  bool   // and did not pass: it failed, crashed or hung
	Crashed bool   // the process ended before the test did, or after it by a panic
	Hung    bool   // the time was up first, or the context ended
	Output  string // what the process printed, the last 64 KiB of it
}

// Run runs the test of that full name, as its Name method returns it, in a
// child process of this test binary, in the same directory, with the same
// arguments but for go test's own, and waits for its end. Parents of the test
// run too, as far as they must to get to it. When ctx ends the child is killed.
func Run(ctx context.Context, name string, c Config) Result {
	limit := c.limit()
	ctx, cancel := context.WithTimeout(ctx, limit+limit/4) // the child ends itself first, and tells where it was
	defer cancel()
	binary, err := os.Executable()
	if err != nil {
		return Result{Output: err.Error()}
	}
	flags, rest := kept(os.Args[1:])
	// The form for machines is asked for: there a program's output cannot be
	// taken for go test's own.
	own := append(arguments(name, limit), "-test.v=test2json")
	child := exec.CommandContext(ctx, binary, slices.Concat(own, flags, c.Args, rest)...)
	child.Env = slices.Concat(environment(), c.Env)
	if !c.Keep {
		child.Env = append(child.Env, inside+"="+name)
	}
	child.WaitDelay = time.Second // a grandchild may hold the pipe open
	heard := listener{name: name}
	child.Stdout, child.Stderr = &heard, &heard
	err = child.Run()
	heard.end()
	r := Result{Found: heard.began, Output: heard.tail.String()}
	if child.ProcessState == nil { // it never started
		r.Output += err.Error()
	}
	r.Hung = r.Found && (ctx.Err() != nil || heard.timedOut)
	r.Crashed = r.Found && !r.Hung && (heard.verdict == "" || crashed(child))
	r.Failed = r.Hung || r.Crashed || heard.verdict == "FAIL"
	return r
}

// crashed tells whether the process ended otherwise than a test binary does
// whose tests passed or failed: those exit with 0 or 1.
func crashed(child *exec.Cmd) bool {
	code := child.ProcessState.ExitCode()
	return code != 0 && code != 1
}

// environment is this process's. A race-detecting child does not sleep for a
// second before it ends, as it otherwise does in case another race is found.
func environment() []string {
	return append(os.Environ(), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
}

// arguments are go test's own for the child.
func arguments(name string, limit time.Duration) []string {
	args := []string{"-test.run=" + Pattern(name), "-test.count=1", "-test.timeout=" + limit.String()}
	if f := flag.Lookup("test.short"); f != nil && f.Value.String() == "true" {
		args = append(args, "-test.short")
	}
	return args
}

// kept returns the flags that are not go test's own, and what follows on the
// flags.
func kept(args []string) (flags, rest []string) {
	for len(args) > 0 {
		name, isFlag := flagName(args[0])
		if !isFlag { // package flag stops here too
			return flags, args
		}
		size := 1
		if takesNext(args[0], name) {
			size = min(2, len(args))
		}
		if !strings.HasPrefix(name, "test.") {
			flags = append(flags, args[:size]...)
		}
		args = args[size:]
	}
	return flags, nil
}

// flagName returns the name of the flag in arg, as package flag reads it.
func flagName(arg string) (name string, isFlag bool) {
	if len(arg) < 2 || arg[0] != '-' || arg == "--" {
		return "", false
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	return name, true
}

// takesNext tells whether the flag's value is the next argument.
func takesNext(arg, name string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	f := flag.Lookup(name)
	if f == nil {
		return false
	}
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}
