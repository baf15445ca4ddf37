// The witness: a second process that can tell what ran when the first ended.

package again

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// A Witness is told what begins and ends. A panic of any goroutine but the
// test's own ends the process, and then Go names no test: somebody else must
// know. Its methods may be called from any goroutine, and on nil do nothing.
type Witness struct {
	mu    sync.Mutex // a line is written whole
	in    io.WriteCloser
	child *exec.Cmd
}

// witnessOf is set in a witness's environment, to the name of its test.
const witnessOf = "REHEARSE_WITNESS_OF"

// What a witness is told, a line each.
const (
	began = "began "
	ended = "ended "
	over  = "over"
)

// CallWitness starts a witness for the test of that full name: this test
// binary again, which waits before anything else of it begins. When this
// process ends without [Witness.Dismiss], the witness goes on to run that
// test, as [Run] would but for what it prints: its standard error goes where
// ours does. There [Testimony] says what had begun and not ended. The witness
// is nil when there is none to be had, or when this process was started by Run.
func CallWitness(test string, c Config) *Witness {
	binary, err := os.Executable()
	if err != nil || Inside() {
		return nil
	}
	flags, rest := kept(os.Args[1:])
	own := arguments(test, c.limit())
	child := exec.Command(binary, slices.Concat(own, flags, c.Args, rest)...)
	child.Env = slices.Concat(environment(), c.Env, []string{witnessOf + "=" + test})
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil || child.Start() != nil {
		return nil
	}
	return &Witness{in: in, child: child}
}

// Began tells the witness that something of that name, of one line, begins.
func (w *Witness) Began(name string) { w.tell(began + name) }

// Ended tells it that it has ended.
func (w *Witness) Ended(name string) { w.tell(ended + name) }

// Dismiss ends the witness and waits for that: nothing is left to be told.
func (w *Witness) Dismiss() {
	if w == nil {
		return
	}
	w.tell(over)
	w.in.Close()
	w.child.Wait()
}

// tell writes a line. A witness that has gone hears nothing.
func (w *Witness) tell(line string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintln(w.in, line)
}

// heard is what this process, as a witness, was told.
var heard struct {
	test    string
	running []string
}

// A witness waits here, before the program's own packages and TestMain do
// anything that must not be done twice at a time. It goes on only if it has
// something to tell.
func init() {
	test := os.Getenv(witnessOf)
	if test == "" {
		return
	}
	os.Unsetenv(witnessOf) // what this process starts is no witness
	running := listen(os.Stdin)
	if len(running) == 0 {
		os.Exit(0)
	}
	heard.test, heard.running = test, running
}

// listen returns what had begun and not ended when in ends, in the order of
// beginning, or nothing when all was over.
func listen(in io.Reader) (running []string) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		line := lines.Text()
		if line == over {
			return nil
		}
		if name, found := strings.CutPrefix(line, began); found {
			running = append(running, name)
		}
		if name, found := strings.CutPrefix(line, ended); found {
			running = slices.DeleteFunc(running, func(other string) bool { return other == name })
		}
	}
	return running
}

// Testimony returns what had begun and not ended when the process ended of
// whose test by that full name this process is the witness; else nothing.
func Testimony(test string) (running []string) {
	if heard.test != test {
		return nil
	}
	return slices.Clone(heard.running)
}
